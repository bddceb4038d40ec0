import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import { accepted, defineTool, elicit, inputRequired } from '../../src/tools/index.ts';

const annotations = { readOnly: true, idempotent: true, openWorld: false };
const tool = {
  annotations,
  title: 'Hostile',
  description: 'A tool that hostile clients call.',
  input: z.strictObject({}),
};

export const large = defineTool({ ...tool, name: 'large', handler: () => 'x'.repeat(900_000) });

export const fails = defineTool({
  ...tool,
  name: 'fails',
  input: z.strictObject({ text: z.string() }),
  handler: ({ text }) => {
    throw new Error(`it fails: ${text.slice(0, 1000)}`);
  },
});

const chatty = {
  ...tool,
  handler: (
    _args: unknown,
    context: { progress(progress: number, total: number, message: string): void },
  ) => {
    for (let step = 0; step < 5000; step += 1) context.progress(step, 5000, 'x'.repeat(100));
    return 'done';
  },
};
export const chatters = defineTool({ ...chatty, name: 'chatters' });
export const chattersInThread = defineTool({ ...chatty, name: 'chatters_in_thread', isolation: 'worker' });

export const works = defineTool({
  ...tool,
  name: 'works',
  isolation: 'worker',
  handler: () => {
    let sum = 0;
    for (let step = 0; step < 5_000_000; step += 1) sum += step;
    return String(sum);
  },
});

export const wonders = defineTool({
  ...tool,
  name: 'wonders',
  handler: (_args, { answers }) =>
    accepted(answers['who'], z.object({ name: z.string() }))?.name ??
    inputRequired({
      who: elicit('Who are you?', { type: 'object', properties: { name: { type: 'string' } } }),
    }),
});

/** Bytes of heap in use once what nobody needs is gone. */
export const heap = defineTool({
  ...tool,
  name: 'heap',
  output: z.number(),
  handler: () => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
});
