/** A server on the SDK's v2 line in Hono, monitored. */
import { serve } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { Hono } from 'hono';
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

const app = new Hono();
app.all('/mcp', (context) => handler.fetch(context.req.raw));
app.get('/metrics', async (context) => {
  const { body, contentType } = await monitoring.metrics(context.req.header('accept'));
  return context.body(body, 200, { 'content-type': contentType });
});
serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000), hostname: '127.0.0.1' });
