import { DURATION_BUCKETS } from './metrics.ts';

/**
 * A quantile of `mcp_tool_duration_seconds`, in seconds: interpolated within its bucket, as PromQL's `histogram_quantile`
 * does; `null` without calls, the highest bound when above it.
 * @param cumulative how many calls took at most each bound, and last how many there were
 */
export function durationQuantile(share: number, cumulative: Float64Array): number | null {
  const total = cumulative.at(-1) ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  const bucket = cumulative.findIndex((count) => count >= rank);
  const upper = DURATION_BUCKETS[bucket];
  if (upper === undefined) return DURATION_BUCKETS.at(-1) ?? null;
  const lower = DURATION_BUCKETS[bucket - 1] ?? 0;
  const below = cumulative[bucket - 1] ?? 0;
  return lower + ((upper - lower) * (rank - below)) / ((cumulative[bucket] ?? 0) - below);
}
