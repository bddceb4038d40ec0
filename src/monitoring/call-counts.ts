import { ERROR_REASONS, REASONS, REFUSED, type ErrorReason } from '../tools/reasons.ts';
import { ALERT_DEFAULTS } from './alert-defaults.ts';
import type { Counted } from './metrics/tool-series.ts';

const SERVER_FAULTS = REASONS.filter((reason) => ERROR_REASONS[reason].serverFault);

const { minimumBadCalls, minimumCalls, toolErrorRatio, toolLatencySeconds, latencyThresholdSeconds } =
  ALERT_DEFAULTS;

/** Counts of calls that ended. */
export class CallCounts {
  /** The bounds of the buckets that durations are counted in. */
  readonly #bounds: readonly number[];
  #calls = 0;
  /** Made when a call fails: there are counts for each tool and each part of the window, and most have no failure. */
  #failed: Map<ErrorReason, number> | undefined;
  /** Of each bucket up to the highest that has any. The last of all has no bound. */
  readonly #durations: number[] = [];

  /** @param bounds of the buckets of `mcp_tool_duration_seconds` */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  static sum(bounds: readonly number[], all: Iterable<CallCounts>): CallCounts {
    const total = new CallCounts(bounds);
    for (const each of all) {
      total.#calls += each.#calls;
      for (const [reason, count] of each.#failed ?? []) total.#addFailed(reason, count);
      for (let bucket = 0; bucket < each.#durations.length; bucket += 1)
        total.#addDuration(bucket, each.#durations[bucket] ?? 0);
    }
    return total;
  }

  /** Adds what was counted since it was `before`. */
  addSince(before: Counted | undefined, now: Counted): void {
    this.#calls += now.calls - (before?.calls ?? 0);
    for (const [reason, count] of now.failed) {
      const more = count - (before?.failed.get(reason) ?? 0);
      if (more > 0) this.#addFailed(reason, more);
    }
    for (let bucket = 0; bucket < now.durations.length; bucket += 1) {
      const more = (now.durations[bucket] ?? 0) - (before?.durations[bucket] ?? 0);
      if (more > 0) this.#addDuration(bucket, more);
    }
  }

  #addFailed(reason: ErrorReason, count: number): void {
    this.#failed ??= new Map();
    this.#failed.set(reason, this.#failedFor(reason) + count);
  }

  #addDuration(bucket: number, count: number): void {
    while (this.#durations.length <= bucket) this.#durations.push(0);
    this.#durations[bucket] = (this.#durations[bucket] ?? 0) + count;
  }

  /** How many failed for any of the reasons. */
  #failedFor(...reasons: readonly ErrorReason[]): number {
    return reasons.reduce((sum, reason) => sum + (this.#failed?.get(reason) ?? 0), 0);
  }

  totals() {
    return {
      calls: this.#calls,
      errors: this.#failedFor(...REASONS),
      /** Errors that are the server's fault. */
      server_faults: this.#failedFor(...SERVER_FAULTS),
    };
  }

  /** The report of one tool, if these are its calls. */
  ofTool() {
    const { calls, server_faults } = this.totals();
    const accepted = calls - this.#failedFor(...REFUSED);
    const errors = REASONS.map((reason) => [reason, this.#failedFor(reason)] as const);
    const p95 = this.#durationQuantile(0.95);
    const ran = sum(this.#durations);
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
      slow_calls: sum(
        this.#durations.filter(
          (_count, bucket) => (this.#bounds[bucket] ?? Infinity) > latencyThresholdSeconds,
        ),
      ),
      /** Seconds in the tool's code; `null` when no call reached it, the highest bound when above it. */
      p50_seconds: this.#durationQuantile(0.5),
      p95_seconds: p95,
      /** Whether one in 20 of enough calls took too long. */
      slow: (p95 ?? 0) > toolLatencySeconds && ran >= minimumCalls,
    };
  }

  /** Interpolated within its bucket, as PromQL's `histogram_quantile` does. */
  #durationQuantile(share: number): number | null {
    let rank = share * sum(this.#durations);
    if (rank === 0) return null;
    let lower = 0;
    for (const [bucket, upper] of this.#bounds.entries()) {
      const count = this.#durations[bucket] ?? 0;
      if (rank <= count) return lower + ((upper - lower) * rank) / count;
      rank -= count;
      lower = upper;
    }
    return lower;
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
