import { defineTool, z } from 'nexus-mcp/tools';

export const hello = defineTool({
  name: 'hello',
  title: 'Hello',
  description: 'Greets somebody by name.',
  input: z.strictObject({ name: z.string().max(80) }),
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  handler: ({ name }) => `Hello ${name}`,
});
