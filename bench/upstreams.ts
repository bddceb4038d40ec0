import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { firstProgress, REPORTS } from './first-progress.ts';
import { Load } from './load.ts';
import { legacyCall, openSession, type CallRequest } from './requests.ts';
import { median, pairedRatio, quantile } from './statistics.ts';
import { fewMillis, times, type Row } from './table.ts';

/** As many as the servers have that gateways are compared with. */
const TOOLS = 53;
const NAME = 'up';

/** A way to the tool of the upstream. */
interface Way {
  readonly what: string;
  readonly url: string;
  readonly request: CallRequest;
  /** What precedes the names of the upstream's tools. */
  readonly prefix?: string;
  readonly aims?: { readonly addedMillis: number; readonly throughput: number };
}

/** Calls of a server's tool directly, by a bare pass-through, by our relay, and as a tool of our catalogue. */
export const upstreams = (quick: boolean): Promise<readonly Row[]> =>
  withChildren([Child.start('v1-server.ts', TOOLS)], ([upstream]) =>
    withChildren(
      [
        Child.start('pass-through-server.ts', 1, upstream.url),
        Child.start('server.ts', 1, `--upstream=${NAME}=${upstream.url}/mcp`),
      ],
      async ([bare, ours]) => {
        await untilListed(ours);
        const relay = `${ours.url}/servers/${NAME}`;
        const at = async (url: string, path: string, tool?: string): Promise<CallRequest> => ({
          ...legacyCall(await openSession({ url }), tool),
          path,
        });
        const ways: readonly Way[] = [
          { what: 'direct', url: upstream.url, request: await at(upstream.url, '/mcp') },
          { what: 'a bare pass-through in Node', url: bare.url, request: await at(bare.url, '/mcp') },
          {
            what: 'the relay',
            url: ours.url,
            request: await at(relay, `/servers/${NAME}/mcp`),
            aims: { addedMillis: 0.5, throughput: 1 / 2 },
          },
          {
            what: 'the catalogue',
            url: ours.url,
            request: await at(ours.url, '/mcp', `${NAME}_add`),
            prefix: `${NAME}_`,
            aims: { addedMillis: 0.8, throughput: 1 / 3 },
          },
        ];
        return [
          ...(await latencies(ways, quick ? 40 : 200)),
          ...(await paced(ways, quick ? 10 : 20)),
          ...(await throughputs(ways, quick ? 20 : 100)),
          ...(await requestsEach(ways.slice(2), upstream)),
          ...(await firstProgress(
            ways.map(({ prefix = '', aims, ...way }) => ({
              ...way,
              tool: `${prefix}${REPORTS}`,
              isOurs: aims !== undefined,
            })),
          )),
        ];
      },
    ),
  );

/** Waits until our server has the upstream's tools. */
async function untilListed({ url }: Child): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/tools/${NAME}_add`);
    await response.text();
    if (response.ok) return;
    await sleep(50);
  }
}

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
      ...(index > 0 && { reference: fewMillis(direct), ratio: `+${fewMillis(ours - direct)}` }),
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

/** Has each way its turn in each round, there and back again; returns what each wrote into its lane. */
async function inTurns(
  ways: readonly Way[],
  { connections, rounds, warmUp }: { connections: number; rounds: number; warmUp: number },
  turn: (load: Load, lane: number[]) => Promise<void>,
): Promise<readonly (readonly number[])[]> {
  const field = ways.map(({ url, request }) => ({
    load: new Load(url, request, connections),
    lane: [] as number[],
  }));
  for (const { load } of field) await load.open();
  for (let round = 0; round < warmUp; round += 1) for (const { load } of field) await turn(load, []);
  for (let round = 0; round < rounds; round += 1)
    for (const { load, lane } of round % 2 === 0 ? field : field.toReversed()) await turn(load, lane);
  for (const { load } of field) load.close();
  return field.map(({ lane }) => lane);
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

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
