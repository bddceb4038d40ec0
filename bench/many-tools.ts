import { defineTool, z } from '../src/tools/index.ts';

const input = z.strictObject({ a: z.number().describe('The number; finite.') });

const multiplier = (factor: number) =>
  defineTool({
    name: `times_${factor}`,
    title: `Times ${factor}`,
    description: `Multiplies a number by ${factor} and returns the product.`,
    input,
    output: z.number(),
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    handler: ({ a }) => a * factor,
  });

/** As many tools as the environment asks for, less `add`, which is the one that is called. */
export const manyTools = Array.from({ length: Number(process.env['BENCH_TOOLS']) - 1 }, (_, index) =>
  multiplier(index + 1),
);
