import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, Server, createMcpHandler, type CallToolResult } from '@modelcontextprotocol/server';
import { Server as V1Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer as V1McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Monitoring } from '../../src/monitoring/index.ts';

const info = { name: 'foreign', version: '1.0.0' };
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

const input = z.object({ a: z.number() });
const output = z.object({ sum: z.number() });

/** Tools that end in each way, for either line of the SDK. */
const HANDLERS = {
  works: () => text('x'.repeat(1000)),
  fails: () => ({ ...text('it cannot be done'), isError: true }),
  throws: () => {
    throw new Error('a bug');
  },
  times_out: () => {
    throw new DOMException('too late', 'TimeoutError');
  },
  slow: () => new Promise<ReturnType<typeof text>>((resolve) => setTimeout(resolve, 2000, text('late'))),
} as const;

/** Gives a v2 server its tools. */
export function registerTools(server: McpServer): McpServer {
  for (const [name, run] of Object.entries(HANDLERS)) server.registerTool(name, {}, run);
  server.registerTool('takes_a_number', { inputSchema: input }, () => text('taken'));
  server.registerTool('breaks_schema', { outputSchema: output }, () => text('no structure'));
  server.registerTool('disabled', {}, () => text('never')).disable();
  return server;
}

/** Gives a v1 server its tools. */
export function registerV1Tools(server: V1McpServer): V1McpServer {
  for (const [name, run] of Object.entries(HANDLERS)) server.registerTool(name, {}, run);
  server.registerTool('takes_a_number', { inputSchema: { a: z.number() } }, () => text('taken'));
  server.registerTool('breaks_schema', { outputSchema: { sum: z.number() } }, () => text('no structure'));
  server.registerTool('disabled', {}, () => text('never')).disable();
  return server;
}

export const newServer = (): McpServer => new McpServer(info);
export const newV1Server = (): V1McpServer => new V1McpServer(info);

/** A low-level v2 server with two tools, which it lists. */
export function newLowServer(): Server {
  const server = new Server(info, { capabilities: { tools: {} } });
  const inputSchema = { type: 'object' as const };
  server.setRequestHandler('tools/list', () => ({
    tools: ['works', 'throws', 'fails'].map((name) => ({ name, inputSchema })),
  }));
  server.setRequestHandler('tools/call', ({ params: { name } }) => {
    if (name === 'throws') throw new Error('a bug');
    return name === 'works' ? text('done') : { ...text('it cannot be done'), isError: true };
  });
  return server;
}

/** Lists the tool `query`, and fails its calls, by handlers of its own. */
function handleQueries(server: Server): void {
  const inputSchema = { type: 'object' as const };
  server.setRequestHandler('tools/list', () => ({ tools: [{ name: 'query', inputSchema }] }));
  server.setRequestHandler('tools/call', ({ params }) => {
    if (params.arguments?.['throws']) throw new Error('the database is down');
    return { ...text('no such table'), isError: true };
  });
}

/** A low-level server whose only tool fails. */
export function newQueryServer(): Server {
  const server = new Server(info, { capabilities: { tools: {} } });
  handleQueries(server);
  return server;
}

/** The same with a McpServer around it. */
export function newQueryMcpServer(): McpServer {
  const server = new McpServer(info, { capabilities: { tools: {} } });
  handleQueries(server.server);
  return server;
}

/** Serves with a listener on a free port for as long as the test lasts. Returns the URL without a path. */
export async function listenOnce(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Serves what the factory makes for each request, as the v2 SDK recommends: both eras, without sessions. */
export function serveStateless(create: () => McpServer | Server, monitoring: Monitoring): Promise<string> {
  const handler = createMcpHandler(() => monitoring.instrument(create()));
  const handle = toNodeHandler(handler);
  return listenOnce(
    (request, response) =>
      void handle(request as IncomingMessage & { method: string; url: string }, response),
  );
}

/** Serves v1 servers with a session each, as the v1 SDK's examples do. */
export function serveV1Sessions(create: () => V1McpServer, monitoring: Monitoring): Promise<string> {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    });
    await monitoring.instrument(create()).connect(transport);
    return transport;
  };
  const handle = async (
    request: IncomingMessage,
    response: Parameters<RequestListener>[1],
  ): Promise<void> => {
    const body = request.method === 'POST' ? await json(request) : undefined;
    const transport = transports.get(String(request.headers['mcp-session-id'])) ?? (await open());
    await transport.handleRequest(request, response, body);
  };
  return listenOnce((request, response) => void handle(request, response));
}

type CallHandler = (name: string, args: Record<string, unknown>) => CallToolResult | Promise<CallToolResult>;
type ListHandler = (cursor: string | undefined) => Promise<{ names: readonly string[]; nextCursor?: string }>;

export interface LowLevelTools {
  /** What its list has. Without it there is no list. */
  readonly list?: ListHandler | undefined;
  readonly call: CallHandler;
}

const capabilities = { tools: {} };
const asTools = (names: readonly string[]) =>
  names.map((name) => ({ name, inputSchema: { type: 'object' as const } }));

/** A list that is there at once. */
export const listing =
  (...names: string[]): ListHandler =>
  () =>
    Promise.resolve({ names });

/** A low-level server of each line of the SDK, by handlers alone. */
export const LOW_LEVEL = {
  v1({ list, call }: LowLevelTools): V1Server {
    const server = new V1Server(info, { capabilities });
    if (list)
      server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
        const { names, ...rest } = await list(params?.cursor);
        return { tools: asTools(names), ...rest };
      });
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => ({
      ...(await call(params.name, params.arguments ?? {})),
    }));
    return server;
  },
  v2({ list, call }: LowLevelTools): Server {
    const server = new Server(info, { capabilities });
    if (list)
      server.setRequestHandler('tools/list', async ({ params }) => {
        const { names, ...rest } = await list(params?.cursor);
        return { tools: asTools(names), ...rest };
      });
    server.setRequestHandler('tools/call', ({ params }) => call(params.name, params.arguments ?? {}));
    return server;
  },
};
