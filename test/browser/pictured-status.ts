import { createHash } from 'node:crypto';
import { loadPage } from '../../src/http/status-page/page.ts';
import type { Facts } from '../../src/http/status-page/status.ts';
import { judge } from '../../src/http/status-page/verdict.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { WatchedCalls } from '../support/watched-calls.ts';

/** How a tool is called in the picture: so often in a step of the page, and so long. */
interface Habit {
  readonly tool: string;
  readonly calls: number;
  readonly seconds: number;
  /** One call of so many fails, for a reason. */
  readonly failing?: readonly [every: number, reason: ErrorReason];
  /** From this step on. */
  readonly from?: number;
}

const HABITS: readonly Habit[] = [
  { tool: 'add', calls: 24, seconds: 0.002 },
  { tool: 'current_timestamp', calls: 15, seconds: 0.003 },
  { tool: 'generate_hash', calls: 9, seconds: 0.006, failing: [30, 'invalid_arguments'] },
  { tool: 'demo_translate', calls: 12, seconds: 0.03 },
  { tool: 'demo_weather', calls: 10, seconds: 0.15 },
  { tool: 'demo_slow_report', calls: 4, seconds: 0.35 },
  { tool: 'demo_slow_report', calls: 6, seconds: 0.5, failing: [1, 'timeout'], from: 14 },
];

const STEPS = 20;
const STEP_SECONDS = 15;

/** What a server says of itself five minutes after its start, one tool of which began to fail a while ago. */
export function picturedStatus(): Facts {
  const tools = [...new Set(HABITS.map(({ tool }) => tool))];
  const watched = new WatchedCalls(tools);
  const startedAt = watched.time;
  const made = new Map<string, number>();
  for (let step = 0; step < STEPS; step += 1) {
    watched.time = startedAt + step * STEP_SECONDS;
    for (const { tool, calls, seconds, failing, from = 0 } of HABITS) {
      if (step < from) continue;
      // As many as a step has, and some more or less.
      const count = calls + ((step * 7 + calls) % 5) - 2;
      for (let call = 0; call < count; call += 1) {
        const number = (made.get(tool) ?? 0) + 1;
        made.set(tool, number);
        const fails = failing && number % failing[0] === 0;
        watched.call(tool, seconds, fails ? failing[1] : undefined);
      }
    }
  }
  const uptime = STEPS * STEP_SECONDS - 1;
  watched.time = startedAt + uptime;
  return {
    name: 'nexus-mcp',
    title: 'Nexus MCP',
    version: '0.1.0',
    ready: true,
    state: 'ready',
    uptime_seconds: uptime,
    tools: tools.length,
    sessions: 12,
    sessions_limit: 1000,
    links: ['/tools', '/openapi.json', '/metrics', '/readyz'],
    metrics: 'served',
    activity: watched.activity.report(),
    event_loop: { window_seconds: 45, lag_p99_seconds: 0.01, lag_max_seconds: 0.02, utilization: 0.12 },
    heap: { kept_bytes: 84e6, limit_bytes: 512e6 },
    places: { limit: 256, taken: 0, waiting: 0 },
  };
}

/** Stands for all that the picture shows: it is another one when the page, its words or the status changes. */
export function sourcesOfPicture(): string {
  const { html } = loadPage();
  const status = picturedStatus();
  return createHash('sha256')
    .update(JSON.stringify([html, status, judge(status)]))
    .digest('hex');
}
