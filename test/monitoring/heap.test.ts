import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const module = new URL('../../src/monitoring/metrics/heap.ts', import.meta.url).href;

/** Keeps more and more until the process ends; prints on the way how much of the limit old objects have. */
const LEAK = `
const { heapLimit } = await import(${JSON.stringify(module)});
const { writeSync } = await import('node:fs');
const { getHeapSpaceStatistics } = await import('node:v8');
const limit = heapLimit(process.env.NODE_OPTIONS);
const kept = [];
for (;;) {
  kept.push(new Array(10_000).fill(kept.length));
  const old = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'));
  writeSync(1, old.reduce((sum, { space_used_size: bytes }) => sum + bytes, 0) / limit + '\\n');
}
`;

/** Keeps about 27 MB and makes much garbage; prints the least and the most that was kept of the limit. */
const BUSY = `
const { HeapMonitor } = await import(${JSON.stringify(module)});
const heap = new HeapMonitor(process.env.NODE_OPTIONS);
const kept = Array.from({ length: 340 }, (_, id) => new Array(10_000).fill(id));
const shares = [];
for (let turn = 0; turn < 30; turn += 1) {
  gc();
  for (let times = 0; times < 20_000; times += 1) kept.garbage = { of: [turn, times, turn + times, kept.garbage?.of.length] };
  await new Promise((resolve) => setImmediate(resolve));
  const { kept_bytes, limit_bytes } = heap.read();
  if (kept_bytes > 0) shares.push(kept_bytes / limit_bytes);
}
process.stdout.write(JSON.stringify([Math.min(...shares), Math.max(...shares)]));
`;

const LIMIT = `
const { heapLimit } = await import(${JSON.stringify(module)});
process.stdout.write(String(heapLimit(process.env.NODE_OPTIONS)));
`;

/** Runs a script in a process of its own until it ends, however it ends. */
async function run(script: string, nodeOptions: string, options: readonly string[]) {
  const args = [...options, '--input-type=module', '--eval', script];
  const env = { ...process.env, NODE_OPTIONS: nodeOptions };
  const ended: unknown = await promisify(execFile)(process.execPath, args, { env }).catch(
    (error: unknown) => error,
  );
  return ended as { readonly stdout: string };
}

it('a heap that fills comes near its limit before the process ends', async () => {
  // With little room for young objects: those of a fast leak would be moved to the old ones all at once, at the end.
  const { stdout } = await run(LEAK, '--max-old-space-size="64"', ['--max-semi-space-size=3']);
  const last = Number(stdout.trim().split('\n').at(-1));
  expect(last).toBeGreaterThan(0.8);
  expect(last).toBeLessThan(1.1);
});

it('garbage does not fill it', async () => {
  const { stdout } = await run(BUSY, '--max-old-space-size=64', ['--expose-gc']);
  const [least = 0, most = 0] = JSON.parse(stdout) as readonly number[];
  expect(least).toBeGreaterThan(0.3);
  expect(most).toBeLessThan(0.6);
});

it('the limit leaves out what young objects may have, on a machine of any size', async () => {
  const limit = async (variable: string): Promise<number> =>
    Number((await run(LIMIT, variable, ['--max-old-space-size=256'])).stdout) / 2 ** 20;
  expect(await limit('')).toBe(256);
  expect(await limit('--max-semi-space-size=5')).toBe(256);
});
