import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { add } from '../src/tools/builtin/calculator.ts';
import { manyTools } from './many-tools.ts';
import { answerParent } from './probes.ts';

// Made once, which is kinder than the SDK's examples: those make their schemas anew for each request.
const outputSchema = z.number();

const answer = (value: number): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  structuredContent: value,
});

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'sdk', version: '0.0.0' });
  const { title, description, input } = add;
  server.registerTool('add', { title, description, inputSchema: input, outputSchema }, ({ a, b }) =>
    answer(a + b),
  );
  for (const { name, title, description, input } of manyTools) {
    server.registerTool(name, { title, description, inputSchema: input, outputSchema }, ({ a }) => answer(a));
  }
  return server;
}

const handle = toNodeHandler(createMcpHandler(createMcpServer));

const app = express();
app.use(express.json());
app.all('/mcp', (request, response) => void handle(request, response, request.body));

const server = createServer(process.argv.includes('--express') ? app : (handle as RequestListener));
// Its turn may be long in coming.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  answerParent((server.address() as AddressInfo).port);
});
