import type { CallRecord } from '../tools/call.ts';
import type { ErrorReason } from '../tools/outcome.ts';
import { DURATION_BUCKETS } from './metrics.ts';

const BOUNDS = [...DURATION_BUCKETS, Infinity];

/** All calls, those that failed for a reason, and those in a bucket of `mcp_tool_duration_seconds`, by its bound. */
type Key = 'calls' | ErrorReason | number;

/** Counts of calls that ended. */
export class CallCounts {
  readonly #counts = new Map<Key, number>();

  /** How many there were under any of the keys. */
  of(...keys: readonly Key[]): number {
    return keys.reduce<number>((sum, key) => sum + (this.#counts.get(key) ?? 0), 0);
  }

  count(record: CallRecord): void {
    const { runSeconds } = record;
    this.#add('calls');
    if (record.status === 'error') this.#add(record.reason);
    if (runSeconds !== undefined) this.#add(BOUNDS.find((bound) => runSeconds <= bound) ?? Infinity);
  }

  static sum(all: Iterable<CallCounts>): CallCounts {
    const total = new CallCounts();
    for (const each of all) for (const [key, count] of each.#counts) total.#add(key, count);
    return total;
  }

  #add(key: Key, count = 1): void {
    this.#counts.set(key, this.of(key) + count);
  }

  /** How many reached the tool's code, and so have a duration. */
  get run(): number {
    return this.of(...BOUNDS);
  }

  /**
   * A quantile of the durations, in seconds: interpolated within its bucket, as PromQL's `histogram_quantile` does; `null`
   * without durations, the highest bound when above it.
   */
  quantile(share: number): number | null {
    if (this.run === 0) return null;
    let rank = share * this.run;
    let lower = 0;
    for (const upper of DURATION_BUCKETS) {
      const count = this.of(upper);
      if (rank <= count) return lower + ((upper - lower) * rank) / count;
      rank -= count;
      lower = upper;
    }
    return lower;
  }
}
