import { describe, expect, it } from 'vitest';
import { calculator } from '../../../src/tools/builtin/calculator.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';

describe('add, subtract and multiply', () => {
  it.each([
    ['add', 8],
    ['subtract', 2],
    ['multiply', 15],
  ])('%s of 5 and 3 is the bare number %d', async (name, result) => {
    expect(await valueOf(calculator, name, { a: 5, b: 3 })).toBe(result);
  });

  it.each([
    ['add', 1e308, 1e308],
    ['subtract', -1e308, 1e308],
    ['multiply', 1e200, 1e200],
  ])('%s fails instead of returning Infinity', async (name, a, b) => {
    expect(await failureOf(calculator, name, { a, b })).toMatch(/too large/);
  });

  it.each([{ a: '5', b: 3 }, { a: 5 }, { a: 5, b: 3, c: 1 }, { a: NaN, b: 3 }, { a: 5, b: Infinity }])(
    'refuse the arguments %j',
    async (args) => {
      expect(await callTool(calculator, 'add', args)).toMatchObject({ status: 'invalid_arguments' });
    },
  );
});

describe('divide', () => {
  it('returns operands, quotient and remainder', async () => {
    expect(await valueOf(calculator, 'divide', { a: 7, b: 2 })).toEqual({
      dividend: 7,
      divisor: 2,
      quotient: 3.5,
      remainder: 1,
      is_integer: false,
    });
    expect(await valueOf(calculator, 'divide', { a: 6, b: 3 })).toMatchObject({
      quotient: 2,
      is_integer: true,
    });
  });

  it.each([
    [-7, 3, 2],
    [7, -3, -2],
    [-7, -3, -1],
    [7, 3, 1],
  ])('gives the remainder of %d by %d the sign of the divisor', async (a, b, remainder) => {
    expect(await valueOf(calculator, 'divide', { a, b })).toMatchObject({ remainder });
  });

  it.each([0, -0])('fails on division by %d', async (b) => {
    expect(await failureOf(calculator, 'divide', { a: 1, b })).toMatch(/by zero/);
  });

  it('fails when the quotient overflows', async () => {
    expect(await failureOf(calculator, 'divide', { a: 1e308, b: 1e-10 })).toMatch(/too large/);
  });
});

describe('statistics_functions', () => {
  const compute = (args: unknown) => valueOf(calculator, 'statistics_functions', args);

  it('returns everything by default, and not the data', async () => {
    expect(await compute({ numbers: [4, 1, 2, 2, 6] })).toEqual({
      statistics: {
        mean: 3,
        median: 2,
        mode: 2,
        standard_deviation: 2,
        variance: 4,
        range: 5,
        min: 1,
        max: 6,
        sum: 15,
        count: 5,
      },
      sample_size: 5,
    });
  });

  it.each([
    ['mean', { mean: 2.5 }],
    ['median', { median: 2.5 }],
    ['mode', { mode: 1 }],
    ['stdev', { standard_deviation: Math.sqrt(5 / 3) }],
    ['range', { range: 3 }],
    ['sum', { sum: 10 }],
  ])('%s returns only what was asked for', async (operation, statistics) => {
    expect(await compute({ numbers: [1, 2, 3, 4], operation })).toEqual({ statistics, sample_size: 4 });
  });

  it('lets the first of equally frequent numbers be the mode', async () => {
    expect(await compute({ numbers: [9, 3, 3, 9, 1], operation: 'mode' })).toMatchObject({
      statistics: { mode: 9 },
    });
  });

  it('leaves the sample deviation out for one number, and fails when only that was asked for', async () => {
    const { statistics } = (await compute({ numbers: [7] })) as { statistics: object };
    expect(Object.keys(statistics)).toEqual([
      'mean',
      'median',
      'mode',
      'range',
      'min',
      'max',
      'sum',
      'count',
    ]);
    expect(await failureOf(calculator, 'statistics_functions', { numbers: [7], operation: 'stdev' })).toMatch(
      /at least two/,
    );
  });

  it('does not let rounding errors pile up', async () => {
    expect(await compute({ numbers: Array(10).fill(0.1), operation: 'sum' })).toMatchObject({
      statistics: { sum: 1 },
    });
    expect(await compute({ numbers: [1e16, 1, -1e16], operation: 'sum' })).toMatchObject({
      statistics: { sum: 1 },
    });
  });

  it('fails when a statistic overflows', async () => {
    expect(await failureOf(calculator, 'statistics_functions', { numbers: [1e308, 1e308] })).toMatch(
      /too large/,
    );
  });

  it.each([
    { numbers: [] },
    { numbers: Array(10_001).fill(1) },
    { numbers: [1, NaN] },
    { numbers: [1], operation: 'average' },
  ])('refuses an empty or oversized list, NaN and unknown operations', async (args) => {
    expect(await callTool(calculator, 'statistics_functions', args)).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});
