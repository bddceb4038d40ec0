import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { keepCollectionsShort } from '../src/short-collections.ts';
import { REPORTS } from './first-progress.ts';
import { answerParent } from './probes.ts';

// Its own pauses would count as those of what is between it and the client.
keepCollectionsShort();

// What most servers are today: the v1 SDK with sessions, which answers by streams.

const TOOLS = Number(process.env['BENCH_TOOLS']);
const AFTER_MS = 10;
const numbers = { a: z.number(), b: z.number() };

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'v1', version: '0.0.0' });
  const names = ['add', ...Array.from({ length: TOOLS - 2 }, (_, index) => `tool_${index}`)];
  for (const name of names)
    server.registerTool(name, { description: 'Adds numbers.', inputSchema: numbers }, ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }));
  server.registerTool(
    REPORTS,
    { description: 'Says when it says so.' },
    async ({ _meta, sendNotification }) => {
      const message = String(performance.timeOrigin + performance.now());
      const params = { progressToken: _meta?.progressToken ?? 0, progress: 1, message };
      await sendNotification({ method: 'notifications/progress', params });
      // The answer is not to be what brings it along.
      await sleep(AFTER_MS);
      return { content: [{ type: 'text', text: message }] };
    },
  );
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
