import type { Values } from './helm.ts';

/** Values with all of these in them. Throws where two of them contradict each other. */
export const merged = (all: readonly Values[]): Values =>
  all.reduce<Values>((values, more) => mergeOf(values, more, ''), {});

function mergeOf(one: Values, other: Values, above: string): Values {
  const both = Object.keys(one).filter((name) => name in other);
  const inBoth = both.map((name): [string, Values] => {
    const path = `${above}${name}`;
    const [part, more] = [one[name], other[name]];
    if (!isSection(part) || !isSection(more)) throw new Error(`${path} is there twice`);
    return [name, mergeOf(part, more, `${path}.`)];
  });
  return { ...one, ...other, ...Object.fromEntries(inBoth) };
}

const isSection = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
