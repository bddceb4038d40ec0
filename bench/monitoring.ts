import { Child, withChildren } from './child.ts';
import { joined, percentRow, type Pair } from './compare.ts';
import { race } from './race.ts';
import { modernCall, restCall, type CallRequest } from './requests.ts';
import type { Row } from './table.ts';

/** The most that observing a call may cost of it. */
export const LIMIT = 1.03;

const CALLS = { '`POST /execute`': restCall, '`tools/call` of 2026-07-28': modernCall() };

/** The CPU time of calls with monitoring and without; and that of calls with and with, which is what the measurement is worth. */
export async function monitoring(quick: boolean): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [what, request] of Object.entries(CALLS)) {
    rows.push(
      percentRow(
        `${what}, with monitoring, against without`,
        await beside('unmonitored', request, quick),
        LIMIT,
      ),
      percentRow(`${what}, against the same`, await beside('same', request, quick)),
    );
  }
  return rows;
}

/** Races a server against the second one that `server.ts` opens in the same process; in several processes, one after another. */
export async function beside(
  second: 'same' | 'unmonitored' | 'untaken' | 'audited',
  request: CallRequest,
  quick: boolean,
): Promise<Pair> {
  const pairs: Pair[] = [];
  for (let processes = 0; processes < (quick ? 1 : 3); processes += 1) {
    const start = Child.start('server.ts', 1, `--beside=${second}`);
    const raceIn = ([server]: [Child]) =>
      race(
        [
          { server, request },
          { server, request, url: server.urls[1] },
        ],
        quick ? 300 : 500,
      );
    pairs.push(await withChildren([start], raceIn));
  }
  return joined(pairs);
}
