/** A server on the SDK's v2 line, which is monitored from its first request on. */
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { createMonitoring } from 'nexus-mcp/monitoring';
import { z } from 'zod';

const monitoring = createMonitoring();

const handler = monitoring.instrument(
  createMcpHandler(() => {
    const server = monitoring.instrument(new McpServer({ name: 'greeter', version: '1.0.0' }));
    const inputSchema = z.object({ name: z.string() });
    server.registerTool('greet', { description: 'Greets someone by name.', inputSchema }, ({ name }) => ({
      content: [{ type: 'text', text: `Hello ${name}` }],
    }));
    return server;
  }),
);

const mcp = toNodeHandler(handler);
const metrics = monitoring.expressHandler();
createServer((request, response) => {
  const { url = '/', method = 'GET' } = request;
  void (url === '/metrics'
    ? metrics(request, response)
    : mcp(Object.assign(request, { url, method }), response));
}).listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
