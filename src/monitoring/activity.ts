import type { CallObserver, CallRecord } from '../tools/call.ts';
import { REFUSED, UNKNOWN_TOOL } from '../tools/outcome.ts';
import { REASON_FACTS, reportTool, totals, type ActivityReport } from './activity-report.ts';
import { CallCounts } from './call-counts.ts';

const STEP_SECONDS = 15;
/** Five minutes, before the step that is not over. */
const WINDOW_STEPS = 20;

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

/** Counts calls as they start and finish, and says what happened lately. */
export class Activity implements CallObserver {
  readonly #offered: () => ReadonlySet<string>;
  readonly #elapsed: () => number;
  /** Without gaps, oldest first. */
  #steps: Step[] = [newStep(0)];
  readonly #states = new Map<string, State>();

  /**
   * @param tools those that are offered now
   * @param now monotonic, in seconds
   */
  constructor(tools: () => readonly { readonly name: string }[], now: () => number) {
    const startedAt = now();
    this.#elapsed = () => now() - startedAt;
    this.#offered = () => new Set(tools().map(({ name }) => name));
  }

  started(tool: string): void {
    const state = this.#states.get(tool) ?? newState();
    this.#states.set(tool, state);
    if (state.inFlight === 0) state.movedAt = this.#elapsed();
    state.inFlight += 1;
  }

  finished(record: CallRecord): void {
    const { tool } = record;
    const now = this.#elapsed();
    const { tools } = this.#stepAt(now);
    const counts = tools.get(tool) ?? new CallCounts();
    counts.count(record);
    tools.set(tool, counts);
    const state = this.#states.get(tool) ?? newState();
    this.#states.set(tool, state);
    state.calls += 1;
    if (tool === UNKNOWN_TOOL) return; // no call of which starts
    state.inFlight -= 1;
    if (record.status === 'success' || !REFUSED.includes(record.reason)) state.movedAt = now;
  }

  /** A request was refused for its credentials. */
  authFailed(): void {
    this.#stepAt(this.#elapsed()).authFailures += 1;
  }

  /** What happened lately. */
  report(): ActivityReport {
    const now = this.#elapsed();
    const { number } = this.#stepAt(now);
    const offered = this.#offered();
    const history = this.#steps.map((step) => {
      const seconds = now - step.number * STEP_SECONDS;
      return {
        seconds_ago: seconds,
        seconds: Math.min(STEP_SECONDS, seconds),
        ...totals(CallCounts.sum(step.tools.values())),
      };
    });
    return {
      window_seconds: history[0]?.seconds_ago ?? 0,
      since_start: number <= WINDOW_STEPS,
      tools: [...this.#known()].map((name) => {
        const { calls, inFlight, movedAt } = this.#states.get(name) ?? newState();
        const known = {
          name,
          registered: offered.has(name),
          in_flight: inFlight,
          stalled_seconds: inFlight === 0 ? 0 : now - movedAt,
          calls_since_start: calls,
        };
        return reportTool(known, CallCounts.sum(this.#steps.flatMap(({ tools }) => tools.get(name) ?? [])));
      }),
      history,
      auth_failures: this.#steps.reduce((sum, { authFailures }) => sum + authFailures, 0),
      reasons: REASON_FACTS,
    };
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

const newStep = (number: number): Step => ({ number, tools: new Map(), authFailures: 0 });
const newState = (): State => ({ calls: 0, inFlight: 0, movedAt: 0 });
