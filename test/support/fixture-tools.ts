/** Tools that end in each of the outcomes, for a tool module of the tests. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  accepted,
  content,
  defineTool,
  elicit,
  failure,
  inputRequired,
  unavailable,
  z,
} from 'nexus-mcp/tools';

const annotations = { readOnly: true, idempotent: true, openWorld: false };
const nothing = z.strictObject({});
const tool = { annotations, input: nothing, title: 'Fixture', description: 'A tool for tests.' };

const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error('aborted'));
    });
  });

export const echo = defineTool({
  ...tool,
  name: 'echo',
  input: z.strictObject({ text: z.string() }),
  output: z.string(),
  handler: ({ text }) => text,
});

export const fails = defineTool({ ...tool, name: 'fails', handler: () => failure('It cannot be done.') });

export const throws = defineTool({
  ...tool,
  name: 'throws',
  handler: () => {
    throw new Error('secret detail at /etc/passwd');
  },
});

export const throwsSecret = defineTool({
  ...tool,
  name: 'throws_secret',
  handler: () => {
    throw new Error('cannot log in to postgres://app:hunter2hunter2@db/ with password=hunter2hunter2');
  },
});

export const breaksSchema = defineTool({
  ...tool,
  name: 'breaks_schema',
  output: z.number(),
  handler: () => 'text' as unknown as number,
});

export const tooLarge = defineTool({ ...tool, name: 'too_large', handler: () => 'x'.repeat(2_000_000) });

export const unreachable = defineTool({
  ...tool,
  name: 'unreachable',
  handler: () => unavailable('The database cannot be reached.'),
});

export const refusedThere = defineTool({
  ...tool,
  name: 'refused_there',
  handler: () => unavailable('The database cannot be reached.', new Error('connection refused')),
});

/** Runs until it is aborted. */
export const hangs = defineTool({
  ...tool,
  name: 'hangs',
  timeoutSeconds: 0.2,
  handler: (_args, { signal }) => forever(signal),
});

/** Takes a while, and ignores everything. */
export const slow = defineTool({
  ...tool,
  name: 'slow',
  input: z.strictObject({ milliseconds: z.number() }),
  output: z.string(),
  handler: ({ milliseconds }) => new Promise<string>((resolve) => setTimeout(resolve, milliseconds, 'done')),
});

/** Takes until a file is there, however long that is. */
export const held = defineTool({
  ...tool,
  name: 'held',
  input: z.strictObject({ file: z.string() }),
  output: z.string(),
  timeoutSeconds: 300,
  handler: async ({ file }) => {
    while (!existsSync(file)) await sleep(50);
    return 'done';
  },
});

const NEVER_CHANGES = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Holds the event loop, and leaves the processor to others. */
export const blocks = defineTool({
  ...tool,
  name: 'blocks',
  input: z.strictObject({ milliseconds: z.number() }),
  output: z.string(),
  handler: ({ milliseconds }) => {
    Atomics.wait(NEVER_CHANGES, 0, 0, milliseconds);
    return 'done';
  },
});

/** Never returns, never yields. */
export const spins = defineTool({
  ...tool,
  name: 'spins',
  isolation: 'worker',
  timeoutSeconds: 0.5,
  handler: () => {
    for (;;);
  },
});

/** Needs so much memory; without a number, more than there is. */
export const eatsMemory = defineTool({
  ...tool,
  name: 'eats_memory',
  isolation: 'worker',
  // Its heap is to end it, also on a busy machine.
  timeoutSeconds: 120,
  input: z.strictObject({ megabytes: z.number().optional() }),
  output: z.number(),
  handler: ({ megabytes = Infinity }) => {
    const hoard: unknown[] = [];
    while (hoard.length < megabytes) hoard.push(Array.from({ length: 125_000 }, () => hoard.length));
    return hoard.length;
  },
});

export const exits = defineTool({
  ...tool,
  name: 'exits',
  isolation: 'worker',
  handler: () => process.exit(7),
});

export const isolated = defineTool({
  ...tool,
  name: 'isolated',
  isolation: 'worker',
  input: z.strictObject({
    what: z.enum(['value', 'failure', 'throw', 'progress', 'function', 'throws what has no text']),
  }),
  handler: ({ what }, context) => {
    context.progress(1, 2, 'half way');
    switch (what) {
      case 'failure':
        return failure('It cannot be done.');
      case 'throw':
        throw new Error('secret');
      case 'throws what has no text':
        throw Object.create(null);
      case 'function':
        return { what: () => what };
      case 'value':
      case 'progress':
        return content([{ type: 'text', text: what }]);
    }
  },
});

interface Fetching {
  readonly url: string;
  readonly patienceMilliseconds: number;
  readonly headers: Record<string, string>;
}

const fetching = {
  ...tool,
  input: z.strictObject({
    url: z.string(),
    patienceMilliseconds: z.number().default(60_000),
    headers: z.record(z.string(), z.string()).default({}),
  }),
  output: z.number(),
  handler: async ({ url, patienceMilliseconds, headers }: Fetching): Promise<number> =>
    (await fetch(url, { headers, signal: AbortSignal.timeout(patienceMilliseconds) })).status,
};

export const fetches = defineTool({ ...fetching, name: 'fetches' });

export const fetchesInThread = defineTool({ ...fetching, name: 'fetches_in_thread', isolation: 'worker' });

export const counts = defineTool({
  ...tool,
  name: 'counts',
  handler: async (_args, context) => {
    for (let step = 1; step <= 3; step += 1) {
      context.progress(step, 3, `step ${step}`);
      context.log('info', `step ${step}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return 'counted';
  },
});

export const letsGo = defineTool({
  ...tool,
  name: 'lets_go',
  input: z.strictObject({ milliseconds: z.number() }),
  handler: async ({ milliseconds }, context) => {
    context.releaseConnection();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return 'done';
  },
});

export const asks = defineTool({
  ...tool,
  name: 'asks',
  output: z.string(),
  handler: (_args, { answers, state }) => {
    const answer = accepted(answers['who'], z.object({ name: z.string() }));
    if (answer) return `Hello ${answer.name}, ${JSON.stringify(state)}`;
    const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    return inputRequired({ who: elicit('Who are you?', schema) }, { asked: 1 });
  },
});
