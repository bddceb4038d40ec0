import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { Activity, type ToolActivity } from '../../src/monitoring/activity.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import type { ErrorReason } from '../../src/tools/outcome.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

let { metrics } = createMetrics();
let activity: Activity;
let stop: () => void;
beforeEach(() => {
  ({ metrics } = createMetrics());
  const startedAt = Date.now();
  activity = new Activity(metrics, [{ name: 'add' }], () => (Date.now() - startedAt) / 1000);
  stop = activity.start();
});
afterEach(() => {
  stop();
});

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1000);

function call(seconds: number, reason?: ErrorReason): void {
  metrics.mcp_tool_calls_total.inc({ tool_name: 'add', status: reason === undefined ? 'success' : 'error' });
  if (reason !== undefined) metrics.mcp_tool_errors_total.inc({ tool_name: 'add', reason });
  metrics.mcp_tool_duration_seconds.observe({ tool_name: 'add' }, seconds);
}

const add = async (): Promise<ToolActivity | undefined> =>
  (await activity.report()).tools.find(({ name }) => name === 'add');

it('forgets what happened more than five minutes ago, and remembers that it did', async () => {
  for (let count = 0; count < 5; count += 1) call(8, 'timeout');
  await pass(200);
  call(0.02);
  expect(await activity.report()).toMatchObject({ window_seconds: 200, since_start: true });
  expect(await add()).toMatchObject({ calls: 6, errors: { timeout: 5 }, server_faults: 5, failing: true });
  await pass(200);
  const { window_seconds, since_start } = await activity.report();
  expect(since_start).toBe(false);
  expect(window_seconds).toBeGreaterThanOrEqual(300);
  expect(window_seconds).toBeLessThan(320);
  const later = await add();
  expect(later).toMatchObject({ calls: 1, errors: {}, failing: false, calls_since_start: 6 });
  expect(later?.p95_seconds).toBeGreaterThan(0.01);
  expect(later?.p95_seconds).toBeLessThanOrEqual(0.025);
  await pass(400);
  expect(await add()).toMatchObject({ calls: 0, p50_seconds: null, calls_since_start: 6 });
});

it('says when within the window calls were made and failed, without gap or overlap', async () => {
  await pass(20);
  call(1);
  await pass(40);
  call(1, 'exception');
  call(1, 'tool_error');
  await pass(500);
  call(1);
  const { history, window_seconds } = await activity.report();
  expect(history[0]?.seconds_ago).toBe(window_seconds);
  for (const [index, { seconds_ago, seconds }] of history.entries())
    expect(seconds_ago - seconds).toBeCloseTo(history[index + 1]?.seconds_ago ?? 0);
  expect(history.filter(({ calls }) => calls > 0)).toMatchObject([{ calls: 1, errors: 0 }]);
  expect(history.length).toBeLessThan(25);
});

it('counts as the fault of the server only what is', async () => {
  for (const reason of ['exception', 'tool_error', 'invalid_arguments', 'cancelled'] as const)
    call(1, reason);
  expect(await add()).toMatchObject({ calls: 4, server_faults: 1, failing: false });
  const [interval] = (await activity.report()).history;
  expect(interval).toMatchObject({ calls: 4, errors: 4, server_faults: 1 });
});

it('calls a tool failing from where on the alert on its errors would', async () => {
  const { minimumBadCalls, toolErrorRatio } = parametersSchema.parse({});
  const times = (count: number, reason?: ErrorReason): void => {
    for (let made = 0; made < count; made += 1) call(0.1, reason);
  };
  times(minimumBadCalls - 1, 'exception');
  expect(await add()).toMatchObject({ failing: false });
  times(1, 'exception');
  expect(await add()).toMatchObject({ failing: true });
  times(Math.round(minimumBadCalls / toolErrorRatio) - minimumBadCalls);
  expect(await add()).toMatchObject({ failing: true });
  times(1);
  expect(await add()).toMatchObject({ failing: false });
});

it('measures failures by the calls that were accepted, as the alerts do', async () => {
  for (const [count, reason] of [
    [20, 'timeout'],
    [300, 'rate_limited'],
    [300, 'invalid_arguments'],
    [300, 'denied'],
  ] as const)
    for (let made = 0; made < count; made += 1) call(0.1, reason);
  expect(await add()).toMatchObject({ calls: 920, accepted: 20, server_faults: 20, failing: true });
});

it('calls a tool slow from where on the alert on its latency would', async () => {
  const { minimumCalls, toolLatencySeconds } = parametersSchema.parse({});
  for (let made = 1; made < minimumCalls; made += 1) call(toolLatencySeconds + 1);
  expect(await add()).toMatchObject({ slow: false });
  call(toolLatencySeconds + 1);
  expect(await add()).toMatchObject({ slow: true });
  for (let made = 0; made < 20 * minimumCalls; made += 1) call(toolLatencySeconds);
  expect(await add()).toMatchObject({ slow: false });
});

it('calls a tool stuck when calls are in flight for a minute and no accepted one ends', async () => {
  await pass(100);
  const start = (): void => {
    metrics.mcp_tool_calls_in_flight.inc({ tool_name: 'add' });
  };
  const end = (reason?: ErrorReason): void => {
    metrics.mcp_tool_calls_in_flight.dec({ tool_name: 'add' });
    call(1, reason);
  };
  start();
  await pass(50);
  expect(await add()).toMatchObject({ in_flight: 1, stuck: false });
  start();
  end('invalid_arguments');
  await pass(40);
  const hangs = await add();
  expect(hangs).toMatchObject({ in_flight: 1, stuck: true });
  expect(hangs?.stalled_seconds).toBeGreaterThanOrEqual(60);
  expect(hangs?.stalled_seconds).toBeLessThanOrEqual(90);
  // Others overtake it: the tool moves.
  start();
  end();
  expect(await add()).toMatchObject({ in_flight: 1, stalled_seconds: 0, stuck: false });
  await pass(90);
  expect(await add()).toMatchObject({ in_flight: 1, stuck: true });
  end('timeout');
  expect(await add()).toMatchObject({ in_flight: 0, stalled_seconds: 0, stuck: false });
});

it.each([
  [[0.003], 0.005],
  [[12], 10],
  [[0.06, 0.06, 0.06], 0.075],
])('puts quantiles where PromQL puts them: calls of %j s', async (durations, atMost) => {
  for (const seconds of durations) call(seconds);
  const { p95_seconds } = (await add()) ?? {};
  expect(p95_seconds).toBeLessThanOrEqual(atMost);
  expect(p95_seconds).toBeGreaterThan(atMost * 0.9);
});
