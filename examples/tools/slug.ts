/** A tool whose schemas are plain JSON Schema. */
import { defineTool } from 'nexus-mcp/tools';

export const slug = defineTool({
  name: 'slug',
  title: 'Slug',
  description: 'The part of a URL for a page with a title: `a-good-day` for `A good day!`.',
  input: {
    type: 'object',
    properties: { title: { type: 'string', maxLength: 100 } },
    required: ['title'],
    additionalProperties: false,
  },
  output: { type: 'string' },
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  handler(args) {
    // Safe, because the server has validated them: the type says what the schema says.
    const { title } = args as { readonly title: string };
    return (
      title
        .toLowerCase()
        .match(/[a-z0-9]+/g)
        ?.join('-') ?? ''
    );
  },
});
