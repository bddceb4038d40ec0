import { z } from 'zod';
import { failure } from '../../result.ts';
import { defineTool } from '../../tool.ts';
import { pure } from '../annotations.ts';

const MAX_NUMBERS = 10_000;

const statistics = z.strictObject({
  mean: z.number().optional(),
  median: z.number().optional(),
  mode: z.number().optional(),
  standard_deviation: z.number().optional(),
  variance: z.number().optional(),
  range: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  sum: z.number().optional(),
  count: z.int().optional(),
});
type Statistics = z.infer<typeof statistics>;

const operation = z.enum(['mean', 'median', 'mode', 'stdev', 'range', 'sum', 'all']);

/** Neumaier's compensated sum, so that rounding errors do not pile up over thousands of numbers. */
function sum(numbers: readonly number[]): number {
  let total = 0;
  let compensation = 0;
  for (const number of numbers) {
    const next = total + number;
    compensation += Math.abs(total) >= Math.abs(number) ? total - next + number : number - next + total;
    total = next;
  }
  return total + compensation;
}

const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return mean(sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1));
}

/** The most frequent number; of several, the one that comes first. */
function mode(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  let most = 0;
  let winner = 0;
  for (const [number, count] of counts) {
    if (count > most) [winner, most] = [number, count];
  }
  return winner;
}

/** The variance of a sample (divided by n - 1), which needs two numbers. */
function variance(numbers: readonly number[]): number {
  const center = mean(numbers);
  return sum(numbers.map((number) => (number - center) ** 2)) / (numbers.length - 1);
}

function compute(numbers: readonly number[], wanted: z.infer<typeof operation>): Statistics {
  const min = Math.min(...numbers);
  const max = Math.max(...numbers);
  switch (wanted) {
    case 'mean':
      return { mean: mean(numbers) };
    case 'median':
      return { median: median(numbers) };
    case 'mode':
      return { mode: mode(numbers) };
    case 'stdev':
      return { standard_deviation: Math.sqrt(variance(numbers)) };
    case 'range':
      return { range: max - min };
    case 'sum':
      return { sum: sum(numbers) };
    case 'all': {
      const spread = numbers.length > 1 ? variance(numbers) : undefined;
      return {
        mean: mean(numbers),
        median: median(numbers),
        mode: mode(numbers),
        ...(spread !== undefined && { standard_deviation: Math.sqrt(spread), variance: spread }),
        range: max - min,
        min,
        max,
        sum: sum(numbers),
        count: numbers.length,
      };
    }
  }
}

/** The tool `statistics_functions`: descriptive statistics of a list that fits in one call. */
export const statisticsFunctions = defineTool({
  name: 'statistics_functions',
  title: 'Statistics',
  description:
    `Computes statistics of 1 to ${MAX_NUMBERS} numbers: mean, median, mode (the first of equally frequent ` +
    'numbers), stdev (sample standard deviation, n - 1), range, sum, or all of them with variance, min, max and count.',
  input: z.strictObject({
    numbers: z
      .array(z.number())
      .min(1)
      .max(MAX_NUMBERS)
      .describe(`The sample: 1 to ${MAX_NUMBERS} finite numbers.`),
    operation: operation.default('all').describe('Which statistic to return. Default: all.'),
  }),
  output: z.strictObject({ statistics, sample_size: z.int() }),
  annotations: pure,
  handler({ numbers, operation: wanted }) {
    if (wanted === 'stdev' && numbers.length < 2) {
      return failure('The sample standard deviation needs at least two numbers.');
    }
    const computed = compute(numbers, wanted);
    if (!Object.values(computed).every(Number.isFinite)) {
      return failure('A result is too large to represent as a number. Use numbers of smaller magnitude.');
    }
    return { statistics: computed, sample_size: numbers.length };
  },
});
