import { endSession, listIn, openSession } from './requests.ts';
import { quantile } from './statistics.ts';
import { fewMillis, type Row } from './table.ts';
import { inTurns, timed } from './turns.ts';
import type { Way } from './ways.ts';

/** How long lists of tools take, and opening a session, by each way. */
export async function lists(ways: readonly Way[], rounds: number): Promise<readonly Row[]> {
  const listing = ways.map((way) => ({ ...way, request: listIn(way.request) }));
  const lanes = await inTurns(listing, { connections: 1, rounds, warmUp: 20 }, async (load, lane) => {
    lane.push(await timed(() => load.run(1)));
  });
  const sessions = ways.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, way] of ways.entries()) sessions[index]?.push(await opening(way));
  return [...median('`tools/list`', ways, lanes), ...median('`initialize`', ways, sessions)];
}

const median = (of: string, ways: readonly Way[], lanes: readonly (readonly number[])[]): readonly Row[] => {
  const [direct = Number.NaN, ...others] = lanes.map((lane) => quantile(lane, 0.5));
  return ways.map(({ what }, index) => ({
    what: `p50 of ${of}, ${what}`,
    ours: fewMillis(others[index - 1] ?? direct),
    ...(index > 0 && { reference: fewMillis(direct) }),
  }));
};

async function opening({ url, request: { path } }: Way): Promise<number> {
  const at = { url: url + path.slice(0, -'/mcp'.length) };
  let session = '';
  const millis = await timed(async () => {
    session = await openSession(at);
  });
  await endSession(at, session);
  return millis;
}
