import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { firstProgress } from './first-progress.ts';
import { lists } from './lists.ts';
import { Load } from './load.ts';
import { median, pairedRatio, quantile } from './statistics.ts';
import { fewMillis, mebibytes, moreMillis, times, type Row } from './table.ts';
import { inTurns, timed } from './turns.ts';
import { NAME, waysTo, type Way } from './ways.ts';

/** As many as the servers have that gateways are compared with. */
const TOOLS = 53;

/** Calls of a server's tool directly, by a bare pass-through, by our relay, and as a tool of our catalogue, of one upstream and of five. */
export const upstreams = (quick: boolean): Promise<readonly Row[]> =>
  withChildren(
    [Child.start('v1-server.ts', TOOLS), Child.start('fleet-server.ts', TOOLS, '4')],
    ([upstream, others]) => {
      const named = [upstream, ...others.urls.map((url) => ({ url }))].map(
        ({ url }, index) => `--upstream=${NAME}${index || ''}=${url}/mcp`,
      );
      return withChildren(
        [
          Child.start('pass-through-server.ts', 1, upstream.url),
          Child.start('server.ts', 1, ...named.slice(0, 1)),
          Child.start('server.ts', 1, ...named),
        ],
        async ([bare, ours, ofFive]) => {
          const ways = await waysTo({ upstream, bare, ours, ofFive });
          const before = await residentBytes([bare, ours, ofFive]);
          const rows = [
            ...(await latencies(ways, quick ? 40 : 200)),
            ...(await paced(ways, quick ? 10 : 20)),
            ...(await throughputs(ways, quick ? 20 : 100)),
            ...(await lists(ways, quick ? 20 : 200)),
            ...(await requestsEach(
              ways.filter(({ aims }) => aims),
              upstream,
            )),
            ...(await firstProgress(ways)),
          ];
          const after = await residentBytes([bare, ours, ofFive]);
          return [...rows, ...memory(before, after)];
        },
      );
    },
  );

const residentBytes = (servers: readonly Child[]): Promise<readonly number[]> =>
  Promise.all(servers.map((server) => server.ask('residentBytes')));

const memory = (before: readonly number[], after: readonly number[]): readonly Row[] =>
  ['a bare pass-through in Node', 'our server', 'our server with five upstreams'].map((what, index) => ({
    what: `memory after all that, against before, ${what}`,
    ours: mebibytes(after[index] ?? Number.NaN),
    reference: mebibytes(before[index] ?? Number.NaN),
  }));

const CALLS_A_TURN = 64;

/** One call at a time, in short turns. */
async function latencies(ways: readonly Way[], rounds: number): Promise<readonly Row[]> {
  const lanes = await inTurns(ways, { connections: 1, rounds, warmUp: 20 }, async (load, lane) => {
    for (let call = 0; call < CALLS_A_TURN; call += 1) lane.push(await timed(() => load.run(1)));
  });
  return comparedWithDirect(ways, lanes, 0.5, 'p50 of a call');
}

const A_SECOND = 200;
const MAX_P99_MILLIS = 3;

/** So many calls a second, in turns of a second. The first turn of each, with which it takes its many connections in, does not count. */
async function paced(ways: readonly Way[], rounds: number): Promise<readonly Row[]> {
  const lanes = await inTurns(ways, { connections: A_SECOND, rounds, warmUp: 1 }, async (load, lane) => {
    const startedAt = performance.now();
    const calls = Array.from({ length: A_SECOND }, async (_, index) => {
      await sleep(Math.max(0, startedAt + (index * 1000) / A_SECOND - performance.now()));
      lane.push(await timed(() => load.one()));
    });
    await Promise.all(calls);
  });
  return ways.map(({ what, aims }, index) => {
    const p99 = quantile(lanes[index] ?? [], 0.99);
    return {
      what: `p99 of a call at ${A_SECOND} a second, ${what}`,
      ours: fewMillis(p99),
      ...(aims && { aim: `< ${MAX_P99_MILLIS} ms`, met: p99 < MAX_P99_MILLIS }),
    };
  });
}

function comparedWithDirect(
  ways: readonly Way[],
  lanes: readonly (readonly number[])[],
  share: number,
  of: string,
): readonly Row[] {
  const [direct = Number.NaN] = lanes.map((lane) => quantile(lane, share));
  return ways.map(({ what, aims }, index) => {
    const ours = quantile(lanes[index] ?? [], share);
    return {
      what: `${of}, ${what}`,
      ours: fewMillis(ours),
      ...(index > 0 && { reference: fewMillis(direct), ratio: moreMillis(ours - direct) }),
      ...(aims && { aim: `≤ +${aims.addedMillis} ms`, met: ours - direct <= aims.addedMillis }),
    };
  });
}

const CALLS_A_SPRINT = 256;

/** As many calls as can be made, 16 at a time. */
async function throughputs(ways: readonly Way[], rounds: number): Promise<readonly Row[]> {
  const lanes = await inTurns(ways, { connections: 16, rounds, warmUp: 10 }, async (load, lane) => {
    const millis = await timed(() => load.run(CALLS_A_SPRINT));
    lane.push((CALLS_A_SPRINT * 1000) / millis);
  });
  const [direct = []] = lanes;
  return ways.map(({ what, aims }, index) => {
    const lane = lanes[index] ?? [];
    const ratio = pairedRatio(lane, direct);
    return {
      what: `calls a second, ${what}`,
      ours: median(lane).toFixed(0),
      ...(index > 0 && {
        reference: median(direct).toFixed(0),
        ratio: times(ratio.median),
        interval: `${times(ratio.low)} to ${times(ratio.high)}`,
      }),
      ...(aims && { aim: `≥ ${times(aims.throughput)}`, met: ratio.median >= aims.throughput }),
    };
  });
}

/** Requests that the upstream gets for each call. */
async function requestsEach(ways: readonly Way[], upstream: Child): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { what, url, request } of ways) {
    const load = new Load(url, request, 1);
    await load.open();
    await upstream.ask('startNoting');
    await load.run(1000);
    const requests = await upstream.ask('requests');
    load.close();
    rows.push({
      what: `upstream requests of 1000 calls, ${what}`,
      ours: String(requests),
      aim: '1000',
      // Now and then it is asked whether it is there.
      met: requests >= 1000 && requests <= 1002,
    });
  }
  return rows;
}
