import { domainOf, labelSetsOf, type Declaration, type Domain } from './declaration.ts';
import type { Series } from './series.ts';

/** Label values as they are given: by programs, or out of requests. */
export type Given = Readonly<Record<string, string | undefined>>;

/** Longer values are not admitted, unless they are listed. */
const MAX_VALUE_LENGTH = 128;

/**
 * Holds label values to what was declared, so that no data can make more series than that.
 * @param folded told of each label whose value was not admitted
 */
export function foldInto(
  declaration: Declaration,
  folded: (label: string) => void = () => undefined,
): (given: Given) => Series {
  const guards = Object.keys(declaration.labels).map((label) => {
    const said = labelSetsOf(declaration).flatMap(({ [label]: values }) =>
      values ? [domainOf(values)] : [],
    );
    return guardOf(label, said);
  });
  // Values that only the program gives need not be looked at.
  if (guards.length > 0 && guards.every(({ rest }) => rest === undefined)) return (given) => given as Series;
  return (given) => {
    const series: Series = {};
    for (const { label, rest, isOptional, admits } of guards) {
      const value = given[label];
      if (value === undefined && isOptional) continue;
      const text = String(value);
      if (rest === undefined || admits(text)) series[label] = text;
      else {
        series[label] = rest;
        folded(label);
      }
    }
    return series;
  };
}

/** @param domains the label's in each kind of series, whose values it may all take */
function guardOf(label: string, domains: readonly Domain[]) {
  const admitted = new Set<string>(domains.flatMap(({ values }) => values));
  const room = admitted.size + Math.max(...domains.map(({ more = 0 }) => more));
  return {
    label,
    rest: domains.find((domain) => domain.rest !== undefined)?.rest,
    isOptional: domains.some(({ optional }) => optional),
    admits: (value: string): boolean => {
      if (admitted.has(value)) return true;
      if (admitted.size >= room || value.length > MAX_VALUE_LENGTH) return false;
      admitted.add(value);
      return true;
    },
  };
}
