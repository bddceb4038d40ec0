import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { keepCollectionsShort } from '../src/short-collections.ts';
import { answerParent } from './probes.ts';

// Its own pauses would count as those of what is between it and the client.
keepCollectionsShort();

// What most servers are today: the v1 SDK with sessions, which answers by streams.

const TOOLS = Number(process.env['BENCH_TOOLS']);
const numbers = { a: z.number(), b: z.number() };

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'v1', version: '0.0.0' });
  const names = ['add', ...Array.from({ length: TOOLS - 1 }, (_, index) => `tool_${index}`)];
  for (const name of names)
    server.registerTool(name, { description: 'Adds numbers.', inputSchema: numbers }, ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }));
  return server;
}

const sessions = new Map<string, StreamableHTTPServerTransport>();

async function open(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await createMcpServer().connect(transport);
  return transport;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = request.method === 'POST' ? await json(request) : undefined;
  const transport = sessions.get(String(request.headers['mcp-session-id'])) ?? (await open());
  await transport.handleRequest(request, response, body);
}

const server = createServer((request, response) => void serve(request, response));
// Its turn may be long in coming.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  answerParent((server.address() as AddressInfo).port);
});
