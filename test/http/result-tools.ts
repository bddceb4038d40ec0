/** Tools whose results have each of the shapes that REST answers with, for a tool module of the tests. */
import { content, defineTool, z } from 'nexus-mcp/tools';

const base = {
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  input: z.strictObject({}),
  title: 'Result',
  description: 'Returns something.',
};

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const tools = [
  defineTool({ ...base, name: 'one_text', handler: () => content([{ type: 'text', text: 'alone' }]) }),
  defineTool({
    ...base,
    name: 'two_texts',
    handler: () =>
      content([
        { type: 'text', text: 'one' },
        { type: 'text', text: 'two' },
      ]),
  }),
  defineTool({
    ...base,
    name: 'image',
    handler: () => content([{ type: 'image', data: PIXEL, mimeType: 'image/png' }]),
  }),
  defineTool({
    ...base,
    name: 'text_and_value',
    output: z.strictObject({ sum: z.number() }),
    handler: () => content([{ type: 'text', text: 'The sum is 8.' }], { sum: 8 }),
  }),
  defineTool({ ...base, name: 'json', handler: () => ({ list: [1, 'two', null], nested: { yes: true } }) }),
  defineTool({ ...base, name: 'null_value', output: z.null(), handler: () => null }),
  defineTool({ ...base, name: 'false_value', output: z.boolean(), handler: () => false }),
  defineTool({ ...base, name: 'empty_text', handler: () => '' }),
  defineTool({ ...base, name: 'nothing', handler: () => undefined }),
];

export const IMAGE_BLOCK = { type: 'image', data: PIXEL, mimeType: 'image/png' };
