import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { judge } from '../../src/http/status-page/verdict.ts';
import { Activity } from '../../src/monitoring/activity.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import type { ErrorReason } from '../../src/tools/outcome.ts';

let { metrics } = createMetrics();
let activity: Activity;
let stop: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  ({ metrics } = createMetrics());
  activity = new Activity(metrics, [{ name: 'add' }, { name: 'wait' }], () => performance.now() / 1000);
  stop = activity.start();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1000);

function calls(count: number, tool_name: string, seconds: number, reason?: ErrorReason): void {
  const status = reason === undefined ? 'success' : 'error';
  for (let made = 0; made < count; made += 1) {
    metrics.mcp_tool_calls_total.inc({ tool_name, status });
    metrics.mcp_tool_duration_seconds.observe({ tool_name }, seconds);
    if (reason !== undefined) metrics.mcp_tool_errors_total.inc({ tool_name, reason });
  }
}

const verdict = async () =>
  judge({
    name: 'nexus-mcp',
    title: 'nexus-mcp',
    version: '0.0.0',
    ready: true,
    state: 'ready',
    uptime_seconds: 1000,
    tools: 2,
    sessions: 0,
    sessions_limit: 1000,
    links: [],
    metrics: 'served',
    activity: await activity.report(),
  });

it('warns when calls hang, though nothing is counted of them', async () => {
  calls(40, 'add', 0.1);
  metrics.mcp_tool_calls_in_flight.set({ tool_name: 'wait' }, 8);
  expect(await verdict()).toMatchObject({ level: 'good' });
  await pass(90);
  const { level, headline, detail } = await verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Calls do not end: wait' });
  expect(detail).toMatch(/^8 calls of wait are in flight, and none has ended for (75|90) s: /);
});

it('warns when calls take too long, also when a few others failed', async () => {
  calls(19, 'wait', 9.9);
  expect(await verdict()).toMatchObject({ level: 'good' });
  calls(1, 'wait', 9.9);
  calls(1, 'add', 0.1, 'exception');
  const { level, headline, detail } = await verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Slow: wait' });
  expect(detail).toMatch(/^One in 20 calls of wait took about 9\.\d s or longer since the start\.$/);
});

it('names a tool that fails before those that are stuck or slow', async () => {
  calls(20, 'wait', 9.9);
  calls(5, 'add', 0.1, 'exception');
  metrics.mcp_tool_calls_in_flight.set({ tool_name: 'wait' }, 1);
  await pass(90);
  expect(await verdict()).toMatchObject({ level: 'bad', headline: 'add is failing: exception' });
});
