import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { startIssuer, type TestIssuer } from '../test/support/issuer.ts';
import { makeKey, sign } from '../test/support/signing-keys.ts';
import { Child, withChildren } from './child.ts';
import { percentRow } from './compare.ts';
import type { FloodCounts, FloodData, FloodOrder } from './flood.ts';
import { Load } from './load.ts';
import { beside, LIMIT } from './monitoring.ts';
import { race } from './race.ts';
import { modernCall, type CallRequest } from './requests.ts';
import { median, pairedRatio } from './statistics.ts';
import { fewMillis, percentMore, type Row } from './table.ts';

/** What `server.ts` is told with `--issuer`. */
const RESOURCE = 'http://localhost/mcp';
const STATIC = 'a-static-token-0123456789';

const BAD_A_SECOND = 1000;
/** The most that such a flood may slow down a valid call. */
const FLOOD_LIMIT = 1.1;

const withToken = (token: string): CallRequest => {
  const call = modernCall();
  return { ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } };
};

/**
 * The CPU time of calls with a JWT against calls with a static token, and with audit events against without; and how long a valid
 * call takes among tokens that somebody else has signed, of which each costs a signature.
 */
export async function authorization(quick: boolean): Promise<readonly Row[]> {
  const issuer = await startIssuer();
  const start = Child.start('server.ts', 1, `--issuer=${issuer.issuer}`, `--token=${STATIC}`);
  const rows = await withChildren([start], async ([server]): Promise<readonly Row[]> => {
    const [jwt, known] = [withToken(await issuer.token(RESOURCE)), withToken(STATIC)];
    const pair = await race(
      [
        { server, request: jwt },
        { server, request: known },
      ],
      quick ? 300 : 1000,
    );
    return [
      percentRow('`tools/call` of 2026-07-28 with a JWT, against a static token', pair, LIMIT),
      await amongBadTokens(server, jwt, issuer, quick ? 15 : 40),
    ];
  });
  await issuer.stop();
  const [without, audited] = await beside('audited', modernCall(), quick);
  const what = '`tools/call` of 2026-07-28 with audit events in a file, against none';
  return [...rows, percentRow(what, [audited, without])];
}

/** Valid calls one after another, in turns of half a second with bad tokens and without. */
async function amongBadTokens(
  server: Child,
  request: CallRequest,
  issuer: TestIssuer,
  turns: number,
): Promise<Row> {
  const load = new Load(server.url, request, 1);
  await load.open();
  const flood = await Flood.start(server, issuer);
  const turn = async (): Promise<number> => {
    const latencies: number[] = [];
    for (const end = performance.now() + 500; performance.now() < end;) {
      const startedAt = performance.now();
      await load.one();
      latencies.push(performance.now() - startedAt);
      await sleep(2);
    }
    return median(latencies);
  };
  const [among, without]: [number[], number[]] = [[], []];
  for (let round = 0; round < turns; round += 1) {
    without.push(await turn());
    among.push(await flood.during(turn));
  }
  load.close();
  await flood.end();
  const ratio = pairedRatio(among, without);
  return {
    what: `a valid call among ${BAD_A_SECOND} bad tokens a second, against none (time, median)`,
    ours: fewMillis(median(among)),
    reference: fewMillis(median(without)),
    ratio: percentMore(ratio.median),
    interval: `${percentMore(ratio.low)} to ${percentMore(ratio.high)}`,
    aim: `< ${percentMore(FLOOD_LIMIT)}`,
    met: ratio.median < FLOOD_LIMIT,
  };
}

/** Bad tokens: with the right claims and key id, and the signature of another key. */
class Flood {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  static async start({ url }: Child, issuer: TestIssuer): Promise<Flood> {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const claims = { iss: issuer.issuer, aud: RESOURCE, sub: 'eve', client_id: 'flood', exp };
    const token = await sign(await makeKey('first'), claims);
    const workerData: FloodData = { url, token, aSecond: BAD_A_SECOND };
    const thread = new Worker(new URL('flood.ts', import.meta.url), { workerData });
    await once(thread, 'message');
    return new Flood(thread);
  }

  /** Sends them, at a steady pace, while something is done. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#thread.postMessage('go' satisfies FloodOrder);
    const result = await work();
    this.#thread.postMessage('pause' satisfies FloodOrder);
    return result;
  }

  /** Rejects when too many were not refused, as by a server that cut the connections. */
  async end(): Promise<void> {
    this.#thread.postMessage('end' satisfies FloodOrder);
    const [{ sent, refused }] = (await once(this.#thread, 'message')) as [FloodCounts];
    if (refused < 0.9 * sent) throw new Error(`of ${sent} bad tokens ${refused} were refused`);
  }
}
