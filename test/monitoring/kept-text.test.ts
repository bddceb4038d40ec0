import { Counter, Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expose, type ExpositionFormat } from '../../src/monitoring/metrics/exposition.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder, type MeasuredTool } from '../../src/monitoring/metrics/recorder.ts';
import { NumberSeries, TimeSeries } from '../../src/monitoring/metrics/time-series.ts';
import { REASONS } from '../../src/tools/reasons.ts';
import { recordOf } from '../support/call-records.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';

const FORMATS = ['prometheus', 'openmetrics'] as const;

const toolNamed = (name: string): MeasuredTool => ({
  name,
  toolset: 'shop',
  source: 'module',
  isolation: 'none',
});

const namesOf = (count: number): string[] => Array.from({ length: count }, (_each, index) => `tool_${index}`);

function setUp(tools: readonly string[] = ['first', 'second']) {
  const { metrics, registry } = createMetrics({ unixTime: () => 1_700_000_000 });
  const recorder = new Recorder(metrics);
  for (const tool of tools) recorder.addTool(toolNamed(tool));
  const call = (tool: string, reason?: (typeof REASONS)[number]): void => {
    recorder.started(tool, 0);
    recorder.finished(recordOf(tool, 0.03, reason));
  };
  const textOf = async (format: ExpositionFormat, from = registry): Promise<string> =>
    String(await expose(from, format, () => 0));
  return { metrics, registry, recorder, call, textOf };
}

/** A clock by which every turn of the event loop has lasted too long, so that a scrape takes as many as it can. */
function impatient(): () => number {
  let time = 0;
  return () => (time += 1);
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => !line.startsWith('#'));

const keyOf = (name: string, labels: object): string => `${name} ${JSON.stringify(labels)}`;

/** That a scrape is of one piece: no sample twice, buckets that agree with their count, and reasons that add up. */
function expectSound(text: string): Samples {
  const samples = parseMetrics(text.replaceAll(/ # \{.*$/gm, ''));
  const values = new Map(samples.all.map(({ name, labels, value }) => [keyOf(name, labels), value]));
  expect(values.size).toBe(samples.all.length);
  for (const { name, labels, value } of samples.all) {
    const { le, ...rest } = labels;
    if (le === '+Inf') expect(values.get(keyOf(name.replace(/_bucket$/, '_count'), rest)), name).toBe(value);
  }
  expect(samples.value('mcp_tool_errors_total')).toBe(
    samples.value('mcp_tool_calls_total', { status: 'error' }),
  );
  return samples;
}

/** How many series have their text written while something is done. */
async function written(act: () => Promise<unknown>): Promise<number> {
  const write = vi.spyOn(TimeSeries.prototype, 'write');
  await act();
  const { length } = write.mock.calls;
  write.mockRestore();
  return length;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a scrape writes', () => {
  it('nothing when nothing has moved since the last, in whichever format that was', async () => {
    const { textOf, call } = setUp(namesOf(50));
    call('tool_1', 'exception');
    expect(await written(() => textOf('prometheus'))).toBeGreaterThan(50 * 15);
    for (const format of FORMATS) expect(await written(() => textOf(format)), format).toBe(0);
  });

  it('what a call has moved, with the few series that are kept with it, however many tools there are', async () => {
    const works: number[] = [];
    for (const tools of [100, 200]) {
      const { textOf, call } = setUp(namesOf(tools));
      const all = await written(() => textOf('prometheus'));
      call('tool_1');
      call('tool_2', 'timeout');
      works.push(await written(() => textOf('openmetrics')));
      expect(works[0]).toBeLessThan(all / 5);
      call('tool_1');
      const text = await textOf('prometheus');
      expect(text).toContain('mcp_tool_calls_total{tool_name="tool_1",status="success"} 2\n');
      expect(await textOf('openmetrics')).toBe(
        `${text.replaceAll(/^(# (?:HELP|TYPE) .*?)_total /gm, '$1 ')}# EOF\n`,
      );
    }
    expect(works[0]).toBe(works[1]);
  });

  it('labels once, and again when the registry adds others', async () => {
    const { textOf, registry } = setUp();
    const series = vi.spyOn(NumberSeries.prototype as unknown as { startOf: () => string }, 'startOf');
    await textOf('prometheus');
    const all = series.mock.calls.length;
    await textOf('openmetrics');
    expect(series).toHaveBeenCalledTimes(all);
    registry.setDefaultLabels({ app: 'shop', tool_name: 'of the registry' });
    for (const format of FORMATS) {
      const text = await textOf(format);
      expect(text).toContain('\nmcp_tool_calls_total{tool_name="first",status="success",app="shop"} 0\n');
      expect(text).toContain('\nmcp_active_sessions{app="shop",tool_name="of the registry"} 0\n');
      expect(text).toContain(
        '\nmcp_tool_duration_seconds_bucket{le="0.005",tool_name="first",app="shop"} 0\n',
      );
    }
    expect(series).toHaveBeenCalledTimes(2 * all);
  });
});

describe('the text of a series', () => {
  it('points to a traced call in OpenMetrics alone, the last one of a bucket', async () => {
    const { metrics, textOf } = setUp();
    const { mcp_tool_duration_seconds: duration, mcp_tool_errors_total: errors } = metrics;
    await textOf('openmetrics');
    duration.observe({ tool_name: 'first' }, 0.03, 'a1');
    errors.inc({ tool_name: 'first', reason: 'timeout' }, 1, 'b2');
    await textOf('openmetrics');
    duration.observe({ tool_name: 'first' }, 0.04, 'c3');
    duration.observe({ tool_name: 'first' }, 99);
    const plain = await textOf('prometheus');
    expect(plain).not.toContain('trace_id');
    const text = await textOf('openmetrics');
    expect(text).toContain(
      'mcp_tool_duration_seconds_bucket{le="0.05",tool_name="first"} 2 # {trace_id="c3"} 0.04 1700000000.000\n' +
        'mcp_tool_duration_seconds_bucket{le="0.075",tool_name="first"} 2\n',
    );
    expect(text).toContain(
      'mcp_tool_errors_total{tool_name="first",reason="timeout"} 1 # {trace_id="b2"} 1 1700000000.000\n',
    );
    expect(plain).toContain('mcp_tool_duration_seconds_bucket{le="+Inf",tool_name="first"} 3\n');
    expect(text.match(/trace_id/g)).toHaveLength(2);
  });

  it('says numbers that are none, and infinite ones, as both formats do', async () => {
    const { metrics, textOf } = setUp();
    for (const [value, text] of [
      [NaN, 'NaN'],
      [Infinity, '+Inf'],
      [-Infinity, '-Inf'],
      [1e21, '1e+21'],
      [0.1 + 0.2, '0.30000000000000004'],
    ] as const) {
      metrics.nodejs_heap_size_limit_bytes.set({}, value);
      for (const format of FORMATS)
        expect(await textOf(format)).toContain(`\nnodejs_heap_size_limit_bytes ${text}\n`);
    }
  });

  it('escapes what would end a label or a line', async () => {
    const name = 'a"b\\c\nd} {e="1",le="2"';
    const { textOf, call } = setUp([name]);
    call(name);
    for (const format of FORMATS) {
      const text = await textOf(format);
      const label = 'tool_name="a\\"b\\\\c\\nd} {e=\\"1\\",le=\\"2\\""';
      expect(text).toContain(`\nmcp_tool_calls_total{${label},status="success"} 1\n`);
      expect(text).toContain(`\nmcp_tool_duration_seconds_bucket{le="0.05",${label}} 1\n`);
    }
  });

  it('is another after a reset, though as much was counted as before', async () => {
    const { metrics, registry, textOf } = setUp();
    metrics.mcp_tool_duration_seconds.observe({ tool_name: 'first' }, 0.001, 'a1');
    await textOf('openmetrics');
    registry.resetMetrics();
    expect(await textOf('openmetrics')).toContain('mcp_tool_duration_seconds_sum{tool_name="first"} 0\n');
    metrics.mcp_tool_duration_seconds.observe({ tool_name: 'first' }, 7);
    const text = await textOf('openmetrics');
    expect(text).toContain('mcp_tool_duration_seconds_bucket{le="0.005",tool_name="first"} 0\n');
    expect(text).toContain('mcp_tool_duration_seconds_sum{tool_name="first"} 7\n');
  });
});

/** Does something in every turn of the event loop until some work is done. */
async function meanwhile<Result>(work: Promise<Result>, act: (turn: number) => void): Promise<Result> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  for (let turn = 0; !state.isDone; turn += 1) {
    act(turn);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

describe('while a scrape goes on', () => {
  it('a tool that goes and comes back is in it once, and in the next with nothing of what it was', async () => {
    const names = namesOf(60);
    const { recorder, registry, call, textOf } = setUp(names);
    for (const format of FORMATS) {
      for (const name of names) call(name);
      const text = await meanwhile(expose(registry, format, impatient()), (turn) => {
        const name = names[turn % names.length] ?? '';
        recorder.removeTool(name);
        recorder.addTool(toolNamed(name));
      });
      expectSound(String(text));
      for (const name of names) recorder.removeTool(name);
      for (const name of names) recorder.addTool(toolNamed(name));
      const next = expectSound(await textOf(format));
      expect(next.value('mcp_tool_duration_seconds_count')).toBe(0);
      expect(next.select('mcp_tool_calls_total', { status: 'success' })).toHaveLength(60);
    }
  });

  it('calls that end show whole, to two scrapers at a time with formats and labels of their own', async () => {
    const names = namesOf(60);
    const { registry, call } = setUp(names);
    registry.setDefaultLabels({ app: 'shop' });
    const other = new Registry();
    new Counter({ name: 'others_total', help: 'Of others', registers: [other] }).inc();
    const merged = Registry.merge([registry, other]);
    const scrapes = FORMATS.flatMap((format) =>
      [registry, merged].map(async (from) => ({
        isLabelled: from === registry,
        text: String(await expose(from, format, impatient())),
      })),
    );
    const texts = await meanwhile(Promise.all(scrapes), (turn) => {
      for (const [index, name] of names.entries()) call(name, REASONS[(index + turn) % (REASONS.length + 1)]);
    });
    expect(texts).toHaveLength(4);
    for (const { isLabelled, text } of texts) {
      expect(expectSound(text).value('mcp_tool_calls_total')).toBeGreaterThan(100);
      const ofOurs = linesOf(text).filter((line) => line !== '' && !line.startsWith('others'));
      expect(ofOurs.filter((line) => line.includes('app="shop"') !== isLabelled)).toEqual([]);
      expect(text.includes('\nothers_total 1\n')).toBe(!isLabelled);
    }
  });
});
