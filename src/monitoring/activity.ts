import { ERROR_REASONS, REASONS, REFUSED, UNKNOWN_TOOL, type ErrorReason } from '../tools/outcome.ts';
import { DURATION_BUCKETS, type Metrics } from './metrics.ts';
import { durationQuantile } from './duration-quantile.ts';

/** What one tool did lately. */
export interface ToolActivity {
  readonly name: string;
  /** Calls that ended. */
  readonly calls: number;
  /** Those of them that were not refused for a mistake of the caller: what shares are of, here and in the alerts. */
  readonly accepted: number;
  /** Those that failed, by reason; reasons that did not occur are left out. */
  readonly errors: Readonly<Partial<Record<ErrorReason, number>>>;
  /** Those that failed through the server's fault. */
  readonly server_faults: number;
  /** Whether those are so many, and so large a share, that something must be done. */
  readonly failing: boolean;
  /** Whether there is such a tool; `unknown` stands for calls to those there are not. */
  readonly registered: boolean;
  /** Calls accepted and not yet answered, now. */
  readonly in_flight: number;
  /** For how long, at least, calls have been in flight while no accepted one ended; 0 when that is not so. */
  readonly stalled_seconds: number;
  /** Whether that is so long that the calls may hang. */
  readonly stuck: boolean;
  /** Quantiles of the time in the tool's code; `null` when no call reached it, the highest bound when above it. */
  readonly p50_seconds: number | null;
  readonly p95_seconds: number | null;
  /** Whether one in 20 of enough calls took too long. */
  readonly slow: boolean;
  readonly calls_since_start: number;
}

/** What all tools did in a part of the window. */
export interface Interval {
  /** How long ago it began. */
  readonly seconds_ago: number;
  readonly seconds: number;
  readonly calls: number;
  readonly errors: number;
  /** Those of the errors that are the server's fault. */
  readonly server_faults: number;
}

/** What the tools did within the last five minutes, or since the start if that was later. */
export interface ActivityReport {
  readonly window_seconds: number;
  /** Whether that is all there was. */
  readonly since_start: boolean;
  /** Every tool, and `unknown` for calls to tools that do not exist. */
  readonly tools: readonly ToolActivity[];
  /** Oldest first. */
  readonly history: readonly Interval[];
  /** Requests refused for their credentials. */
  readonly auth_failures: number;
  readonly reasons: Readonly<Record<ErrorReason, { readonly server_fault: boolean; readonly when: string }>>;
}

const WINDOW_SECONDS = 300;
const STEP_SECONDS = 15;

/** The defaults of the alert on the errors of a tool. */
const FAILING_CALLS = 5;
const FAILING_SHARE = 0.1;

/** The defaults of the alert on the latency of a tool. */
const SLOW_CALLS = 20;
const SLOW_SECONDS = 5;

/** Sooner than the alert, which waits for ten minutes, since the page wakes nobody. */
const STUCK_SECONDS = 60;

/** Where a reading keeps what it read of a tool: its calls, those in flight, its errors by reason, its buckets. */
const CALLS = 0;
const IN_FLIGHT = 1;
const FIRST_REASON = 2;
const FIRST_BUCKET = FIRST_REASON + REASONS.length;
const WIDTH = FIRST_BUCKET + DURATION_BUCKETS.length + 1;

const BUCKET_COLUMNS = new Map(DURATION_BUCKETS.map((bound, index) => [String(bound), FIRST_BUCKET + index]));

const REASON_FACTS = Object.fromEntries(
  REASONS.map((reason) => {
    const { serverFault, when } = ERROR_REASONS[reason];
    return [reason, { server_fault: serverFault, when }];
  }),
) as ActivityReport['reasons'];

/** The typings of prom-client leave `le` out. */
interface BucketValue {
  readonly labels: { readonly tool_name?: unknown; readonly le?: string | number };
  readonly value: number;
}

interface Reading {
  readonly at: number;
  /** `WIDTH` counts a tool, in one array because there may be hundreds of tools; all but those in flight are cumulative. */
  readonly counts: Float64Array;
  readonly authFailures: number;
}

/**
 * Looks at the metrics now and then, and says what happened since. It reads the counters of calls alone: reading
 * all metrics would begin anew what the event loop's count "since the last scrape".
 */
export class Activity {
  readonly #metrics: Metrics;
  readonly #names: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #readings: Reading[];

  /** @param now monotonic, in seconds */
  constructor(metrics: Metrics, tools: readonly { readonly name: string }[], now: () => number) {
    this.#metrics = metrics;
    this.#names = [...tools.map(({ name }) => name), UNKNOWN_TOOL];
    this.#index = new Map(this.#names.map((name, index) => [name, index]));
    this.#now = now;
    this.#startedAt = now();
    this.#readings = [
      { at: this.#startedAt, counts: new Float64Array(this.#names.length * WIDTH), authFailures: 0 },
    ];
  }

  /** Takes readings from now on; returns how to stop that. */
  start(): () => void {
    const timer = setInterval(() => void this.#keep(), STEP_SECONDS * 1000).unref();
    return () => {
      clearInterval(timer);
    };
  }

  async #keep(): Promise<void> {
    const reading = await this.#read();
    const readings = this.#readings;
    readings.push(reading);
    while ((readings[1]?.at ?? Infinity) <= reading.at - WINDOW_SECONDS) readings.shift();
  }

  async #read(): Promise<Reading> {
    const { mcp_tool_calls_total, mcp_tool_errors_total, mcp_tool_duration_seconds } = this.#metrics;
    const [calls, inFlight, errors, durations, authFailures] = await Promise.all([
      mcp_tool_calls_total.get(),
      this.#metrics.mcp_tool_calls_in_flight.get(),
      mcp_tool_errors_total.get(),
      mcp_tool_duration_seconds.get(),
      this.#metrics.mcp_auth_failures_total.get(),
    ]);
    const counts = new Float64Array(this.#names.length * WIDTH);
    const add = (tool: unknown, column: number, value: number): void => {
      const index = this.#index.get(String(tool));
      if (index === undefined) return;
      const place = index * WIDTH + column;
      counts[place] = (counts[place] ?? 0) + value;
    };
    for (const { labels, value } of calls.values) add(labels.tool_name, CALLS, value);
    for (const { labels, value } of inFlight.values) add(labels.tool_name, IN_FLIGHT, value);
    for (const { labels, value } of errors.values)
      add(labels.tool_name, FIRST_REASON + REASONS.indexOf(labels.reason as ErrorReason), value);
    for (const { labels, value } of durations.values as readonly BucketValue[]) {
      if (labels.le === undefined) continue; // the sum and the count
      add(labels.tool_name, BUCKET_COLUMNS.get(String(labels.le)) ?? WIDTH - 1, value);
    }
    return {
      at: this.#now(),
      counts,
      authFailures: authFailures.values.reduce((sum, { value }) => sum + value, 0),
    };
  }

  /** What happened lately. */
  async report(): Promise<ActivityReport> {
    const last = await this.#read();
    const kept = this.#readings.filter(({ at }) => at <= last.at);
    const begin = kept.findLastIndex(({ at }) => at <= last.at - WINDOW_SECONDS);
    const readings = [...kept.slice(Math.max(0, begin)), last];
    const [first = last] = readings;
    return {
      window_seconds: last.at - first.at,
      since_start: first.at === this.#startedAt,
      tools: this.#names.map((name, index) => ({
        ...activityOf(name, rowOf(first, index), rowOf(last, index)),
        ...stallOf(readings, last, index),
      })),
      history: readings.slice(1).map((reading, index) => between(readings[index] ?? first, reading, last.at)),
      auth_failures: last.authFailures - first.authFailures,
      reasons: REASON_FACTS,
    };
  }
}

type Stall = Pick<ToolActivity, 'in_flight' | 'stalled_seconds' | 'stuck'>;

const rowOf = ({ counts }: Reading, index: number): Float64Array =>
  counts.subarray(index * WIDTH, (index + 1) * WIDTH);

function activityOf(
  name: string,
  before: Float64Array,
  after: Float64Array,
): Omit<ToolActivity, keyof Stall> {
  const grown = after.map((count, column) => count - (before[column] ?? 0));
  const errors = REASONS.map((reason, index) => [reason, grown[FIRST_REASON + index] ?? 0] as const);
  const buckets = grown.subarray(FIRST_BUCKET);
  const p95 = durationQuantile(0.95, buckets);
  const accepted = acceptedCalls(grown);
  const faults = serverFaults(grown);
  return {
    name,
    calls: grown[CALLS] ?? 0,
    accepted,
    errors: Object.fromEntries(errors.filter(([, count]) => count > 0)),
    server_faults: faults,
    failing: faults >= FAILING_CALLS && faults >= FAILING_SHARE * accepted,
    registered: name !== UNKNOWN_TOOL,
    p50_seconds: durationQuantile(0.5, buckets),
    p95_seconds: p95,
    slow: (p95 ?? 0) > SLOW_SECONDS && (buckets.at(-1) ?? 0) >= SLOW_CALLS,
    calls_since_start: after[CALLS] ?? 0,
  };
}

/** What is in flight now, and since which reading nothing has ended. */
function stallOf(readings: readonly Reading[], last: Reading, index: number): Stall {
  const now = rowOf(last, index);
  const moved = readings.findLastIndex((reading) => {
    const then = rowOf(reading, index);
    return then[IN_FLIGHT] === 0 || acceptedCalls(then) !== acceptedCalls(now);
  });
  const seconds = last.at - (readings[moved + 1] ?? last).at;
  return { in_flight: now[IN_FLIGHT] ?? 0, stalled_seconds: seconds, stuck: seconds >= STUCK_SECONDS };
}

const SERVER_FAULTS = REASONS.filter((reason) => ERROR_REASONS[reason].serverFault);

const failures = (row: Float64Array, reasons: readonly ErrorReason[]): number =>
  reasons.reduce((sum, reason) => sum + (row[FIRST_REASON + REASONS.indexOf(reason)] ?? 0), 0);
const serverFaults = (row: Float64Array): number => failures(row, SERVER_FAULTS);
const acceptedCalls = (row: Float64Array): number => (row[CALLS] ?? 0) - failures(row, REFUSED);

function between(from: Reading, to: Reading, end: number): Interval {
  const total = { calls: 0, errors: 0, server_faults: 0 };
  for (let start = 0; start < to.counts.length; start += WIDTH) {
    const grown = to.counts
      .subarray(start, start + FIRST_BUCKET)
      .map((count, column) => count - (from.counts[start + column] ?? 0));
    total.calls += grown[CALLS] ?? 0;
    total.errors += grown.subarray(FIRST_REASON).reduce((sum, count) => sum + count, 0);
    total.server_faults += serverFaults(grown);
  }
  return { seconds_ago: end - from.at, seconds: to.at - from.at, ...total };
}
