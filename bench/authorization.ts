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
import { fewMicros, fewMillis, percentMore, type Row } from './table.ts';

/** What `server.ts` is told with `--issuer`. */
const RESOURCE = 'http://localhost/mcp';
const STATIC = 'a-static-token-0123456789';

const BAD_A_SECOND = 1000;
/** The most that such a flood may slow down a valid call. */
const FLOOD_LIMIT = 1.1;

/** What most issuers sign with by default, and what many others use. */
const ALGORITHMS = ['RS256', 'ES256'] as const;

/** Which bad tokens are sent. */
interface Kind {
  /** Of their signatures. */
  readonly algorithm: (typeof ALGORITHMS)[number];
  /** Whether no token comes twice. */
  readonly changing: boolean;
}

const withToken = (token: string): CallRequest => {
  const call = modernCall();
  return { ...call, headers: { ...call.headers, authorization: `Bearer ${token}` } };
};

/**
 * The CPU time of calls with a JWT against calls with a static token, and with audit events against without; and how long a valid
 * call takes among tokens that somebody else has signed, of which each new one costs a signature.
 */
export async function authorization(quick: boolean): Promise<readonly Row[]> {
  const issuer = await startIssuer();
  issuer.keys = await Promise.all(ALGORITHMS.map((algorithm) => makeKey(algorithm, algorithm)));
  const ours = Child.start('server.ts', 1, `--issuer=${issuer.issuer}`, `--token=${STATIC}`);
  const rows = await withChildren([ours, Child.start('express-server.ts', 1)], async ([server, other]) => {
    const [jwt, known] = [withToken(await issuer.token(RESOURCE)), withToken(STATIC)];
    const pair = await race(
      [
        { server, request: jwt },
        { server, request: known },
      ],
      quick ? 300 : 1000,
    );
    const turns = quick ? 15 : 40;
    const among = (at: Child, kind: Kind, which: string, limit?: number): Promise<Row> =>
      Flood.use(at, issuer, kind, (flood) => amongBadTokens(server, jwt, { turns, flood, which, limit }));
    const costOf = (kind: Kind): Promise<string> =>
      Flood.use(server, issuer, kind, async (flood) => fewMicros(await cpuOf(flood, server)));
    const same: Kind = { algorithm: 'RS256', changing: false };
    const rows = [
      percentRow('`tools/call` of 2026-07-28 with a JWT, against a static token', pair, LIMIT),
      await among(server, same, 'the same each time', FLOOD_LIMIT),
      await among(other, same, 'at another server of this machine'),
    ];
    for (const algorithm of ALGORITHMS) {
      const kind = { algorithm, changing: true };
      rows.push(await among(server, kind, `another each time (${algorithm})`, FLOOD_LIMIT), {
        what: `a bad token that came before, against a new one (${algorithm}, CPU time)`,
        ours: await costOf(same),
        reference: await costOf(kind),
      });
    }
    return rows;
  });
  await issuer.stop();
  const [without, audited] = await beside('audited', modernCall(), quick);
  const what = '`tools/call` of 2026-07-28 with audit events in a file, against none';
  return [...rows, percentRow(what, [audited, without])];
}

interface Among {
  readonly turns: number;
  readonly flood: Flood;
  /** Of which bad tokens. */
  readonly which: string;
  /** How many times as long calls may take; missing where there is no aim. */
  readonly limit: number | undefined;
}

/** Valid calls one after another, in turns of half a second with bad tokens and without. */
async function amongBadTokens(
  server: Child,
  request: CallRequest,
  { turns, flood, which, limit }: Among,
): Promise<Row> {
  const load = new Load(server.url, request, 1);
  await load.open();
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
  const ratio = pairedRatio(among, without);
  return {
    what: `a valid call among ${BAD_A_SECOND} bad tokens a second, ${which}, against none (time, median)`,
    ours: fewMillis(median(among)),
    reference: fewMillis(median(without)),
    ratio: percentMore(ratio.median),
    interval: `${percentMore(ratio.low)} to ${percentMore(ratio.high)}`,
    ...(limit !== undefined && { aim: `< ${percentMore(limit)}`, met: ratio.median < limit }),
  };
}

const ALONE_SECONDS = 3;

/** What a request of a flood costs the server, in microseconds. */
async function cpuOf(flood: Flood, server: Child): Promise<number> {
  const before = await server.ask('cpuMicros');
  await flood.during(() => sleep(ALONE_SECONDS * 1000));
  return ((await server.ask('cpuMicros')) - before) / (ALONE_SECONDS * BAD_A_SECOND);
}

/** Bad tokens: with the right claims and key id, and the signature of another key. */
class Flood {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /** Floods a server while something is done with it. Rejects when too many were not refused, as by a server that cut the connections. */
  static async use<Result>(
    { url }: Child,
    issuer: TestIssuer,
    { algorithm, changing }: Kind,
    use: (flood: Flood) => Promise<Result>,
  ): Promise<Result> {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const claims = { iss: issuer.issuer, aud: RESOURCE, sub: 'eve', client_id: 'flood', exp };
    const token = await sign(await makeKey(algorithm, algorithm), claims);
    const workerData: FloodData = { url, token, changing, aSecond: BAD_A_SECOND };
    const thread = new Worker(new URL('flood.ts', import.meta.url), { workerData });
    await once(thread, 'message');
    const result = await use(new Flood(thread));
    thread.postMessage('end' satisfies FloodOrder);
    const [{ sent, refused }] = (await once(thread, 'message')) as [FloodCounts];
    if (refused < 0.9 * sent) throw new Error(`of ${sent} bad tokens ${refused} were refused`);
    return result;
  }

  /** Sends them, at a steady pace, while something is done. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#thread.postMessage('go' satisfies FloodOrder);
    const result = await work();
    this.#thread.postMessage('pause' satisfies FloodOrder);
    return result;
  }
}
