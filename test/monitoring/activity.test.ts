import { beforeEach, expect, it } from 'vitest';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { WatchedCalls } from '../support/watched-calls.ts';

let calls: WatchedCalls;
beforeEach(() => {
  // As of a server with a tool whose deadline is 45 s.
  calls = new WatchedCalls(['add'], [30, 45]);
});

function pass(seconds: number): void {
  calls.time += seconds;
}

function call(seconds: number, reason?: ErrorReason, tool = 'add'): void {
  calls.call(tool, seconds, reason);
}

const report = () => calls.activity.report();
const add = () => calls.of('add');

it('forgets what happened more than five minutes ago, and remembers that it did', () => {
  for (let count = 0; count < 5; count += 1) call(8, 'timeout');
  pass(200);
  call(0.02);
  expect(report()).toMatchObject({ window_seconds: 200, since_start: true });
  expect(add()).toMatchObject({ calls: 6, errors: { timeout: 5 }, server_faults: 5, failing: true });
  pass(200);
  const { window_seconds, since_start } = report();
  expect(since_start).toBe(false);
  expect(window_seconds).toBeGreaterThanOrEqual(300);
  expect(window_seconds).toBeLessThan(320);
  const later = add();
  expect(later).toMatchObject({ calls: 1, errors: {}, failing: false, calls_since_start: 6 });
  expect(later?.p95_seconds).toBeGreaterThan(0.01);
  expect(later?.p95_seconds).toBeLessThanOrEqual(0.025);
  pass(400);
  expect(add()).toMatchObject({ calls: 0, p50_seconds: null, calls_since_start: 6 });
});

it('says when within the window calls were made and failed, without gap or overlap', () => {
  pass(20);
  call(1);
  pass(40);
  call(1, 'exception');
  call(1, 'tool_error');
  pass(500);
  call(1);
  const { history, window_seconds } = report();
  expect(history[0]?.seconds_ago).toBe(window_seconds);
  for (const [index, { seconds_ago, seconds }] of history.entries())
    expect(seconds_ago - seconds).toBeCloseTo(history[index + 1]?.seconds_ago ?? 0);
  expect(history.filter(({ calls }) => calls > 0)).toMatchObject([{ calls: 1, errors: 0 }]);
  expect(history.length).toBeLessThan(25);
});

it('counts as the fault of the server only what is', () => {
  for (const reason of ['exception', 'tool_error', 'invalid_arguments', 'cancelled'] as const)
    call(1, reason);
  expect(add()).toMatchObject({ calls: 4, server_faults: 1, failing: false });
  const [interval] = report().history;
  expect(interval).toMatchObject({ calls: 4, errors: 4, server_faults: 1 });
});

it('calls a tool failing from where on the alert on its errors would', () => {
  const { minimumBadCalls, toolErrorRatio } = parametersSchema.parse({});
  const times = (count: number, reason?: ErrorReason): void => {
    for (let made = 0; made < count; made += 1) call(0.1, reason);
  };
  times(minimumBadCalls - 1, 'exception');
  expect(add()).toMatchObject({ failing: false });
  times(1, 'exception');
  expect(add()).toMatchObject({ failing: true });
  times(Math.round(minimumBadCalls / toolErrorRatio) - minimumBadCalls);
  expect(add()).toMatchObject({ failing: true });
  times(1);
  expect(add()).toMatchObject({ failing: false });
});

it('measures failures by the calls that were accepted, as the alerts do', () => {
  for (const [count, reason] of [
    [20, 'timeout'],
    [300, 'rate_limited'],
    [300, 'invalid_arguments'],
    [300, 'denied'],
  ] as const)
    for (let made = 0; made < count; made += 1) call(0.1, reason);
  expect(add()).toMatchObject({ calls: 920, accepted: 20, server_faults: 20, failing: true });
});

it('calls a tool slow from where on the alert on its latency would', () => {
  const { minimumCalls, toolLatencySeconds } = parametersSchema.parse({});
  for (let made = 1; made < minimumCalls; made += 1) call(toolLatencySeconds + 1);
  expect(add()).toMatchObject({ slow: false });
  call(toolLatencySeconds + 1);
  expect(add()).toMatchObject({ slow: true });
  for (let made = 0; made < 20 * minimumCalls; made += 1) call(toolLatencySeconds);
  expect(add()).toMatchObject({ slow: false });
});

it('says that the latency objective is missed from where on its budget would burn, whichever tools are slow', () => {
  const { latency, minimumBadCalls } = parametersSchema.parse({});
  calls.offer('add', 'wait');
  const slow = (count: number, tool: string): void => {
    for (let made = 0; made < count; made += 1) call(latency.thresholdSeconds + 0.1, undefined, tool);
  };
  const fast = (count: number): void => {
    for (let made = 0; made < count; made += 1) call(latency.thresholdSeconds);
  };
  slow(minimumBadCalls - 1, 'wait');
  expect(report().latency).toMatchObject({ missed: false });
  slow(1, 'add');
  expect(report().latency).toMatchObject({ missed: true });
  fast(minimumBadCalls / (1 - latency.objective / 100) - minimumBadCalls - 1);
  expect(report().latency).toMatchObject({ ran: 99, slow_calls: 5, missed: true });
  fast(1);
  expect(report().latency).toMatchObject({ ran: 100, slow_calls: 5, missed: false });
});

it('calls a tool stuck when calls are in flight for a minute and no accepted one ends', () => {
  pass(100);
  const start = (): void => {
    calls.start('add');
  };
  const end = (reason?: ErrorReason): void => {
    calls.end('add', 1, reason);
  };
  start();
  pass(50);
  expect(add()).toMatchObject({ in_flight: 1, stuck: false });
  start();
  end('invalid_arguments');
  pass(40);
  const hangs = add();
  expect(hangs).toMatchObject({ in_flight: 1, stalled_seconds: 90, stuck: true, timeout_seconds: 30 });
  // Others overtake it: the tool moves.
  start();
  end();
  expect(add()).toMatchObject({ in_flight: 1, stalled_seconds: 0, stuck: false });
  pass(90);
  expect(add()).toMatchObject({ in_flight: 1, stuck: true });
  end('timeout');
  expect(add()).toMatchObject({ in_flight: 0, stalled_seconds: 0, stuck: false });
});

it.each([
  [[0.003], 0.005],
  [[12], 30],
  [[40], 45],
  [[50], 45],
  [[0.06, 0.06, 0.06], 0.075],
])('puts quantiles where PromQL puts them: calls of %j s', (durations, atMost) => {
  for (const seconds of durations) call(seconds);
  const { p95_seconds } = add() ?? {};
  expect(p95_seconds).toBeLessThanOrEqual(atMost);
  expect(p95_seconds).toBeGreaterThan(atMost * 0.9);
});

it('shows a tool that came later, and one that is gone while the window has calls of it', () => {
  call(1);
  calls.offer('later');
  call(1, 'exception', 'later');
  pass(200);
  expect(calls.of('later')).toMatchObject({ registered: true, calls: 1, errors: { exception: 1 } });
  expect(add()).toMatchObject({ registered: false, calls: 1 });
  pass(200);
  expect(calls.of('later')).toMatchObject({ registered: true, calls: 0, calls_since_start: 1 });
  expect(add()).toBeUndefined();
});

it('loses no call of a tool that goes and comes back again and again', () => {
  for (let round = 1; round <= 3; round += 1) {
    call(1, 'timeout');
    pass(10);
    calls.offer();
    pass(10);
    calls.offer('add');
    expect(add()).toMatchObject({
      calls: round,
      errors: { timeout: round },
      calls_since_start: round,
      in_flight: 0,
    });
  }
});

it('reads what is counted, and makes no series by that', async () => {
  call(0, 'unknown_tool', 'unknown');
  const before = await calls.registry.metrics();
  report();
  pass(400);
  report();
  expect(await calls.registry.metrics()).toBe(before);
});

it('counts a call whose tool goes while it runs, for however long it does', () => {
  calls.start('add');
  calls.offer();
  pass(1000);
  expect(add()).toMatchObject({ registered: false, in_flight: 1, stalled_seconds: 1000, stuck: true });
  calls.end('add', 1000, 'timeout');
  expect(add()).toMatchObject({ calls: 1, errors: { timeout: 1 }, in_flight: 0 });
});

it('keeps nothing of tools that are gone for longer than the window', () => {
  call(1);
  calls.offer();
  pass(400);
  report();
  calls.offer('add');
  expect(add()).toMatchObject({ calls: 0, calls_since_start: 0 });
});

it('counts calls to tools that do not exist as unknown, and requests that were refused', () => {
  calls.end('unknown', 0, 'unknown_tool');
  calls.activity.authFailed();
  const { tools: shown, auth_failures } = report();
  expect(shown).toMatchObject([
    { name: 'add', registered: true, calls: 0 },
    { name: 'unknown', registered: false, calls: 1, accepted: 0, in_flight: 0 },
  ]);
  expect(auth_failures).toBe(1);
  pass(400);
  expect(report().auth_failures).toBe(0);
});
