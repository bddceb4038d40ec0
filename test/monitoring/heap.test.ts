import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const module = new URL('../../src/monitoring/metrics/heap.ts', import.meta.url).href;

/** Keeps more and more until the process ends; prints on the way how much was kept of the limit. */
const LEAK = `
const { HeapMonitor } = await import(${JSON.stringify(module)});
const { writeSync } = await import('node:fs');
const heap = new HeapMonitor(process.env.NODE_OPTIONS);
const kept = [];
for (;;) {
  for (let times = 0; times < 10; times += 1) kept.push(new Array(10_000).fill(kept.length));
  await new Promise((resolve) => setImmediate(resolve));
  const { kept_bytes, limit_bytes } = heap.read();
  writeSync(1, kept_bytes / limit_bytes + '\\n');
}
`;

it.each([
  ['--max-old-space-size=64', ''],
  ['--max_old_space_size=64', '--max-old-space-size=4000'],
  ['--max-semi-space-size=2', '--max-old-space-size=64'],
])(
  'a heap that fills comes near its limit before the process ends, with %s (%s)',
  async (option, variable) => {
    const args = [option, '--input-type=module', '--eval', LEAK];
    const env = { ...process.env, NODE_OPTIONS: variable };
    const ending: unknown = await promisify(execFile)(process.execPath, args, { env }).catch(
      (error: unknown) => error,
    );
    const { stdout } = ending as { stdout: string };
    const last = Number(stdout.trim().split('\n').at(-1));
    expect(last).toBeGreaterThan(0.8);
    expect(last).toBeLessThan(1.1);
  },
);

it('the limit of a heap without options leaves out what young objects may have', async () => {
  const script = `
const { heapLimit } = await import(${JSON.stringify(module)});
const { getHeapStatistics } = await import('node:v8');
process.stdout.write(JSON.stringify([heapLimit(process.env.NODE_OPTIONS), getHeapStatistics().heap_size_limit]));
`;
  const limits = async (variable: string): Promise<readonly number[]> => {
    const args = ['--input-type=module', '--eval', script];
    const env = { ...process.env, NODE_OPTIONS: variable };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    return JSON.parse(stdout) as readonly number[];
  };
  const [[usual = 0], [withSmall = 0, ofV8 = 0]] = await Promise.all([
    limits(''),
    limits('--max-semi-space-size=2'),
  ]);
  expect(withSmall).toBe(ofV8 - 6 * 2 ** 20);
  expect(usual).toBeGreaterThan(0.99 * withSmall);
  expect(usual).toBeLessThan(1.01 * withSmall);
});
