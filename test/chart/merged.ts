import { isDeepStrictEqual } from 'node:util';
import type { Values } from './helm.ts';

/** Values with all of these in them, with lists one after the other. Throws where two contradict each other. */
export const merged = (all: readonly Values[]): Values =>
  all.reduce<Values>((values, more) => mergeOf(values, more, 'values') as Values, {});

function mergeOf(one: unknown, other: unknown, path: string): unknown {
  if (Array.isArray(one) && Array.isArray(other)) return [...(one as unknown[]), ...(other as unknown[])];
  if (isSection(one) && isSection(other)) {
    const both = Object.keys(one).filter((name) => name in other);
    const inBoth = both.map((name) => [name, mergeOf(one[name], other[name], `${path}.${name}`)]);
    return { ...one, ...other, ...(Object.fromEntries(inBoth) as Values) };
  }
  if (!isDeepStrictEqual(one, other)) throw new Error(`two contradict each other at ${path}`);
  return one;
}

const isSection = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
