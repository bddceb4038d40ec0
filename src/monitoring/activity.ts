import type { CallObserver, CallRecord } from '../tools/call.ts';
import { ERROR_REASONS, REASONS, UNKNOWN_TOOL, type ErrorReason } from '../tools/reasons.ts';
import { ALERT_DEFAULTS } from './alert-defaults.ts';
import { CallCounts } from './call-counts.ts';
import { highestOf } from './metrics/bounds.ts';
import type { MeasuredTool, Recorder } from './metrics/recorder.ts';
import type { Counted, ToolSeries } from './metrics/tool-series.ts';

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

/** A tool that is offered. */
interface Offered {
  readonly name: string;
  readonly source: MeasuredTool['source'];
  readonly timeoutSeconds: number;
}

export interface ActivityOptions {
  /** Counts the calls. */
  readonly recorder: Pick<Recorder, 'toolSeries' | 'whenForgotten'>;
  /** Those that are offered now. */
  readonly tools: () => readonly Offered[];
  /** The calls that hold a place now. */
  readonly running: () => Iterable<{ readonly name: string }>;
  /** Monotonic, in seconds: the clock of the records. */
  readonly now: () => number;
  /** Of the buckets of `mcp_tool_duration_seconds`. */
  readonly bounds: readonly number[];
}

/** What the tools did within the last five minutes, or since the start if that was later. */
export type ActivityReport = ReturnType<Activity['report']>;
export type ToolActivity = ActivityReport['tools'][number];

/**
 * Says what happened lately, by what the recorder has counted since. It is to hear of each call before the recorder does, so that
 * nothing is put into the wrong part of the window.
 */
export class Activity implements CallObserver {
  readonly #options: ActivityOptions;
  readonly #startedAt: number;
  /** Without gaps, oldest first. */
  #steps: Step[] = [newStep(0)];
  /** What was counted of each tool when it was last looked at. */
  readonly #seen = new Map<string, Counted>();

  constructor(options: ActivityOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    options.recorder.whenForgotten((name, series) => {
      this.#lookAt(name, series);
      this.#seen.delete(name);
    });
  }

  started(): void {
    // The recorder knows which calls are in flight.
  }

  finished(record: CallRecord): void {
    if (record.status === 'error' && record.scopes) this.authFailed();
    else this.#stepAt(record.endedAt);
  }

  /** A request was refused for its credentials. */
  authFailed(): void {
    this.#stepAt(this.#options.now()).authFailures += 1;
  }

  /** What happened lately; all of it is in the JSON of `GET /`. */
  report() {
    const at = this.#options.now();
    const now = at - this.#startedAt;
    const { number } = this.#stepAt(at);
    this.#lookAtAll();
    const secondsSince = (step: number): number => now - step * STEP_SECONDS;
    const tools = this.#reportTools(at);
    return {
      window_seconds: secondsSince(Math.max(0, number - WINDOW_STEPS)),
      /** Whether that is all there was. */
      since_start: number <= WINDOW_STEPS,
      /** The highest bound of the histogram of durations: a quantile that is no less stands for more. */
      highest_bound_seconds: highestOf(this.#options.bounds),
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

  #reportTools(at: number) {
    const offered = new Map(this.#options.tools().map((tool) => [tool.name, tool]));
    const counting = new Map(this.#options.recorder.toolSeries());
    const running = new Map<string, number>();
    for (const { name } of this.#options.running()) running.set(name, (running.get(name) ?? 0) + 1);
    const called = this.#steps.flatMap(({ tools }) => [...tools.keys()]);
    return [...new Set([...offered.keys(), UNKNOWN_TOOL, ...counting.keys(), ...called])].map((name) => {
      const { inFlight = 0, movedAt = 0, calls } = counting.get(name) ?? {};
      const lately = this.#sum(this.#steps.flatMap(({ tools }) => tools.get(name) ?? [])).ofTool();
      const stalled = inFlight > 0 ? at - movedAt : 0;
      return {
        name,
        /** Whether it is offered now. */
        registered: offered.has(name),
        /** Whose code it is; missing where it is not offered. One of an upstream runs elsewhere. */
        source: offered.get(name)?.source,
        /** Its deadline; missing likewise. */
        timeout_seconds: offered.get(name)?.timeoutSeconds,
        ...lately,
        /** Calls accepted and not yet answered, now. */
        in_flight: inFlight,
        /** Those of them that hold a place; the others mostly wait for one. */
        running: running.get(name) ?? 0,
        /** For how long they have been while no accepted one ended. */
        stalled_seconds: stalled,
        /** Whether that is so long that the calls may hang. */
        stuck: stalled >= STUCK_SECONDS,
        /** Of one that was away, or is, at least those of the window. */
        calls_since_start: Math.max(calls ?? 0, lately.calls),
      };
    });
  }

  #sum(counts: Iterable<CallCounts>): CallCounts {
    return CallCounts.sum(this.#options.bounds, counts);
  }

  /** The step of a time. When it begins, what was counted belongs to the one before, and what has left the window is forgotten. */
  #stepAt(at: number): Step {
    const number = Math.floor((at - this.#startedAt) / STEP_SECONDS);
    let last = this.#lastStep;
    if (last.number >= number) return last;
    this.#lookAtAll();
    const oldest = number - WINDOW_STEPS;
    while (last.number < number) {
      last = newStep(Math.max(last.number + 1, oldest));
      this.#steps.push(last);
    }
    this.#steps = this.#steps.filter((step) => step.number >= oldest);
    return last;
  }

  get #lastStep(): Step {
    return this.#steps.at(-1) ?? newStep(0);
  }

  #lookAtAll(): void {
    for (const [name, series] of this.#options.recorder.toolSeries()) this.#lookAt(name, series);
  }

  /** Puts what was counted since the last look into the last step. */
  #lookAt(name: string, series: ToolSeries): void {
    const { calls } = series;
    const before = this.#seen.get(name);
    if (calls === (before?.calls ?? 0)) return;
    const now = series.counted();
    const { tools } = this.#lastStep;
    let counts = tools.get(name);
    if (!counts) tools.set(name, (counts = new CallCounts(this.#options.bounds)));
    counts.addSince(before, now);
    this.#seen.set(name, now);
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

const REASON_FACTS = Object.fromEntries(
  REASONS.map((reason) => {
    const { serverFault, when } = ERROR_REASONS[reason];
    return [reason, { server_fault: serverFault, when }];
  }),
) as Record<ErrorReason, { readonly server_fault: boolean; readonly when: string }>;
