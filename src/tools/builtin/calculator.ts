import { z } from 'zod';
import { failure } from '../result.ts';
import { defineTool, type Toolset } from '../tool.ts';
import { pure } from './annotations.ts';
import { statisticsFunctions } from './calculator/statistics.ts';

const operands = z.strictObject({
  a: z.number().describe('The first number; finite.'),
  b: z.number().describe('The second number; finite.'),
});
const TOO_LARGE = 'The result is too large to represent as a number. Use operands of smaller magnitude.';

const finite = (value: number) => (Number.isFinite(value) ? value : failure(TOO_LARGE));

/** The tool `add`, also on its own for comparisons with other servers. */
export const add = defineTool({
  name: 'add',
  title: 'Add',
  description: 'Adds two numbers and returns the sum: 5 and 3 give 8.',
  input: operands,
  output: z.number(),
  annotations: pure,
  handler: ({ a, b }) => finite(a + b),
});

const subtract = defineTool({
  name: 'subtract',
  title: 'Subtract',
  description: 'Subtracts b from a and returns the difference: 5 and 3 give 2.',
  input: operands,
  output: z.number(),
  annotations: pure,
  handler: ({ a, b }) => finite(a - b),
});

const multiply = defineTool({
  name: 'multiply',
  title: 'Multiply',
  description: 'Multiplies two numbers and returns the product: 5 and 3 give 15.',
  input: operands,
  output: z.number(),
  annotations: pure,
  handler: ({ a, b }) => finite(a * b),
});

/** The remainder of floored division: it has the divisor's sign, where JavaScript's `%` has the dividend's. */
function flooredRemainder(dividend: number, divisor: number): number {
  const remainder = dividend % divisor;
  return remainder !== 0 && remainder < 0 !== divisor < 0 ? remainder + divisor : remainder;
}

const divide = defineTool({
  name: 'divide',
  title: 'Divide',
  description:
    'Divides a by b and returns the quotient, the remainder of floored division (with the sign of b: -7 by 3 ' +
    'leaves 2) and whether the quotient is an integer. Fails when b is 0.',
  input: z.strictObject({
    a: z.number().describe('The dividend; finite.'),
    b: z.number().describe('The divisor; finite and not 0.'),
  }),
  output: z.strictObject({
    dividend: z.number(),
    divisor: z.number(),
    quotient: z.number(),
    remainder: z.number(),
    is_integer: z.boolean(),
  }),
  annotations: pure,
  handler({ a, b }) {
    if (b === 0) return failure('Division by zero is undefined. Use a divisor other than 0.');
    const quotient = a / b;
    if (!Number.isFinite(quotient)) return failure(TOO_LARGE);
    return {
      dividend: a,
      divisor: b,
      quotient,
      remainder: flooredRemainder(a, b),
      is_integer: Number.isInteger(quotient),
    };
  },
});

/** Arithmetic on two numbers, and statistics of a list. */
export const calculator: Toolset = {
  name: 'calculator',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [add, subtract, multiply, divide, statisticsFunctions],
};
