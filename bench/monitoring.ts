import { Child, withChildren } from './child.ts';
import { race, type Lane } from './race.ts';
import { modernCall, restCall, type CallRequest } from './requests.ts';
import { median, pairedRatio, quantile } from './statistics.ts';
import type { Row } from './table.ts';

/** The most that observing a call may cost of it. */
export const LIMIT = 1.03;

/**
 * The CPU time of calls with and without monitoring. A few percent are less than two processes of the same program
 * may differ by, so several pairs are compared; and what a neighbour on the machine adds to some rounds is left out
 * by taking each server's lower quartile.
 */
export async function monitoring(quick: boolean): Promise<readonly Row[]> {
  const rest: Pair[] = [];
  const mcp: Pair[] = [];
  for (let pair = 0; pair < (quick ? 1 : 4); pair += 1) {
    await withChildren(
      [Child.start('server.ts', 1), Child.start('server.ts', 1, '--unmonitored')],
      async ([on, off]) => {
        rest.push(await raceOf(on, off, restCall, quick));
        mcp.push(await raceOf(on, off, modernCall(), quick));
      },
    );
  }
  return [
    ...percentRows('`POST /execute`, with monitoring, against without', rest, LIMIT),
    ...percentRows('`tools/call` of 2026-07-28, with monitoring, against without', mcp, LIMIT),
  ];
}

type Pair = readonly [on: Lane, off: Lane];

const raceOf = (on: Child, off: Child, request: CallRequest, quick: boolean): Promise<Pair> =>
  race(
    [
      { server: on, request },
      { server: off, request },
    ],
    { rounds: quick ? 6 : 24, seconds: 0.2 },
  );

/** Rows on what the first of each pair costs more than the second. */
export function percentRows(what: string, pairs: readonly Pair[], limit?: number): readonly Row[] {
  const cpu = pairs.map(
    ([on, off]) => [quantile(on.cpuMicros, 0.25), quantile(off.cpuMicros, 0.25)] as const,
  );
  const cpuRatio = median(cpu.map(([on, off]) => on / off));
  const rateRatio = median(pairs.map(([on, off]) => pairedRatio(off.callsPerSecond, on.callsPerSecond)));
  const rate = (index: 0 | 1): string =>
    `${median(pairs.map((pair) => median(pair[index].callsPerSecond))).toFixed(0)}/s`;
  return [
    {
      what: `${what}: CPU time a call`,
      ours: `${median(cpu.map(([on]) => on)).toFixed(1)} µs`,
      reference: `${median(cpu.map(([, off]) => off)).toFixed(1)} µs`,
      ratio: percentMore(cpuRatio),
      ...(limit !== undefined && { aim: `< ${percentMore(limit)}`, met: cpuRatio < limit }),
    },
    {
      what: `${what}: time a call at full load`,
      ours: rate(0),
      reference: rate(1),
      ratio: percentMore(rateRatio),
    },
  ];
}

const percentMore = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;
