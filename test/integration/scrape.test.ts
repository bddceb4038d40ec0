import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { connectClient, connectV1Client } from '../support/clients.ts';
import { Prometheus, startContainer, startProcess, valuesBy, type Replica } from './harness.ts';
import { callsBy, execute, makeCalls, times } from './traffic.ts';

/**
 * What a scraper can ask for, alone or by Prometheus's own preference. OpenMetrics knows counters without their
 * suffix, which tells the formats apart.
 */
const FORMATS = [
  { job: 'default', protocol: undefined, counterSuffix: '' },
  { job: 'text', protocol: 'PrometheusText0.0.4', counterSuffix: '_total' },
  { job: 'newer-text', protocol: 'PrometheusText1.0.0', counterSuffix: '_total' },
  { job: 'openmetrics', protocol: 'OpenMetricsText1.0.0', counterSuffix: '' },
  { job: 'older-openmetrics', protocol: 'OpenMetricsText0.0.1', counterSuffix: '' },
] as const;

let local: Replica;
let container: Replica;
let restarted: Awaited<ReturnType<typeof startProcess>>;
let prometheus: Prometheus;
/** When what a test looks at had been scraped. */
let time: number;

beforeAll(async () => {
  [local, restarted, container] = await Promise.all([startProcess(), startProcess(), startContainer()]);
  const jobs = [
    ...FORMATS.map(({ job, protocol }) => scrape(job, [local.target], protocol)),
    scrape('replicas', [local.target, container.target]),
    scrape('restarted', [restarted.target]),
    scrape('prometheus', ['localhost:9090']),
  ];
  prometheus = await Prometheus.start({ scrapeConfigs: jobs.join('\n') });
  await prometheus.catchUp();
});

afterAll(async () => {
  await Promise.all([local, restarted, container, prometheus].map((started) => started.stop()));
});

function scrape(job: string, targets: readonly string[], protocol?: string): string {
  const asked = protocol === undefined ? '' : `scrape_protocols: [${protocol}], `;
  return `- { job_name: ${job}, ${asked}static_configs: [{ targets: ['${targets.join("', '")}'] }] }`;
}

describe('a scrape', () => {
  it.each(FORMATS)('as $job is read in the format asked for', async ({ job, counterSuffix }) => {
    const read = (await prometheus.metadata(`{job="${job}"}`)).map(({ metric, type, help }) => [
      metric,
      { type, help },
    ]);
    const ours = Object.entries(METRICS).map(([name, { type, help }]) => [
      type === 'counter' ? name.replace('_total', counterSuffix) : name,
      { type, help },
    ]);
    expect(Object.fromEntries(read)).toMatchObject(Object.fromEntries(ours));
  });

  it('gives the same series and values in each format', async () => {
    await makeCalls(local.url);
    await makeCalls(container.url);
    time = await prometheus.catchUp();
    const labels = 'on (__name__, tool_name, status, reason, le, toolset, source, isolation)';
    const selector = (job: string) => `{__name__=~"mcp_tool_.+", job="${job}"}`;
    const series = await prometheus.value(`count(${selector('text')})`, time);
    expect(series).toBeGreaterThan(100);
    for (const { job } of FORMATS) {
      const same = `count(${selector('text')} == ${labels} ${selector(job)})`;
      expect(await prometheus.value(same, time), job).toBe(series);
    }
  });
});

describe('two replicas, one of them a container', () => {
  const made = callsBy(({ tool, status }) => `${tool} ${status}`);

  it('each show every call that was made, by tool and status', async () => {
    for (const { target } of [local, container]) {
      const calls = `mcp_tool_calls_total{job="replicas", instance="${target}"} > 0`;
      expect(valuesBy(await prometheus.query(calls, time), 'tool_name', 'status')).toEqual(made);
    }
  });

  it('add up', async () => {
    const sum = await prometheus.query(
      'sum by (tool_name, status) (mcp_tool_calls_total{job="replicas"}) > 0',
      time,
    );
    expect(valuesBy(sum, 'tool_name', 'status')).toEqual(times(made, 2));
  });

  it('give a reason for every error', async () => {
    const errors = 'sum by (instance, tool_name) (mcp_tool_errors_total{job="replicas"})';
    const calls = 'sum by (instance, tool_name) (mcp_tool_calls_total{job="replicas", status="error"})';
    expect(await prometheus.query(`${errors} != ${calls}`, time)).toEqual([]);
    expect(await prometheus.query(`${calls} unless ${errors}`, time)).toEqual([]);
  });

  it('time every call that reached its tool', async () => {
    const count = 'mcp_tool_duration_seconds_count{job="replicas"}';
    const timed = await prometheus.query(`sum by (tool_name) (${count}) > 0`, time);
    const ran = callsBy(
      ({ tool }) => tool,
      ({ runs }) => runs,
    );
    expect(valuesBy(timed, 'tool_name')).toEqual(times(ran, 2));
    const all = 'mcp_tool_duration_seconds_bucket{job="replicas", le="+Inf"}';
    expect(await prometheus.query(`${all} != ignoring (le) ${count}`, time)).toEqual([]);
  });
});

describe('a restart', () => {
  it('resets the counters, and increase() still counts every call once', async () => {
    const add = (calls: number) =>
      Promise.all(Array.from({ length: calls }, () => execute(restarted.url, 'add', { a: 5, b: 3 })));
    await add(12);
    await prometheus.catchUp();
    expect(await restarted.stop()).toBe(0);
    restarted = await startProcess({ port: restarted.port });
    await prometheus.catchUp();
    await add(5);
    time = await prometheus.catchUp();

    const counter = 'mcp_tool_calls_total{job="restarted", tool_name="add", status="success"}';
    const [series] = await prometheus.raw(`${counter}[5m]`, time);
    const values = series?.points.map(({ value }) => value) ?? [];
    const reset = values.findIndex((value, index) => value < (values[index - 1] ?? 0));
    expect([0, reset - 1, reset, -1].map((index) => values.at(index))).toEqual([0, 12, 0, 5]);
    expect(await prometheus.value(`resets(${counter}[5m])`, time)).toBe(1);
    // At the time of the last sample nothing is extrapolated.
    const last = await prometheus.value(`timestamp(${counter})`, time);
    expect(await prometheus.value(`increase(${counter}[5m])`, last)).toBeCloseTo(17);
    expect(await prometheus.value(`rate(${counter}[5m])`, last)).toBeCloseTo(17 / 300);
  });
});

describe('mcp_active_sessions', () => {
  it('follows clients that connect and go', async () => {
    const sum = (name: string) => prometheus.value(`sum(mcp_${name}{job="replicas"})`, time);
    const active = async (): Promise<number | undefined> => {
      time = await prometheus.catchUp();
      const sessions = await sum('active_sessions');
      const opened = (await sum('sessions_opened_total')) ?? NaN;
      const resumed = (await sum('sessions_resumed_total')) ?? NaN;
      const closed = (await sum('sessions_closed_total')) ?? NaN;
      expect(opened + resumed - closed).toBe(sessions);
      return sessions;
    };
    expect(await active()).toBe(0);
    const { client: v2, transport: v2Transport } = await connectClient(local.url, '2025-11-25');
    const { client: v1, transport: v1Transport } = await connectV1Client(container.url);
    const { client: sessionless } = await connectClient(container.url, '2026-07-28');
    await sessionless.listTools();
    expect(await active()).toBe(2);
    await v2Transport.terminateSession();
    await v2.close();
    expect(await active()).toBe(1);
    await v1Transport.terminateSession();
    await v1.close();
    await sessionless.close();
    expect(await active()).toBe(0);
  });
});

describe('Prometheus, through all of this,', () => {
  it('scraped without an error or a warning', async () => {
    // A machine that is busy with other things may take a second to answer; the restarted one was away.
    const excused = new RegExp(`context deadline exceeded|${restarted.target}`);
    expect(prometheus.complaints().filter((line) => !excused.test(line))).toEqual([]);
    const targets = await prometheus.targets();
    expect(targets).toHaveLength(FORMATS.length + 4);
    expect(targets.filter(({ lastError }) => lastError !== '' && !excused.test(lastError))).toEqual([]);
  });

  it('counted no scrape that was cut, refused or out of order', async () => {
    const troubles = `{__name__=~"prometheus_target_scrape.*_(exceeded|duplicate|out_of|forced|failed).*_total"}`;
    expect(await prometheus.value(`count(${troubles})`, time)).toBeGreaterThan(5);
    expect(await prometheus.query(`${troubles} > 0`, time)).toEqual([]);
  });
});
