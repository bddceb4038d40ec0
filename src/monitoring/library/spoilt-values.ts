import type { MetricType } from '../metrics/declaration.ts';
import { describeGiven } from './describe-given.ts';

type Put = (labels: unknown, value?: unknown) => void;

/** What values each type of metric takes, in words; others would stay in it, as a sum with NaN is NaN for ever. */
const TAKEN: Readonly<Record<MetricType, string>> = {
  counter: 'numbers of 0 or more',
  gauge: 'numbers, and changes by finite ones',
  histogram: 'finite numbers',
};

function isTaken(type: MetricType, method: string, value: unknown): boolean {
  if (value === undefined) return method === 'inc' || method === 'dec'; // by 1
  if (typeof value !== 'number') return false;
  return method === 'set' || (Number.isFinite(value) && (type !== 'counter' || value >= 0));
}

/**
 * The same instrument, which leaves values out that would spoil its metric: whatever records them is to go on.
 * @param spoilt told of the first of them
 */
export function withoutSpoilt(
  name: string,
  type: MetricType,
  record: object,
  spoilt: (error: RangeError) => void,
): Readonly<Record<string, Put>> {
  let told = false;
  const tell = (value: unknown): void => {
    if (told) return;
    told = true;
    const got = typeof value === 'number' ? String(value) : describeGiven(value);
    const text = `metric ${name}: a ${type} takes ${TAKEN[type]}, not ${got}; such values are left out`;
    spoilt(new RangeError(text));
  };
  const methods = Object.entries(record as Readonly<Record<string, Put>>).map(([method, put]) => [
    method,
    (labels: unknown, value?: unknown): void => {
      if (isTaken(type, method, value)) put(labels, value);
      else tell(value);
    },
  ]);
  return Object.fromEntries(methods) as Readonly<Record<string, Put>>;
}
