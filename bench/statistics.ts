/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  return valueAt(values, Math.ceil(values.length * share));
}

/** The middle value; the lower of the two when their number is even. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A median, and the interval that it lies in with a confidence of 95 %. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The ratio of values that were measured one right after the other. */
export function pairedRatio(values: readonly number[], references: readonly number[]): Estimate {
  const ratios = values.map((value, round) => value / (references[round] ?? Number.NaN));
  const outside = ranksOutside(ratios.length);
  return {
    median: median(ratios),
    low: valueAt(ratios, outside + 1),
    high: valueAt(ratios, ratios.length - outside),
  };
}

/**
 * How many of the lowest values, and of the highest, the interval of a median leaves out. Each value is as likely below the
 * true median as above, whatever their distribution, so that their number there is binomial.
 */
function ranksOutside(count: number): number {
  // Its logarithm: of more than 1 074 values it would be 0, and stay so.
  let logProbability = count * Math.log(0.5);
  let noMore = Math.exp(logProbability);
  let below = 0;
  while (noMore <= 0.025) {
    logProbability += Math.log((count - below) / (below + 1));
    noMore += Math.exp(logProbability);
    below += 1;
  }
  return Math.max(0, below - 1);
}

/** @param rank of the lowest: 1 */
function valueAt(values: readonly number[], rank: number): number {
  const value = values.toSorted((a, b) => a - b)[rank - 1];
  if (value === undefined) throw new RangeError('there are too few values');
  return value;
}
