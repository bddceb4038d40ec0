import type { Definition, Listed } from './definitions.ts';
import { NONE_DROPPED, type DropReason, type Dropped } from './labels.ts';

/** What of an upstream is offered. */
export interface Offering {
  readonly offered: readonly Definition[];
  readonly dropped: Dropped;
  /** The upstream's names of those that should have been offered, as far as they have one. */
  readonly leftOut: readonly string[];
}

/**
 * Decides what is offered of what upstreams list. It depends on what they list alone, and not on who came first: a name belongs
 * to the first upstream in order that lists it, unless it is taken before.
 * @param lists in order; `undefined` for one that has not listed anything yet
 * @param isTaken whether a tool that is no upstream's has a name
 * @param most how many are offered of all together
 */
export function offering(
  lists: readonly (Listed | undefined)[],
  isTaken: (name: string) => boolean,
  most: number,
): readonly Offering[] {
  const names = new Set<string>();
  return lists.map((listed) => {
    if (!listed) return { offered: [], dropped: NONE_DROPPED, leftOut: [] };
    const dropped: Record<DropReason, number> = { ...listed.dropped };
    const leftOut = [...listed.leftOut];
    const offered = listed.definitions.filter(({ ownName, listing: { name } }) => {
      const why = isTaken(name) || names.has(name) ? 'collision' : names.size >= most ? 'limit' : undefined;
      if (why === undefined) names.add(name);
      else {
        dropped[why] += 1;
        leftOut.push(ownName);
      }
      return why === undefined;
    });
    return { offered, dropped, leftOut };
  });
}
