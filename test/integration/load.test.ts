import { afterAll, beforeAll, expect, it } from 'vitest';
import { Prometheus, startProcess, type Replica } from './harness.ts';
import { execute } from './traffic.ts';

const LOAD_SECONDS = 15;
const WORKERS = 2;
const SPINNERS = 2 * WORKERS;
const CALLERS = 16;

let replica: Replica;
let prometheus: Prometheus;

beforeAll(async () => {
  replica = await startProcess({ args: ['--workers.maxThreads', String(WORKERS)] });
  prometheus = await Prometheus.start({
    scrapeConfigs: `- { job_name: nexus-mcp, static_configs: [{ targets: ['${replica.target}'] }] }`,
  });
  await prometheus.catchUp();
});

afterAll(async () => {
  await Promise.all([replica.stop(), prometheus.stop()]);
});

/** Calls a tool again and again while the load lasts, and counts the calls that were carried out. */
async function keepCalling(tool: string, args: Record<string, unknown>, until: number): Promise<number> {
  let carriedOut = 0;
  while (performance.now() < until) {
    if ((await execute(replica.url, tool, args)) === 200) carriedOut += 1;
  }
  return carriedOut;
}

// The machine may stall for a second because of something else; a server that stalls does so every time.
it(
  'A scrape every second loses no sample while calls flood in and every worker spins',
  { retry: 2 },
  async () => {
    const added = 'mcp_tool_calls_total{tool_name="add", status="success"}';
    const before = await prometheus.value(added, await prometheus.catchUp());
    const until = performance.now() + LOAD_SECONDS * 1000;
    const start = Date.now() / 1000;
    const spinning = Array.from({ length: SPINNERS }, () => keepCalling('spins', {}, until));
    const calling = Array.from({ length: CALLERS }, () => keepCalling('add', { a: 5, b: 3 }, until));
    const calls = (await Promise.all(calling)).reduce((sum, each) => sum + each, 0);
    const end = Date.now() / 1000;
    await Promise.all(spinning);
    const time = await prometheus.catchUp();

    const range = `[${Math.floor(end - start)}s]`;
    const [up] = await prometheus.raw(`up${range}`, end);
    const samples = up?.points ?? [];
    expect(samples.filter(({ value }) => value !== 1)).toEqual([]);
    const first = samples[0]?.time ?? NaN;
    // Scrapes keep to a grid of seconds, give or take how late this machine gets to them.
    const ticks = samples.map(({ time }) => Math.round(time - first));
    expect(ticks).toEqual(samples.map((_sample, tick) => tick));
    expect(ticks.length).toBeGreaterThanOrEqual(LOAD_SECONDS - 1);

    const counted = `count_over_time(${added}${range})`;
    expect(await prometheus.value(counted, end)).toBe(samples.length);
    expect(await prometheus.value(`max_over_time(mcp_worker_pool_busy${range})`, end)).toBe(WORKERS);
    expect(await prometheus.value(`quantile_over_time(0.5, mcp_worker_pool_waiting${range})`, end)).toBe(
      SPINNERS - WORKERS,
    );
    expect(await prometheus.value(`${added} - ${String(before)}`, time)).toBe(calls);
  },
);
