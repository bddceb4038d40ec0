import { DURATION_BUCKETS } from '../../src/monitoring/metrics.ts';

/** How long healthy calls take: half of them less than the median, spread log-normally. */
export const BASELINE = { medianSeconds: 0.5, sigma: 0.6 } as const;

/** The share of calls that take no longer than this, when all take `factor` times the baseline. */
export const shareWithin = (seconds: number, factor = 1): number =>
  normalDistribution(Math.log(seconds / (BASELINE.medianSeconds * factor)) / BASELINE.sigma);

/** The share of calls that falls into each bucket alone; the last one is all above the highest bound. */
export function bucketShares(factor = 1): readonly number[] {
  const within = [...DURATION_BUCKETS.map((bound) => shareWithin(bound, factor)), 1];
  return within.map((share, index) => share - (within[index - 1] ?? 0));
}

/** The standard normal distribution; Abramowitz and Stegun 7.1.26, exact to 1.5e-7. */
function normalDistribution(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (sum, coefficient) => (sum + coefficient) * t,
    0,
  );
  const tail = (polynomial * Math.exp(-x * x)) / 2;
  return z < 0 ? tail : 1 - tail;
}
