import { z } from 'zod';
import { failure } from '../result.ts';
import { defineTool, type Toolset } from '../tool.ts';

const operands = z.strictObject({
  a: z.number().describe('The first number.'),
  b: z.number().describe('The second number.'),
});
const pure = { readOnly: true, idempotent: true, openWorld: false };

const finite = (value: number) =>
  Number.isFinite(value) ? value : failure('The result is too large to represent as a number.');

export const add = defineTool({
  name: 'add',
  title: 'Add',
  description: 'Adds two numbers and returns the sum: 5 and 3 give 8.',
  input: operands,
  output: z.number(),
  annotations: pure,
  handler: ({ a, b }) => finite(a + b),
});

export const calculator: Toolset = {
  name: 'calculator',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [add],
};
