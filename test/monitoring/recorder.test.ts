import { describe, expect, it } from 'vitest';
import { trustedCaller } from '../../src/authorization/caller.ts';
import { expose } from '../../src/monitoring/metrics/exposition.ts';
import { createMetrics, type MetricName, type Metrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder, type MeasuredTool } from '../../src/monitoring/metrics/recorder.ts';
import type { CallRecord, CallTrace } from '../../src/tools/call.ts';
import { REASONS, UNKNOWN_TOOL } from '../../src/tools/reasons.ts';
import { parseMetrics, type Sample } from '../support/metrics-text.ts';
import { numbersFrom } from '../support/numbers-from.ts';

const tool = (name: string, toolset = 'shop'): MeasuredTool => ({
  name,
  toolset,
  source: 'module',
  isolation: 'none',
});

const trace: CallTrace = {
  traceId: 'a1b2',
  spanId: 'c3',
  sampled: true,
  phase: async (_phase, work) => work(),
  failed: () => undefined,
};

/** A call of a tool that has finished: with success, or for a reason. */
const record = (name: string, reason?: (typeof REASONS)[number]): CallRecord => ({
  ...(reason === undefined
    ? { status: 'success', result: { content: [] } }
    : { status: 'error', reason, message: reason }),
  tool: name,
  call: {
    name,
    arguments: {},
    caller: trustedCaller('test'),
    entrance: 'mcp',
    requestId: 'r',
    signal: new AbortController().signal,
    canElicit: false,
    trace,
  },
  endedAt: 1000,
  totalSeconds: 0.1,
  runSeconds: 0.1,
  resultBytes: 10,
});

const operation = (name: string) => ({
  method: 'tools/call',
  protocolVersion: '2026-07-28',
  transport: 'http' as const,
  tool: name,
  isError: false,
  seconds: 0.1,
  traceId: trace.traceId,
});

function setUp(tools: readonly MeasuredTool[] = []) {
  const { metrics, registry } = createMetrics();
  const recorder = new Recorder(metrics);
  for (const tool of tools) recorder.addTool(tool);
  const write = async (format: 'prometheus' | 'openmetrics') =>
    String(await expose(registry, format, () => 0));
  const scrape = async () => parseMetrics(await write('prometheus'));
  return { recorder, registry, write, scrape };
}

const toolIn = ({ labels }: Sample): string | undefined => labels['tool_name'] ?? labels['gen_ai_tool_name'];

const nameOf = ({ name, labels }: Sample): string => `${name} ${JSON.stringify(labels)}`;

describe('a tool that is removed', () => {
  it('takes its series along, of every metric, and the traces they point to', async () => {
    const { recorder, scrape, write } = setUp([tool('stays'), tool('goes')]);
    for (const name of ['stays', 'goes']) {
      for (const reason of [undefined, ...REASONS]) {
        recorder.started(name, 0);
        recorder.finished(record(name, reason));
        recorder.operation(operation(name));
      }
    }
    expect((await scrape()).all.filter((sample) => toolIn(sample) === 'goes').length).toBeGreaterThan(50);
    recorder.removeTool('goes');
    const text = await write('openmetrics');
    expect(text).not.toContain('goes');
    expect(text).toContain('trace_id="a1b2"');
    recorder.addTool(tool('goes'));
    const fresh = (await write('openmetrics')).split('\n').filter((line) => line.includes('goes'));
    expect(fresh.filter((line) => line.includes('trace_id'))).toEqual([]);
  });

  it('keeps them until the last call in flight has finished, and then has none again', async () => {
    const { recorder, scrape } = setUp([tool('goes')]);
    recorder.started('goes', 0);
    recorder.started('goes', 0);
    recorder.removeTool('goes');
    recorder.finished(record('goes'));
    expect((await scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'goes' })).toBe(1);
    recorder.finished(record('goes', 'exception'));
    // What the protocol layer has to say of the call comes after its outcome.
    recorder.operation(operation('goes'));
    recorder.started('goes', 0);
    recorder.finished(record('goes'));
    recorder.removeTool('goes');
    const samples = await scrape();
    expect(samples.all.filter((sample) => toolIn(sample) === 'goes')).toEqual([]);
    const ofUnknown = { gen_ai_tool_name: UNKNOWN_TOOL };
    expect(samples.value('mcp_server_operation_duration_seconds_count', ofUnknown)).toBe(1);
  });

  it('keeps what was counted when it is added again before that, and says what it is now', async () => {
    const { recorder, scrape } = setUp([tool('returns')]);
    recorder.started('returns', 0);
    recorder.finished(record('returns'));
    recorder.started('returns', 0);
    recorder.removeTool('returns');
    recorder.addTool(tool('returns', 'warehouse'));
    recorder.finished(record('returns'));
    const samples = await scrape();
    const labels = { tool_name: 'returns' };
    expect(samples.value('mcp_tool_calls_total', { ...labels, status: 'success' })).toBe(2);
    expect(samples.value('mcp_tool_calls_in_flight', labels)).toBe(0);
    expect(samples.select('mcp_tool_info', labels).map((info) => info.labels['toolset'])).toEqual([
      'warehouse',
    ]);
  });
});

it('begins a series anew that the registry was made to remove, however often it was found before', async () => {
  const { recorder, registry, scrape } = setUp([tool('add')]);
  const call = (): void => {
    recorder.started('add', 0);
    recorder.finished(record('add'));
    recorder.operation(operation('add'));
  };
  call();
  const [{ labels } = { labels: {} }] = (await scrape()).select(
    'mcp_server_operation_duration_seconds_count',
    {
      gen_ai_tool_name: 'add',
    },
  );
  const removed = {
    mcp_tool_calls_total: { tool_name: 'add', status: 'success' },
    mcp_tool_calls_in_flight: { tool_name: 'add' },
    mcp_tool_duration_seconds: { tool_name: 'add' },
    mcp_tool_result_size_bytes: { tool_name: 'add' },
    mcp_server_operation_duration_seconds: labels,
  };
  for (const [name, of] of Object.entries(removed))
    (registry.getSingleMetric(name) as unknown as { remove(labels: object): void }).remove(of);
  call();
  const samples = await scrape();
  expect(samples.value('mcp_tool_calls_total', removed.mcp_tool_calls_total)).toBe(1);
  expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'add' })).toBe(0);
  expect(samples.value('mcp_tool_duration_seconds_count', { tool_name: 'add' })).toBe(1);
  expect(samples.value('mcp_tool_result_size_bytes_count', { tool_name: 'add' })).toBe(1);
  expect(samples.value('mcp_server_operation_duration_seconds_count', labels)).toBe(1);
});

it('has exactly the series of the tools there are, however tools came and went during calls', async () => {
  const NAMES = ['a', 'b', 'c', 'd'];
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = numbersFrom(seed);
    const { recorder, scrape } = setUp();
    const there = new Set<string>();
    const running: string[] = [];
    const finish = (): void => {
      const [name] = running.splice(random(running.length), 1);
      if (name === undefined) return;
      recorder.finished(record(name, random(2) === 0 ? undefined : REASONS[random(REASONS.length)]));
      recorder.operation(operation(name));
    };
    for (let step = 0; step < 60; step += 1) {
      const name = NAMES[random(NAMES.length)] ?? '';
      const act = random(4);
      if (act === 0) {
        there.add(name);
        recorder.addTool(tool(name));
      } else if (act === 1) {
        there.delete(name);
        recorder.removeTool(name);
      } else if (act === 2 && there.has(name)) {
        running.push(name);
        recorder.started(name, 0);
      } else finish();
      if (step % 20 !== 0) continue;
      const inFlight = (await scrape()).select('mcp_tool_calls_in_flight');
      for (const { labels, value } of inFlight)
        expect(value, `seed ${seed}`).toBe(running.filter((each) => each === labels['tool_name']).length);
    }
    while (running.length > 0) finish();
    const ofTools = (samples: readonly Sample[]) =>
      samples
        .filter((sample) => sample.labels['tool_name'] !== undefined)
        .map(nameOf)
        .sort();
    const fresh = setUp([...there].map((name) => tool(name)));
    const { all } = await scrape();
    expect(ofTools(all), `seed ${seed}`).toEqual(ofTools((await fresh.scrape()).all));
    const tools = new Set(all.flatMap((sample) => toolIn(sample) ?? []));
    expect(
      [...tools].filter((name) => name !== UNKNOWN_TOOL && !there.has(name)),
      `seed ${seed}`,
    ).toEqual([]);
  }
});

it('does not compile with a metric, a label or a value that is not declared', () => {
  type Labels = Parameters<Metrics['mcp_tool_calls_total']['inc']>[0];
  const wrong = [
    // @ts-expect-error: there is no such metric
    'mcp_tool_call_total' satisfies MetricName,
    // @ts-expect-error: it has no such label
    { tool: 'a', status: 'success' } satisfies Labels,
    // @ts-expect-error: the label has no such value
    { tool_name: 'a', status: 'succes' } satisfies Labels,
    // @ts-expect-error: a label is missing
    { tool_name: 'a' } satisfies Labels,
  ];
  expect(wrong).toHaveLength(4);
});
