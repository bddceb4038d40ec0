import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolvePublicEntry } from '../../src/tools/public-entry.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { WorkerPool } from '../../src/tools/worker-pool.ts';

const moduleUrl = new URL('../mcp/chatty-tools.ts', import.meta.url).href;
const TIMES = 20_000;

let pool: WorkerPool;
beforeAll(() => {
  resolvePublicEntry();
  pool = new WorkerPool({ minThreads: 0, maxThreads: 1, maxHeapMegabytes: 128, restarted: () => undefined });
});
afterAll(() => pool.close());

/** Runs a tool in its thread; what came to the main thread of it before its answer. */
async function run(name: string): Promise<readonly (readonly unknown[])[]> {
  const heard: (readonly unknown[])[] = [];
  const context: ToolContext = {
    signal: new AbortController().signal,
    progress: (...args) => heard.push(['progress', ...args]),
    log: (...args) => heard.push(['log', ...args]),
    releaseConnection: () => heard.push(['release']),
    answers: {},
    state: undefined,
    canElicit: false,
  };
  await pool.run({ name, moduleUrl }, { times: TIMES }, context);
  return heard;
}

it.each(['reports_in_thread', 'reports_in_turns_in_thread', 'logs_in_thread', 'releases_in_thread'])(
  'a thread holds back what its tool says in a loop, so that the main thread has little of it to do: %s',
  async (name) => {
    const heard = await run(name);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.length).toBeLessThan(1000);
    if (name.startsWith('reports')) expect(heard.at(-1)).toEqual(['progress', TIMES, TIMES, `step ${TIMES}`]);
  },
);
