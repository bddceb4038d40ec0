import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { connectClient } from '../support/clients.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { Prometheus, startProcess, valuesBy, type Replica } from './harness.ts';
import { callsBy, makeCalls, times } from './traffic.ts';

const PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const WINDOW_SECONDS = 300;

/** The first block of a language under a heading of the page. */
function block(heading: string, language: string): string {
  const section = PAGE.slice(PAGE.indexOf(`\n${heading}\n`));
  const found = new RegExp('```' + language + '\n([^]*?)\n```').exec(section)?.[1];
  if (found === undefined) throw new Error(`the page has no ${language} under ${heading}`);
  return found;
}

/** The page's queries, by the comment above them. */
const QUERIES = new Map(
  block('## Queries', 'promql')
    .split('\n\n')
    .map((paragraph) => paragraph.split('\n'))
    .map(([comment = '', ...queries]) => [comment.replace('# ', ''), queries]),
);

let replica: Replica;
let prometheus: Prometheus;
let shown: Samples;
/** When the last sample was taken: there, rates over the window extrapolate nothing. */
let time: number;

beforeAll(async () => {
  replica = await startProcess();
  const { scrape_configs } = parse(block('## Scrape', 'yaml')) as { scrape_configs: unknown };
  const scrapeConfigs = stringify(scrape_configs).replace('localhost:9999', replica.target);
  prometheus = await Prometheus.start({ scrapeConfigs });
  await prometheus.catchUp();
  await makeCalls(replica.url);
  await connectClient(replica.url, '2025-11-25');
  time = await prometheus.catchUp();
  shown = parseMetrics(await (await fetch(`${replica.url}/metrics`)).text());
});

afterAll(async () => {
  await Promise.all([replica.stop(), prometheus.stop()]);
});

/** What a query says of the tools that were called, by labels. */
async function answer(query = '', ...labels: readonly string[]): Promise<Record<string, number>> {
  const samples = await prometheus.query(query, time);
  return valuesBy(
    samples.filter(({ value }) => value !== 0 && !Number.isNaN(value)),
    ...labels,
  );
}

/** The values, give or take what floating point adds. */
const near = (values: Record<string, number>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, expect.closeTo(value, 9)]));

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);

const calls = callsBy(({ tool }) => tool);
const failed = callsBy(
  ({ tool }) => tool,
  ({ status }) => status === 'error',
);
const failedShares = Object.fromEntries(
  Object.entries(failed).map(([tool, count]) => [tool, count / (calls[tool] ?? NaN)]),
);

describe('the queries of docs/metrics.md', () => {
  it('are the ones proven here, and give Prometheus nothing to remark on', async () => {
    expect([...QUERIES.keys()]).toEqual([
      'Calls a second, by tool and status',
      'Share of calls that failed, by tool',
      "Share of calls that failed through the server's fault",
      'Mean time and 95th percentile, by tool',
      'Sessions that began, a second, each counted once',
      'Sessions held, all replicas together; one may be held by several',
    ]);
    for (const query of [...QUERIES.values()].flat()) {
      expect(await prometheus.annotations(query, time), query).toEqual([]);
    }
  });

  it('give the rate of calls', async () => {
    const [rate] = QUERIES.get('Calls a second, by tool and status') ?? [];
    const made = callsBy(({ tool, status }) => `${tool} ${status}`);
    expect(await answer(rate, 'tool_name', 'status')).toEqual(near(times(made, 1 / WINDOW_SECONDS)));
  });

  it('give the share of calls that failed', async () => {
    const [share] = QUERIES.get('Share of calls that failed, by tool') ?? [];
    expect(await answer(share, 'tool_name')).toEqual(near(failedShares));
  });

  it("give the share of calls that failed through the server's fault", async () => {
    const [share] = QUERIES.get("Share of calls that failed through the server's fault") ?? [];
    const { throws = NaN } = failed;
    expect(await answer(share)).toEqual(near({ '': throws / sum(calls) }));
  });

  it('give the mean time and the 95th percentile', async () => {
    const [means, percentiles] = QUERIES.get('Mean time and 95th percentile, by tool') ?? [];
    const ran = ['add', 'divide', 'json_format', 'slow', 'throws'];
    const measured = (measure: (tool: string) => number) =>
      near(Object.fromEntries(ran.map((tool): [string, number] => [tool, measure(tool)])));
    expect(await answer(means, 'tool_name')).toEqual(measured(meanTime));
    expect(await answer(percentiles, 'tool_name')).toEqual(measured(percentile95));
    expect(meanTime('slow')).toBeGreaterThan(0.05);
  });

  it('give the sessions that began and the number of those that are held', async () => {
    const [began] = QUERIES.get('Sessions that began, a second, each counted once') ?? [];
    // Two clients that made calls and left, and one that stays.
    expect(await answer(began)).toEqual(near({ '': 3 / WINDOW_SECONDS }));
    const [held] = QUERIES.get('Sessions held, all replicas together; one may be held by several') ?? [];
    expect(await answer(held)).toEqual({ '': 1 });
  });
});

/** The mean time of a tool, from what the server itself shows. */
const meanTime = (tool_name: string): number =>
  (shown.value('mcp_tool_duration_seconds_sum', { tool_name }) ?? NaN) /
  (shown.value('mcp_tool_duration_seconds_count', { tool_name }) ?? NaN);

/** The 95th percentile as Prometheus defines it, from the buckets that the server itself shows. */
function percentile95(tool_name: string): number {
  const buckets = shown
    .select('mcp_tool_duration_seconds_bucket', { tool_name })
    .map(({ labels, value }) => ({ bound: Number(labels['le']?.replace('+Inf', 'Infinity')), value }));
  const rank = 0.95 * (buckets.at(-1)?.value ?? NaN);
  const index = buckets.findIndex(({ value }) => value >= rank);
  const { bound: low, value: below } = buckets[index - 1] ?? { bound: 0, value: 0 };
  const { bound: high, value: upTo } = buckets[index] ?? { bound: NaN, value: NaN };
  return low + (high - low) * ((rank - below) / (upTo - below));
}

describe('the error rate that divides one status by itself', () => {
  it('is 1 for every tool with an error, whatever their share', async () => {
    const query = 'rate(mcp_tool_calls_total{status="error"}[5m]) / rate(mcp_tool_calls_total[5m])';
    expect(PAGE).toContain(query);
    expect(await answer(query, 'tool_name')).toEqual({ add: 1, divide: 1, throws: 1, unknown: 1 });
    expect(failedShares['add']).toBeCloseTo(2 / 9);
  });
});
