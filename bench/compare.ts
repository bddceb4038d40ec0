import type { Lane } from './race.ts';
import { median, pairedRatio } from './statistics.ts';
import { fewMicros, percentMore, times, type Row } from './table.ts';

/** What two contenders did in the same rounds; lanes of other processes of the same programs may be put one after another. */
export type Pair = readonly [ours: Lane, reference: Lane];

/**
 * Compares two lanes by the CPU time of a call.
 * @param atLeast how many times faster ours should be, if there is an aim
 */
export function timesRow(what: string, [ours, reference]: Pair, atLeast?: number): Row {
  const ratio = pairedRatio(reference, ours);
  return {
    what,
    ours: fewMicros(median(ours)),
    reference: fewMicros(median(reference)),
    ratio: times(ratio.median),
    interval: `${times(ratio.low)} to ${times(ratio.high)}`,
    ...(atLeast !== undefined && { aim: `≥ ${times(atLeast)}`, met: ratio.median >= atLeast }),
  };
}

/**
 * The same of two that differ by little.
 * @param limit how many times the reference ours should stay below
 */
export function percentRow(what: string, [ours, reference]: Pair, limit?: number): Row {
  const ratio = pairedRatio(ours, reference);
  return {
    what,
    ours: fewMicros(median(ours)),
    reference: fewMicros(median(reference)),
    ratio: percentMore(ratio.median),
    interval: `${percentMore(ratio.low)} to ${percentMore(ratio.high)}`,
    ...(limit !== undefined && { aim: `< ${percentMore(limit)}`, met: ratio.median < limit }),
  };
}

/** Puts pairs of lanes one after another. */
export const joined = (pairs: readonly Pair[]): Pair => [
  pairs.flatMap(([ours]) => ours),
  pairs.flatMap(([, reference]) => reference),
];
