import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import type { Logger } from '../../src/monitoring/logging.ts';
import {
  DURATION_BUCKETS,
  DURATION_STEPS,
  furtherBuckets,
  RESULT_SIZE_BUCKETS,
} from '../../src/monitoring/metrics/bounds.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { keepSeries } from '../../src/server-metrics.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { offerToolsets, type OfferedTool } from '../../src/tools/offered-tool.ts';
import { defineTool, z } from '../../src/tools/index.ts';
import { createLane } from '../../src/tools/admission.ts';
import { recordOf } from '../support/call-records.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** The bounds that each series of a histogram has, as they are written; all must have the same. */
function boundsOf(samples: Samples, histogram: string): string[] {
  const all = new Map<string, string[]>();
  for (const { labels } of samples.select(`${histogram}_bucket`)) {
    const { le = '', tool_name = '' } = labels;
    all.set(tool_name, [...(all.get(tool_name) ?? []), le]);
  }
  const [first = [], ...others] = all.values();
  for (const other of others) expect(other).toEqual(first);
  return first;
}

const written = (...bounds: (number | string)[]): string[] => bounds.map(String);

/** What PromQL's `histogram_quantile` makes of a tool's buckets, interpolated in the one that the quantile is in. */
function p95(samples: Samples, tool_name: string): number {
  const buckets = samples.select('mcp_tool_duration_seconds_bucket', { tool_name });
  const rank = 0.95 * (buckets.at(-1)?.value ?? 0);
  const index = buckets.findIndex(({ value }) => value >= rank);
  const [below, at] = [buckets[index - 1], buckets[index]];
  const lower = Number(below?.labels['le'] ?? 0);
  const upper = Number(at?.labels['le']);
  if (!Number.isFinite(upper)) return lower;
  const inside = (at?.value ?? 0) - (below?.value ?? 0);
  return lower + ((upper - lower) * (rank - (below?.value ?? 0))) / inside;
}

describe('buckets above those that are always there', () => {
  it.each([
    [1, []],
    [10, []],
    [10.5, [10.5]],
    [30, [30]],
    // Calls that run into their deadline are in none of them: that tells them from the slow ones.
    [45, [30, 45]],
    [300, [30, 60, 120, 300]],
    [86_400, [...DURATION_STEPS, 86_400]],
  ])('up to the longest deadline, %d s', (longest, further) => {
    expect(furtherBuckets(DURATION_BUCKETS, DURATION_STEPS, longest)).toEqual(further);
  });
});

describe('a server with a tool whose deadline is 45 s', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({
      tools: { enabled: ['add', 'slow'], settings: { slow: { timeoutSeconds: 45 } } },
      limits: { resultBytes: 5_000_000 },
    });
  });
  afterAll(() => server.stop());

  it('has the same bounds for all tools: the fourteen, then 30 and 45', async () => {
    expect(boundsOf(await server.scrape(), 'mcp_tool_duration_seconds')).toEqual(
      written(...DURATION_BUCKETS, 30, 45, '+Inf'),
    );
  });

  it('has bounds of sizes up to the largest result', async () => {
    expect(boundsOf(await server.scrape(), 'mcp_tool_result_size_bytes')).toEqual(
      written(...RESULT_SIZE_BUCKETS, 4_194_304, 5_000_000, '+Inf'),
    );
  });

  it('writes them so in OpenMetrics, too', async () => {
    const accept = 'application/openmetrics-text; version=1.0.0';
    const text = await (await fetch(`${server.url}/metrics`, { headers: { accept } })).text();
    expect(text).toContain('mcp_tool_duration_seconds_bucket{le="30",tool_name="slow"} 0\n');
  });

  it('shows such durations on the status page, and reports no problem', async () => {
    const response = await fetch(server.url, { headers: { accept: 'application/json' } });
    const { activity } = (await response.json()) as Status;
    expect(activity?.highest_bound_seconds).toBe(45);
    expect(server.logs.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('knows how many samples there can be', async () => {
    const { metrics } = createMetrics({
      durationBuckets: [30, 45],
      resultSizeBuckets: [4_194_304, 5_000_000],
    });
    const most = Object.values(metrics).reduce((sum, metric) => sum + metric.mostSamples(2), 0);
    expect((await server.scrape()).value('mcp_metrics_samples_limit')).toBe(most);
  });
});

it('a server that is told the bounds has these, and says once which tool may take longer', async () => {
  const server = await startTestServer({
    tools: { enabled: ['add', 'slow', 'hangs'], settings: { slow: { timeoutSeconds: 45 } } },
    limits: { toolTimeoutSeconds: 60 },
    metrics: { durationBuckets: [20, 40] },
  });
  expect(boundsOf(await server.scrape(), 'mcp_tool_duration_seconds')).toEqual(
    written(...DURATION_BUCKETS, 20, 40, '+Inf'),
  );
  const warnings = server.logs.filter(({ level }) => level === 'warn');
  expect(warnings).toMatchObject([
    { msg: expect.stringMatching(/may take longer than 40 s.*metrics\.durationBuckets/) as string },
  ]);
  await server.stop();
});

it('a tool that comes later with a longer deadline is counted, and told of once', () => {
  const { metrics } = createMetrics();
  const recorder = new Recorder(metrics);
  const told: unknown[] = [];
  const logger = { warn: (fields: unknown) => told.push(fields) } as unknown as Logger;
  const catalogue = new Catalogue(offered('quick', 10));
  const expose = () => Promise.resolve(Buffer.alloc(0));
  keepSeries(catalogue, { recorder, durationBuckets: DURATION_BUCKETS, expose }, logger);
  expect(told).toEqual([]);
  catalogue.change({ add: offered('later', 40) });
  catalogue.change({ add: offered('latest', 300) });
  expect(told).toEqual([{ tool: 'later', timeout_seconds: 40 }]);
});

function offered(name: string, timeoutSeconds: number): readonly OfferedTool[] {
  const tool = defineTool({
    name,
    title: 'A tool',
    description: 'A tool for tests.',
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    input: z.strictObject({}),
    timeoutSeconds,
    handler: () => null,
  });
  const workers = { lane: createLane(1), run: () => Promise.reject(new Error('is not used')) };
  const toolset = { name: 'slow', source: 'module', moduleUrl: 'file:///slow.ts', tools: [tool] } as const;
  const result = offerToolsets([toolset], workers, { defaults: { timeoutSeconds: 10, maxConcurrency: 1 } });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.tools;
}

describe('calls of a tool whose deadline is 40 s', () => {
  const after = async (seconds: readonly number[]): Promise<Samples> => {
    const durationBuckets = furtherBuckets(DURATION_BUCKETS, DURATION_STEPS, 40);
    const { metrics, registry } = createMetrics({ durationBuckets });
    const recorder = new Recorder(metrics);
    recorder.addTool({ name: 'report', toolset: 'slow', source: 'module', isolation: 'none' });
    for (const each of seconds) {
      recorder.started('report', 0);
      recorder.finished(recordOf('report', each));
    }
    return parseMetrics(await registry.metrics());
  };

  it('have a 95th percentile above 10 s when they take 12 s', async () => {
    const quantile = p95(await after(Array.from({ length: 20 }, () => 12)), 'report');
    expect(quantile).toBeGreaterThan(10);
    expect(quantile).toBeLessThan(30);
  });

  it('that take 39 s are told from those that run into it', async () => {
    const samples = await after([39, 39, 40.001]);
    const upTo = (le: string) =>
      samples.value('mcp_tool_duration_seconds_bucket', { tool_name: 'report', le });
    expect([upTo('30'), upTo('40'), upTo('+Inf')]).toEqual([0, 2, 3]);
  });
});

describe('a library, which knows no deadlines,', () => {
  const boundsWith = async (options: Parameters<typeof createMonitoring>[0]) => {
    const monitoring = createMonitoring(options);
    await monitoring.tool('report', () => null)();
    const samples = parseMetrics((await monitoring.metrics()).body);
    return ['mcp_tool_duration_seconds', 'mcp_tool_result_size_bytes'].map((name) => boundsOf(samples, name));
  };

  it('tells durations up to 300 s, and sizes up to 16 MiB', async () => {
    expect(await boundsWith({ runtime: false })).toEqual([
      written(...DURATION_BUCKETS, 30, 60, 120, 300, '+Inf'),
      written(...RESULT_SIZE_BUCKETS, 4_194_304, 16_777_216, '+Inf'),
    ]);
  });

  it('takes others, or none', async () => {
    expect(await boundsWith({ runtime: false, durationBuckets: [15, 3600], resultSizeBuckets: [] })).toEqual([
      written(...DURATION_BUCKETS, 15, 3600, '+Inf'),
      written(...RESULT_SIZE_BUCKETS, '+Inf'),
    ]);
  });
});
