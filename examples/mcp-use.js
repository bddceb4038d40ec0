/**
 * A server of mcp-use 2, which keeps its MCP servers to itself: its tools are measured one by one. (One of mcp-use 1 is
 * monitored as a whole: `monitoring.instrument(server)`.)
 */
import { MCPServer } from 'mcp-use';
import { createMonitoring } from 'nexus-mcp/monitoring';
import { z } from 'zod';

const monitoring = createMonitoring();

const server = new MCPServer({ name: 'greeter', version: '1.0.0' });
server.tool(
  { name: 'greet', description: 'Greets someone by name.', inputSchema: z.object({ name: z.string() }) },
  monitoring.tool('greet', ({ name }) => ({ content: [{ type: 'text', text: `Hello ${name}` }] })),
);
server.get('/metrics', async (context) => {
  const { contentType, body } = await monitoring.metrics(context.req.header('accept'));
  return context.body(body, 200, { 'content-type': contentType });
});

await server.listen(Number(process.env['PORT'] ?? 3000), { host: '127.0.0.1' });
