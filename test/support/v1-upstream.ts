import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

/** A server of the 2025 era, which keeps something in each session, in this process. */
export class V1Upstream {
  /** What was written in each session. */
  readonly notebooks: string[][] = [];
  #listeners = 0;
  readonly #sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: McpServer }>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  /** Returns its URL. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Streams on which clients hear of changes. */
  get listeners(): number {
    return this.#listeners;
  }

  /** Forgets all sessions, as a restart does. */
  forget(): void {
    this.#sessions.clear();
  }

  /** Gives each session another tool, of which clients are told. */
  addTool(name: string): void {
    for (const { server } of this.#sessions.values())
      server.registerTool(name, { description: 'Came late.' }, () => text('late'));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #createServer(): McpServer {
    const server = new McpServer({ name: 'notebook', version: '1.0.0' });
    const lines: string[] = [];
    this.notebooks.push(lines);
    server.registerTool(
      'write',
      { description: 'Keeps a line.', inputSchema: { line: z.string() } },
      ({ line }) => {
        lines.push(line);
        return text(lines.join(','));
      },
    );
    server.registerTool('fails', { description: 'Fails.' }, () => ({
      ...text('it cannot be done'),
      isError: true,
    }));
    server.registerTool('asks', { description: 'Asks its client.' }, async () => {
      await server.server.elicitInput({
        message: 'Sure?',
        requestedSchema: { type: 'object', properties: {} },
      });
      return text('asked');
    });
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: unknown = request.method === 'POST' ? await json(request) : undefined;
    const id = request.headers['mcp-session-id'];
    const session = this.#sessions.get(String(id));
    if (request.method === 'GET') {
      this.#listeners += 1;
      response.on('close', () => (this.#listeners -= 1));
    }
    if (!session && id !== undefined) response.writeHead(404).end();
    else await (session?.transport ?? (await this.#open())).handleRequest(request, response, body);
  }

  async #open(): Promise<StreamableHTTPServerTransport> {
    const server = this.#createServer();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }
}
