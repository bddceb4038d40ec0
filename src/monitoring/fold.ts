import { domainOf, type Declaration, type Domain } from './declaration.ts';

/** The labels of one series. */
export type Series = Record<string, string>;

/** Label values as they are given: by programs, or out of requests. */
export type Given = Readonly<Record<string, string | undefined>>;

/** Longer values become what values that were not declared do, unless they are listed. */
const MAX_VALUE_LENGTH = 128;

/**
 * Holds label values to what was declared, so that no data can make more series than that.
 * @param folded told of each label whose value had to become another
 */
export function foldInto(
  { labels, also = {} }: Declaration,
  folded: (label: string) => void = () => undefined,
): (given: Given) => Series {
  const guards = Object.keys(labels).map((label) => {
    const domains = [labels[label], also[label]].flatMap((values) => (values ? [domainOf(values)] : []));
    return { label, admit: admitterOf(domains) };
  });
  // Where the types let nothing else pass, nothing is looked at.
  if (guards.length > 0 && guards.every(({ admit }) => !admit)) return (given) => given as Series;
  return (given) => {
    const series: Series = {};
    for (const { label, admit } of guards) {
      const value = given[label];
      if (!admit) {
        if (value !== undefined) series[label] = value;
        continue;
      }
      const admitted = admit(value);
      if (admitted === undefined) continue;
      if (admitted !== String(value)) folded(label);
      series[label] = admitted;
    }
    return series;
  };
}

/** Says what a label's values become; `undefined` where all may stay. */
function admitterOf(
  domains: readonly Domain[],
): ((value: string | undefined) => string | undefined) | undefined {
  const rest = domains.find((domain) => domain.rest !== undefined)?.rest;
  if (rest === undefined) return undefined;
  const isOptional = domains.some(({ optional }) => optional);
  const admitted = new Set(domains.flatMap(({ values }) => values));
  const room = admitted.size + Math.max(...domains.map(({ more = 0 }) => more));
  return (given) => {
    if (given === undefined && isOptional) return undefined;
    const value = String(given);
    if (admitted.has(value)) return value;
    if (admitted.size >= room || value.length > MAX_VALUE_LENGTH) return rest;
    admitted.add(value);
    return value;
  };
}
