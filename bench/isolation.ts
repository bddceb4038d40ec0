import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import type { Illness } from './fleet-server.ts';
import { Load } from './load.ts';
import { endSession, listRequest, modernCall, openSession, type CallRequest } from './requests.ts';
import { quantile } from './statistics.ts';
import { fewMillis, kibibytes, times, type Row } from './table.ts';
import { timed } from './turns.ts';

const UPSTREAMS = 20;
const TOOLS_EACH = 50;
const DEADLINE_SECONDS = 2;
const WARM_UP = 1000;
/** How often the state is looked at while calls are measured: a scrape takes from them, too. In milliseconds. */
const LOOK_MS = 1000;
/** A call may be in flight, or a connection closing, when they are counted. */
const MORE_DESCRIPTORS = 4;

/**
 * 20 upstreams of 50 tools, and what it costs everybody else when one of them sleeps, one refuses connections, one resets them in the
 * middle of its answers and one is stopped, while somebody goes on calling each of the four, as before they were ill.
 */
export const isolation = (quick: boolean): Promise<readonly Row[]> =>
  withChildren(
    [
      Child.start('fleet-server.ts', TOOLS_EACH, String(UPSTREAMS - 2)),
      Child.start('fleet-server.ts', TOOLS_EACH, '1'),
      Child.start('fleet-server.ts', TOOLS_EACH, '1'),
      Child.start('server.ts', 1),
      Child.start('server.ts', 1 + UPSTREAMS * TOOLS_EACH),
    ],
    async ([fleet, stopped, refusing, without, own]) => {
      const urls = [...fleet.urls, stopped.url, refusing.url];
      const named = urls.map((url, index) => `--upstream=up${index}=${url}/mcp`);
      const server = await Child.start('server.ts', 1, `--deadline=${DEADLINE_SECONDS}`, ...named);
      await untilAllUp(server);
      const rows = await withServer(server, { fleet, stopped, refusing, without, own }, quick ? 2000 : 6000);
      await server.stop();
      return rows;
    },
  );

interface Fleet {
  readonly fleet: Child;
  readonly stopped: Child;
  readonly refusing: Child;
  readonly without: Child;
  /** Has as many tools of its own. */
  readonly own: Child;
}

async function withServer(
  server: Child,
  { fleet, stopped, refusing, without, own }: Fleet,
  count: number,
): Promise<readonly Row[]> {
  const [sleeper = '', resetter = ''] = fleet.urls;
  // First, since a collection that is asked for throws away what was compiled.
  const each = ((await server.ask('liveBytes')) - (await without.ask('liveBytes'))) / UPSTREAMS;
  const goOn = (): readonly Caller[] =>
    [0, 1, UPSTREAMS - 2, UPSTREAMS - 1].map((index) => goOnCalling(server, index));
  // The same calls as later take from the others before, too. What the server compiles at first would be among the slowest.
  const callersBefore = goOn();
  await measured(server, rounds(WARM_UP));
  const before = await measured(server, rounds(count));
  await Promise.all(callersBefore.map(({ stop }) => stop()));
  const lists = await listsOf([server, own], count / 10);

  await makeIll(sleeper, 'sleeps');
  await makeIll(resetter, 'resets');
  await refusing.stop();
  stopped.freeze('SIGSTOP');
  const stoppedAt = performance.now();
  const noticing = untilState(server, `up${UPSTREAMS - 2}`, ILL, LOOK_MS).then(
    () => performance.now() - stoppedAt,
  );
  const ending = callOf(server, UPSTREAMS - 2);
  const callers = goOn();
  const atOnce = await measured(server, () => performance.now() - stoppedAt >= 1000);
  const during = await measured(server, rounds(count));
  const first = await ending;
  // What the first of them made it compile stays.
  const [bytes, open] = [await server.ask('liveBytes'), await server.ask('openDescriptors')];
  await measured(server, rounds(count));
  const grown = (await server.ask('liveBytes')) - bytes;
  const opened = (await server.ask('openDescriptors')) - open;
  const noticed = await noticing;
  await Promise.all(callers.map(({ stop }) => stop()));
  const shut: number[] = [];
  for (let call = 0; call < 50; call += 1) shut.push(await callOf(server, UPSTREAMS - 2));
  stopped.freeze('SIGCONT');
  const goesOnAt = performance.now();
  await untilState(server, `up${UPSTREAMS - 2}`, ['up']);
  const back = performance.now() - goesOnAt;

  const four = 'while one of 20 upstreams sleeps, one refuses, one resets and one is stopped';
  const compared = (
    what: keyof Measured,
    name: string,
    share: number,
    aim: (ours: number, reference: number) => Partial<Row>,
    [lanes, when] = [during, four],
  ): Row => {
    const [ours, reference] = [quantile(lanes[what], share), quantile(before[what], share)];
    return {
      what: `p${share * 100} of ${name}, ${when}, against before`,
      ours: fewMillis(ours),
      reference: fewMillis(reference),
      ratio: times(ours / reference),
      ...aim(ours, reference),
    };
  };
  const [ofUpstreams = Number.NaN, ofItsOwn = Number.NaN] = lists.map((lane) => quantile(lane, 0.5));
  return [
    {
      what: 'p50 of `tools/list` of 1 000 tools of 20 upstreams, against 1 000 tools of the server itself',
      ours: fewMillis(ofUpstreams),
      reference: fewMillis(ofItsOwn),
      ratio: times(ofUpstreams / ofItsOwn),
      aim: '≤ 1.1×',
      met: ofUpstreams <= 1.1 * ofItsOwn,
    },
    compared('list', NAMES.list, 0.5, (ours) => ({ aim: '< 10 ms', met: ours < 10 })),
    compared('list', NAMES.list, 0.99, (ours) => ({ aim: '< 5 ms', met: ours < 5 })),
    compared('initialize', NAMES.initialize, 0.5, twice),
    compared('call', NAMES.call, 0.5, (ours, reference) => ({
      aim: '≤ +1 ms',
      met: ours - reference <= 1,
    })),
    compared('call', NAMES.call, 0.99, (ours, reference) => ({
      aim: '≤ +1 ms',
      met: ours - reference <= 1,
    })),
    ...(['list', 'initialize', 'call'] as const).map((what) =>
      compared(what, NAMES[what], 0.5, twice, [atOnce, 'in the first second of that']),
    ),
    within('the first call of the stopped upstream ends', first, DEADLINE_SECONDS * 1000 + 200),
    within('a call of it, once that is known', quantile(shut, 0.5), 5),
    within('`mcp_upstream_state` says that the stopped one is not up', noticed, 15_000),
    within('the stopped one is up again after it goes on', back, 5000),
    { what: 'memory of an upstream of 50 tools, its definitions and series included', ours: kibibytes(each) },
    {
      what: 'growth of memory while the four stay ill',
      ours: kibibytes(grown),
      aim: '< 1024 KiB',
      met: grown < 1_048_576,
    },
    {
      what: 'files and sockets that were opened while the four stay ill',
      ours: String(opened),
      aim: `≤ ${MORE_DESCRIPTORS}`,
      met: opened <= MORE_DESCRIPTORS,
    },
  ];
}

const twice = (ours: number, reference: number): Partial<Row> => ({
  aim: '≤ 2×',
  met: ours <= 2 * reference,
});

const within = (what: string, millis: number, limit: number): Row => ({
  what,
  ours: fewMillis(millis),
  aim: `≤ ${limit} ms`,
  met: millis <= limit,
});

interface Measured {
  readonly list: readonly number[];
  readonly call: readonly number[];
  readonly initialize: readonly number[];
}

const NAMES: Readonly<Record<keyof Measured, string>> = {
  list: '`tools/list` of 1 000 tools',
  call: 'a call of another upstream',
  initialize: '`initialize`',
};

const rounds =
  (count: number) =>
  (round: number): boolean =>
    round >= count;

/** One request at a time, of each kind in turn, until it is over. */
async function measured(server: Child, isOver: (round: number) => boolean): Promise<Measured> {
  const healthy = callRequest(Math.trunc(UPSTREAMS / 2));
  const loads = { list: new Load(server.url, listRequest, 1), call: new Load(server.url, healthy, 1) };
  const lanes = { list: [] as number[], call: [] as number[], initialize: [] as number[] };
  await loads.list.open();
  await loads.call.open();
  for (let round = 0; !isOver(round); round += 1) {
    lanes.call.push(await timed(() => loads.call.run(1)));
    if (round % 4 === 0) lanes.list.push(await timed(() => loads.list.run(1)));
    if (round % 20 !== 0) continue;
    let session = '';
    const open = async (): Promise<void> => {
      session = await openSession(server);
    };
    lanes.initialize.push(await timed(open));
    await endSession(server, session);
  }
  loads.list.close();
  loads.call.close();
  return lanes;
}

/** How long lists of the servers take, in turn. */
async function listsOf(servers: readonly Child[], count: number): Promise<readonly (readonly number[])[]> {
  const field = servers.map(({ url }) => ({ load: new Load(url, listRequest, 1), lane: [] as number[] }));
  for (const { load } of field) await load.open();
  for (let round = 0; round < WARM_UP / 10 + count; round += 1)
    for (const { load, lane } of field) lane.push(await timed(() => load.run(1)));
  for (const { load } of field) load.close();
  return field.map(({ lane }) => lane.slice(WARM_UP / 10));
}

const callRequest = (upstream: number): CallRequest => ({
  ...modernCall(`up${upstream}_add`),
  expected: '"text":"8"',
});

const makeIll = async (url: string, illness: Illness): Promise<void> => {
  await fetch(url, { method: 'PUT', body: illness });
};

/** Makes a call, however it ends; returns how long it took. */
const callOf = (server: Child, upstream: number): Promise<number> =>
  timed(async () => {
    const response = await fetch(`${server.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tool_name: `up${upstream}_add`, arguments: { a: 5, b: 3 } }),
    });
    await response.arrayBuffer();
  });

interface Caller {
  /** Resolves once its last call has ended. */
  readonly stop: () => Promise<void>;
}

/** Calls an upstream again and again, ten times a second where it answers at once. */
function goOnCalling(server: Child, upstream: number): Caller {
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      await callOf(server, upstream);
      await sleep(100);
    }
  };
  const done = work();
  return {
    stop: () => {
      isOver = true;
      return done;
    },
  };
}

async function upstreamStates(server: Child): Promise<ReadonlyMap<string, string>> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return new Map(
    [...metrics.matchAll(/^mcp_upstream_state\{upstream="(\w+)",state="(\w+)"\} 1$/gm)].map(
      ([, name = '', state = '']) => [name, state],
    ),
  );
}

/** What an upstream is in when it does not answer. */
const ILL = ['open', 'down'];

async function untilAllUp(server: Child): Promise<void> {
  for (;;) {
    const states = [...(await upstreamStates(server)).values()];
    if (states.length === UPSTREAMS && states.every((state) => state === 'up')) return;
    await sleep(100);
  }
}

async function untilState(
  server: Child,
  name: string,
  states: readonly string[],
  lookMs = 50,
): Promise<void> {
  while (!states.includes((await upstreamStates(server)).get(name) ?? '')) await sleep(lookMs);
}
