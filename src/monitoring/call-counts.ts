import type { CallRecord } from '../tools/call.ts';
import { ERROR_REASONS, REASONS, REFUSED, type ErrorReason } from '../tools/reasons.ts';
import { ALERT_DEFAULTS } from './alert-defaults.ts';

const SERVER_FAULTS = REASONS.filter((reason) => ERROR_REASONS[reason].serverFault);

const { minimumBadCalls, minimumCalls, toolErrorRatio, toolLatencySeconds, latencyThresholdSeconds } =
  ALERT_DEFAULTS;

/** All calls, those that failed for a reason, and those in a bucket of `mcp_tool_duration_seconds`, by its bound. */
type Key = 'calls' | ErrorReason | number;

/** Counts of calls that ended. */
export class CallCounts {
  /** The bounds of the buckets that durations are counted in. */
  readonly #bounds: readonly number[];
  readonly #counts = new Map<Key, number>();

  /** @param bounds of the buckets of `mcp_tool_duration_seconds` */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  static sum(bounds: readonly number[], all: Iterable<CallCounts>): CallCounts {
    const total = new CallCounts(bounds);
    for (const each of all) for (const [key, count] of each.#counts) total.#add(key, count);
    return total;
  }

  count(record: CallRecord): void {
    const { runSeconds } = record;
    this.#add('calls');
    if (record.status === 'error') this.#add(record.reason);
    if (runSeconds !== undefined) this.#add(this.#boundOf(runSeconds));
  }

  #boundOf(seconds: number): number {
    for (const bound of this.#bounds) if (seconds <= bound) return bound;
    return Infinity;
  }

  #add(key: Key, count = 1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** How many there were under any of the keys. */
  #of(...keys: readonly Key[]): number {
    return keys.reduce<number>((sum, key) => sum + (this.#counts.get(key) ?? 0), 0);
  }

  totals() {
    return {
      calls: this.#of('calls'),
      errors: this.#of(...REASONS),
      /** Errors that are the server's fault. */
      server_faults: this.#of(...SERVER_FAULTS),
    };
  }

  /** The report of one tool, if these are its calls. */
  ofTool() {
    const { calls, server_faults } = this.totals();
    const accepted = calls - this.#of(...REFUSED);
    const errors = REASONS.map((reason) => [reason, this.#of(reason)] as const);
    const p95 = this.#durationQuantile(0.95);
    const ran = this.#durations();
    return {
      calls,
      /** Calls that were not refused for a mistake of the caller: shares, here and in the alerts, are shares of these. */
      accepted,
      /** By reason; those that did not occur are left out. */
      errors: Object.fromEntries(errors.filter(([, count]) => count > 0)) as Partial<
        Record<ErrorReason, number>
      >,
      server_faults,
      /** Whether those are so many, and so large a share, that something must be done. */
      failing: server_faults >= minimumBadCalls && server_faults >= toolErrorRatio * accepted,
      /** Calls that reached the tool's code. */
      ran,
      /** The part of them that took longer than the threshold of the latency objective. */
      slow_calls: this.#of(...this.#bounds.filter((bound) => bound > latencyThresholdSeconds), Infinity),
      /** Seconds in the tool's code; `null` when no call reached it, the highest bound when above it. */
      p50_seconds: this.#durationQuantile(0.5),
      p95_seconds: p95,
      /** Whether one in 20 of enough calls took too long. */
      slow: (p95 ?? 0) > toolLatencySeconds && ran >= minimumCalls,
    };
  }

  /** How many have a duration. */
  #durations(): number {
    return this.#of(...this.#bounds, Infinity);
  }

  /** Interpolated within its bucket, as PromQL's `histogram_quantile` does. */
  #durationQuantile(share: number): number | null {
    let rank = share * this.#durations();
    if (rank === 0) return null;
    let lower = 0;
    for (const upper of this.#bounds) {
      const count = this.#of(upper);
      if (rank <= count) return lower + ((upper - lower) * rank) / count;
      rank -= count;
      lower = upper;
    }
    return lower;
  }
}
