/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil(sorted.length * share) - 1];
  if (value === undefined) throw new RangeError('there are no values');
  return value;
}

/** The middle value; the lower of the two when their number is even. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The median of the ratios of values that were measured in the same round. */
export const pairedRatio = (values: readonly number[], references: readonly number[]): number =>
  median(values.map((value, round) => value / (references[round] ?? Number.NaN)));
