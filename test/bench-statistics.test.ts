import { expect, it } from 'vitest';
import { pairedRatio } from '../bench/statistics.ts';

const oneTo = (count: number): number[] => Array.from({ length: count }, (_each, index) => index + 1);

it.each([
  // The ranks of the binomial distribution, as tables of the sign test have them.
  { count: 6, low: 1, high: 6 },
  { count: 10, low: 2, high: 9 },
  { count: 20, low: 6, high: 15 },
  { count: 1500, low: 712, high: 789 },
])('the median of $count ratios has the interval $low to $high', ({ count, low, high }) => {
  const ones = oneTo(count).map(() => 1);
  expect(pairedRatio(oneTo(count), ones)).toEqual({ median: count / 2, low, high });
});
