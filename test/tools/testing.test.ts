import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { callTool } from 'nexus-mcp/testing';
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
import { describe, expect, it, vi } from 'vitest';

const annotations = { readOnly: true, idempotent: true, openWorld: false } as const;
const base = { title: 'Half', description: 'Halves.', annotations } as const;

const half = defineTool({
  ...base,
  name: 'half',
  input: z.strictObject({ number: z.number().default(8) }),
  output: z.strictObject({ half: z.number().max(100) }),
  handler: ({ number }) => {
    if (number < 0) return failure('The number is negative.');
    if (number === 0) throw new Error('nothing to halve');
    return { half: number / 2 };
  },
});

const books = defineTool({
  ...base,
  name: 'book',
  input: z.strictObject({}),
  handler: (_args, { answers, state, canElicit }) => {
    if (!canElicit) return unavailable('Nobody can be asked.');
    const answer = accepted(answers['seat'], z.object({ seat: z.string() }));
    if (!answer) return inputRequired({ seat: elicit('Which seat?', { type: 'object' }) }, { flight: 7 });
    return content([{ type: 'text', text: `${answer.seat} ${JSON.stringify(state)}` }]);
  },
});

describe('a tool that is called in a unit test', () => {
  it('has its arguments and its result validated', async () => {
    expect(await callTool(half)).toMatchObject({ status: 'success', result: { value: { half: 4 } } });
    expect(await callTool(half, { number: '8' })).toMatchObject({
      reason: 'invalid_arguments',
      problems: [expect.stringContaining('number: ')],
    });
    expect(await callTool(half, { number: 1000 })).toMatchObject({
      reason: 'exception',
      cause: { message: expect.stringContaining('invalid result: half: ') as string },
    });
  });

  it('ends as what it reports or throws', async () => {
    expect(await callTool(half, { number: -1 })).toMatchObject({
      status: 'error',
      reason: 'tool_error',
      message: 'The number is negative.',
    });
    const cause = { message: 'nothing to halve' };
    expect(await callTool(half, { number: 0 })).toMatchObject({ reason: 'exception', cause });
    expect(await callTool(half, {}, { resultBytes: 5 })).toMatchObject({ reason: 'exception' });
  });

  it.each([
    ['a handler that throws', 0, /cause: Error: nothing to halve/],
    ['a wrong result', 1000, /cause: \[Error: invalid result: half: /],
  ])('shows the cause of %s when its whole outcome is compared', async (_what, number, shown) => {
    const outcome = await callTool(half, { number });
    expect(() => {
      assert.partialDeepStrictEqual(outcome, { status: 'success', result: { value: { half: 0 } } });
    }).toThrow(shown);
  });

  it('asks, and goes on with the answers and its state', async () => {
    const asked = await callTool(books);
    if (asked.status !== 'success' || !asked.inputRequired) throw new Error('it does not ask');
    const { requests, state } = asked.inputRequired;
    expect(requests['seat']?.params).toMatchObject({ message: 'Which seat?' });
    const answers = { seat: { action: 'accept', content: { seat: '12A' } } };
    expect(await callTool(books, {}, { answers, state })).toMatchObject({
      result: { content: [{ text: '12A {"flight":7}' }] },
    });
    expect(await callTool(books, {}, { canElicit: false })).toMatchObject({ reason: 'unavailable' });
  });

  it('is cancelled by a signal, and ended by its deadline', async () => {
    const waits = defineTool({
      ...base,
      name: 'waits',
      isolation: 'worker',
      input: z.strictObject({}),
      handler: (_args, context) => {
        context.progress(1, 2, 'begun');
        context.log('info', 'waiting');
        return new Promise<string>(() => undefined);
      },
    });
    const client = new AbortController();
    const told: unknown[] = [];
    const call = callTool(
      waits,
      {},
      {
        signal: client.signal,
        progress: (...report) => told.push(report),
        log: (...line) => {
          told.push(line);
          client.abort();
        },
      },
    );
    expect(await call).toMatchObject({ reason: 'cancelled' });
    expect(told).toEqual([
      [1, 2, 'begun'],
      ['info', 'waiting'],
    ]);
    expect(await callTool(waits, {}, { timeoutSeconds: 0.01 })).toMatchObject({ reason: 'timeout' });
    // As tools.settings does, the option wins over what the tool states.
    const patient = { ...waits, timeoutSeconds: 60 };
    expect(await callTool(patient, {}, { timeoutSeconds: 0.01 })).toMatchObject({ reason: 'timeout' });
  });

  it('is refused as a server would refuse it', async () => {
    const loose = { ...half, name: 'a b', input: z.object({}) };
    await expect(callTool(loose)).rejects.toThrow(
      /^tool a b: its name must be[^]*\ntool a b: [^]*unknown fields/,
    );
    const untitled = { ...half, title: ' ', annotations: { readOnlyHint: true } as never };
    await expect(callTool(untitled)).rejects.toThrow(
      /tool half: title: is empty\n[^]*there is no readOnlyHint; did you mean readOnly\?/,
    );
  });
});

describe('a tool with isolation that is called with the file that exports it', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'testing-')), 'loops.mjs');
  const moduleUrl = pathToFileURL(path);
  writeFileSync(
    path,
    `export const loops = {
       name: 'loops',
       input: {},
       handler(args, context) {
         context.progress(1, 2);
         while (args.for === 'ever');
         return { environment: Object.keys(process.env) };
       },
     };`,
  );
  const isolated = defineTool({
    ...base,
    name: 'loops',
    isolation: 'worker',
    input: z.strictObject({ for: z.enum(['ever', 'once']) }),
    output: z.strictObject({ environment: z.array(z.string()) }),
    handler: () => {
      throw new Error('ran in the thread of the test');
    },
  });

  it('runs in a thread, where it has no environment', async () => {
    const progress = vi.fn<(...report: unknown[]) => void>();
    expect(await callTool(isolated, { for: 'once' }, { moduleUrl, progress })).toMatchObject({
      status: 'success',
      result: { value: { environment: [] } },
    });
    expect(progress).toHaveBeenCalledWith(1, 2, undefined);
    expect(await callTool(isolated, {}, { moduleUrl })).toMatchObject({ reason: 'invalid_arguments' });
  });

  it('is ended by its deadline and by its signal in the middle of a loop', async () => {
    const forever = { for: 'ever' };
    expect(await callTool(isolated, forever, { moduleUrl, timeoutSeconds: 0.2 })).toMatchObject({
      reason: 'timeout',
    });
    const client = new AbortController();
    const progress = (): void => {
      client.abort();
    };
    const options = { moduleUrl: String(moduleUrl), signal: client.signal, progress };
    expect(await callTool(isolated, forever, options)).toMatchObject({ reason: 'cancelled' });
  });

  it.each([
    ['./loops.mjs', 'no file URL'],
    ['/loops.mjs', 'no file URL'],
    ['https://example.com/loops.mjs', 'no file URL'],
    ['file:///no/such/loops.mjs', 'the URL of no file'],
  ])('is refused where its file is not that: %s', async (url, is) => {
    await expect(callTool(isolated, {}, { moduleUrl: url })).rejects.toThrow(
      `moduleUrl: ${url} is ${is}; give import.meta.resolve('./primes.ts')`,
    );
  });

  it('is refused where the file does not export it at all', async () => {
    await expect(callTool({ ...isolated, name: 'other' }, {}, { moduleUrl })).rejects.toThrow(
      `${path}: exports no tool other; give the file that defines it`,
    );
  });

  it('is refused where the file does not export it in a thread', async () => {
    const sometimes = join(dirname(path), 'sometimes.mjs');
    writeFileSync(
      sometimes,
      `const tool = { name: 'loops', input: {}, handler() {} }; export default process.env.PATH ? tool : [];`,
    );
    await expect(callTool(isolated, {}, { moduleUrl: pathToFileURL(sometimes) })).rejects.toThrow(
      /sometimes\.mjs: exports no tool loops in a worker thread; it has no environment variables there/,
    );
  });

  it('is told which heap it needed more of', async () => {
    const hungry = join(dirname(path), 'hungry.mjs');
    writeFileSync(
      hungry,
      `const all = [];
       export const loops = {
         name: 'loops', input: {}, handler() { for (;;) all.push(Array.from({ length: 125_000 }, () => all.length)); },
       };`,
    );
    const options = { moduleUrl: pathToFileURL(hungry), timeoutSeconds: 120 };
    expect(await callTool(isolated, { for: 'ever' }, options)).toMatchObject({
      reason: 'exception',
      cause: {
        message: 'the worker thread needed more than its heap of 128 MiB (workers.maxHeapMegabytes)',
      },
    });
  }, 120_000);
});

it.each([
  [undefined, 'undefined'],
  ['add', 'a string'],
])('what is no tool is refused: %j', async (tool, what) => {
  await expect(callTool(tool as unknown as Parameters<typeof callTool>[0])).rejects.toThrow(
    `callTool takes a tool, as defineTool returns it, not ${what}`,
  );
});
