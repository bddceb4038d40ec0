/** A server of fastmcp, which makes an MCP server for each session: their class is monitored. */
import { FastMCP, FastMCPSession } from 'fastmcp';
import { createMonitoring } from 'nexus-mcp/monitoring';
import { z } from 'zod';

const monitoring = createMonitoring();
monitoring.instrument(FastMCPSession);

const server = new FastMCP({ name: 'greeter', version: '1.0.0' });
server.addTool({
  name: 'greet',
  description: 'Greets someone by name.',
  parameters: z.object({ name: z.string() }),
  execute: ({ name }) => Promise.resolve(`Hello ${name}`),
});
server.getApp().get('/metrics', async (context) => {
  const { contentType, body } = await monitoring.metrics(context.req.header('accept'));
  return context.body(body, 200, { 'content-type': contentType });
});

await server.start({
  transportType: 'httpStream',
  httpStream: { port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' },
});
