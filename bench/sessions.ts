import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { openSession, ping } from './requests.ts';
import { median } from './statistics.ts';
import { kibibytes, micros, times, type Row } from './table.ts';

const LIMIT_BYTES = 30 * 1024;
const RESUME_LIMIT_MICROS = 1000;
const CONCURRENCY = 16;

/** What sessions of the 2025 era cost: memory while nothing happens in them, and time where another process goes on with them. */
export const sessions = async (quick: boolean): Promise<readonly Row[]> => {
  const key = join(mkdtempSync(join(tmpdir(), 'bench-')), 'state-key');
  writeFileSync(key, randomBytes(32));
  const start = (): Promise<Child> => Child.start('server.ts', 1, `--state-key=${key}`);
  return withChildren([start(), start()], async ([server, other]) => [
    await memory(server, quick ? 1000 : 10_000),
    ...(await resuming(server, other, quick ? 4 : 10)),
  ]);
};

async function memory(server: Child, count: number): Promise<Row> {
  // What the first sessions load and compile stays, and belongs to none of them.
  await openSessions(server, 200);
  const before = await server.ask('liveBytes');
  await openSessions(server, count);
  const each = ((await server.ask('liveBytes')) - before) / count;
  return {
    what: `memory of an idle session of 2025-11-25, of ${count}`,
    ours: kibibytes(each),
    aim: `< ${kibibytes(LIMIT_BYTES)}`,
    met: each < LIMIT_BYTES,
  };
}

const SESSIONS_A_ROUND = 500;

/** Sessions of one server go on with another: their first request there, and their next. */
async function resuming(server: Child, other: Child, rounds: number): Promise<readonly Row[]> {
  const costs = { opened: [] as number[], first: [] as number[], next: [] as number[] };
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const ids: string[] = [];
    const opened = await cpuMicros(server, async () =>
      ids.push(...(await openSessions(server, SESSIONS_A_ROUND))),
    );
    const first = await cpuMicros(other, () => each(ids, (id) => ping(other, id)));
    const next = await cpuMicros(other, () => each(ids, (id) => ping(other, id)));
    if (round === 0) continue;
    costs.opened.push(opened);
    costs.first.push(first);
    costs.next.push(next);
  }
  const [first, next] = [median(costs.first), median(costs.next)];
  return [
    {
      what: 'CPU time of the first request of a session where another process has opened it, against the next',
      ours: micros(first),
      reference: micros(next),
      ratio: times(first / next),
      aim: `< ${micros(RESUME_LIMIT_MICROS)} more`,
      met: first - next < RESUME_LIMIT_MICROS,
    },
    { what: 'CPU time of initialize and the notification after it', ours: micros(median(costs.opened)) },
  ];
}

/** CPU time of what is done, for each session. */
async function cpuMicros(server: Child, work: () => Promise<unknown>): Promise<number> {
  const before = await server.ask('cpuMicros');
  await work();
  return ((await server.ask('cpuMicros')) - before) / SESSIONS_A_ROUND;
}

async function openSessions(server: Child, count: number): Promise<readonly string[]> {
  const opened: string[] = [];
  await each(Array.from({ length: count }), async () => opened.push(await openSession(server)));
  // What answered the last requests is let go of a moment later.
  await sleep(500);
  return opened;
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    while (left.length > 0) await work(left.pop() as Item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, next));
}
