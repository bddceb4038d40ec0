/** A server on the SDK's v1 line with sessions and express, as its documentation shows it, monitored. */
import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createMonitoring } from 'nexus-mcp/monitoring';
import { z } from 'zod';

const monitoring = createMonitoring();

function createGreeter(): McpServer {
  const server = new McpServer({ name: 'greeter', version: '1.0.0' });
  const inputSchema = { name: z.string() };
  server.registerTool('greet', { description: 'Greets someone by name.', inputSchema }, ({ name }) => ({
    content: [{ type: 'text', text: `Hello ${name}` }],
  }));
  return monitoring.instrument(server);
}

const transports = new Map<string, StreamableHTTPServerTransport>();

async function openSession(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => {
      transports.set(id, transport);
    },
    onsessionclosed: (id) => {
      transports.delete(id);
    },
  });
  await createGreeter().connect(transport);
  return transport;
}

const app = express();
app.get('/metrics', monitoring.expressHandler());
app.all('/mcp', express.json(), async (request, response) => {
  const id = request.get('mcp-session-id');
  const transport = id === undefined ? await openSession() : transports.get(id);
  if (!transport) {
    const error = { code: -32_600, message: 'There is no such session; begin a new one with initialize' };
    response.status(404).json({ jsonrpc: '2.0', error, id: null });
    return;
  }
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
