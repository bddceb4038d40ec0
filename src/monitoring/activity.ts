import type { CallObserver, CallRecord } from '../tools/call.ts';
import { ERROR_REASONS, REASONS, REFUSED, UNKNOWN_TOOL, type ErrorReason } from '../tools/reasons.ts';
import { ALERT_DEFAULTS } from './alert-defaults.ts';
import { CallCounts } from './call-counts.ts';
import { highestOf } from './metrics/bounds.ts';

const STEP_SECONDS = 15;
/** Five minutes, before the step that is not over. */
const WINDOW_STEPS = 20;

/** Sooner than the alert, which waits for ten minutes, since the page wakes nobody. */
const STUCK_SECONDS = 60;

/** What happened in a part of the window. */
interface Step {
  readonly number: number;
  readonly tools: Map<string, CallCounts>;
  authFailures: number;
}

/** What is known of a tool beyond the window. */
interface State {
  calls: number;
  inFlight: number;
  /** When an accepted call last ended, or began while there was no other: seconds after the start. */
  movedAt: number;
}

/** What the tools did within the last five minutes, or since the start if that was later. */
export type ActivityReport = ReturnType<Activity['report']>;
export type ToolActivity = ActivityReport['tools'][number];

/** Counts calls as they start and finish, and says what happened lately. */
export class Activity implements CallObserver {
  readonly #offered: () => ReadonlySet<string>;
  readonly #elapsed: () => number;
  readonly #bounds: readonly number[];
  /** Without gaps, oldest first. */
  #steps: Step[] = [newStep(0)];
  readonly #states = new Map<string, State>();

  /**
   * @param tools those that are offered now
   * @param now monotonic, in seconds
   * @param bounds of the buckets of `mcp_tool_duration_seconds`
   */
  constructor(
    tools: () => readonly { readonly name: string }[],
    now: () => number,
    bounds: readonly number[],
  ) {
    this.#bounds = bounds;
    const startedAt = now();
    this.#elapsed = () => now() - startedAt;
    this.#offered = () => new Set(tools().map(({ name }) => name));
  }

  started(tool: string): void {
    const state = this.#stateOf(tool);
    if (state.inFlight === 0) state.movedAt = this.#elapsed();
    state.inFlight += 1;
  }

  finished(record: CallRecord): void {
    const { tool } = record;
    if (record.status === 'error' && record.scopes) this.authFailed();
    const now = this.#elapsed();
    const { tools } = this.#stepAt(now);
    let counts = tools.get(tool);
    if (!counts) tools.set(tool, (counts = new CallCounts(this.#bounds)));
    counts.count(record);
    const state = this.#stateOf(tool);
    state.calls += 1;
    if (tool === UNKNOWN_TOOL) return; // its calls have no start
    state.inFlight -= 1;
    if (record.status === 'success' || !REFUSED.includes(record.reason)) state.movedAt = now;
  }

  /** A request was refused for its credentials. */
  authFailed(): void {
    this.#stepAt(this.#elapsed()).authFailures += 1;
  }

  /** What happened lately; all of it is in the JSON of `GET /`. */
  report() {
    const now = this.#elapsed();
    const { number } = this.#stepAt(now);
    const secondsSince = (step: number): number => now - step * STEP_SECONDS;
    const tools = this.#reportTools(now);
    return {
      window_seconds: secondsSince(Math.max(0, number - WINDOW_STEPS)),
      /** Whether that is all there was. */
      since_start: number <= WINDOW_STEPS,
      /** The highest bound of the histogram of durations: a quantile that is no less stands for more. */
      highest_bound_seconds: highestOf(this.#bounds),
      /** The tools that are offered, `unknown` for calls to tools that do not exist, and tools gone lately. */
      tools,
      latency: latencyOf(tools),
      /** What all tools did in each part of the window, oldest first. */
      history: this.#steps.map((step) => ({
        /** How long ago it began. */
        seconds_ago: secondsSince(step.number),
        seconds: Math.min(STEP_SECONDS, secondsSince(step.number)),
        ...this.#sum(step.tools.values()).totals(),
      })),
      /** Requests refused for their credentials. */
      auth_failures: this.#steps.reduce((sum, { authFailures }) => sum + authFailures, 0),
      reasons: REASON_FACTS,
    };
  }

  #reportTools(now: number) {
    const offered = this.#offered();
    return [...this.#known()].map((name) => {
      const { calls, inFlight, movedAt } = this.#states.get(name) ?? newState();
      const stalled = inFlight > 0 ? now - movedAt : 0;
      return {
        name,
        /** Whether it is offered now. */
        registered: offered.has(name),
        ...this.#sum(this.#steps.flatMap(({ tools }) => tools.get(name) ?? [])).ofTool(),
        /** Calls accepted and not yet answered, now. */
        in_flight: inFlight,
        /** For how long they have been while no accepted one ended. */
        stalled_seconds: stalled,
        /** Whether that is so long that the calls may hang. */
        stuck: stalled >= STUCK_SECONDS,
        calls_since_start: calls,
      };
    });
  }

  #sum(counts: Iterable<CallCounts>): CallCounts {
    return CallCounts.sum(this.#bounds, counts);
  }

  #stateOf(tool: string): State {
    let state = this.#states.get(tool);
    if (!state) this.#states.set(tool, (state = newState()));
    return state;
  }

  /** The step that is now. When it begins, what has left the window is forgotten. */
  #stepAt(now: number): Step {
    const number = Math.floor(now / STEP_SECONDS);
    const oldest = number - WINDOW_STEPS;
    let last = this.#steps.at(-1) ?? newStep(0);
    if (last.number === number) return last;
    while (last.number < number) {
      last = newStep(Math.max(last.number + 1, oldest));
      this.#steps.push(last);
    }
    this.#steps = this.#steps.filter((step) => step.number >= oldest);
    const known = this.#known();
    for (const tool of this.#states.keys()) if (!known.has(tool)) this.#states.delete(tool);
    return last;
  }

  /** The tools that are offered, `unknown`, and those that are gone but have calls within the window or in flight. */
  #known(): ReadonlySet<string> {
    const called = this.#steps.flatMap(({ tools }) => [...tools.keys()]);
    const running = [...this.#states].filter(([, { inFlight }]) => inFlight > 0).map(([tool]) => tool);
    return new Set([...this.#offered(), UNKNOWN_TOOL, ...called, ...running]);
  }
}

/** How all calls keep to the latency objective that the alerts have by default. */
function latencyOf(tools: readonly { readonly ran: number; readonly slow_calls: number }[]) {
  const { latencyObjective, latencyThresholdSeconds, minimumBadCalls } = ALERT_DEFAULTS;
  const ran = tools.reduce((sum, tool) => sum + tool.ran, 0);
  const slow = tools.reduce((sum, tool) => sum + tool.slow_calls, 0);
  return {
    /** A call that takes longer is slow. */
    threshold_seconds: latencyThresholdSeconds,
    /** Percent of the calls that must not be slow. */
    objective: latencyObjective,
    ran,
    slow_calls: slow,
    /** Whether more are slow, and not just a few calls. */
    missed: slow >= minimumBadCalls && 100 * slow > (100 - latencyObjective) * ran,
  };
}

const newStep = (number: number): Step => ({ number, tools: new Map(), authFailures: 0 });
const newState = (): State => ({ calls: 0, inFlight: 0, movedAt: 0 });

const REASON_FACTS = Object.fromEntries(
  REASONS.map((reason) => {
    const { serverFault, when } = ERROR_REASONS[reason];
    return [reason, { server_fault: serverFault, when }];
  }),
) as Record<ErrorReason, { readonly server_fault: boolean; readonly when: string }>;
