import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { openSession } from './requests.ts';
import { kibibytes, type Row } from './table.ts';

const LIMIT_BYTES = 30 * 1024;
const CONCURRENCY = 16;

/** The memory that sessions of the 2025 era hold while nothing happens in them. */
export const sessions = (quick: boolean): Promise<readonly Row[]> =>
  withChildren([Child.start('server.ts', 1)], async ([server]) => {
    const count = quick ? 1000 : 10_000;
    // What the first sessions load and compile stays, and belongs to none of them.
    await openSessions(server, 200);
    const before = await server.ask('liveBytes');
    await openSessions(server, count);
    const each = ((await server.ask('liveBytes')) - before) / count;
    return [
      {
        what: `memory of an idle session of 2025-11-25, of ${count}`,
        ours: kibibytes(each),
        aim: `< ${kibibytes(LIMIT_BYTES)}`,
        met: each < LIMIT_BYTES,
      },
    ];
  });

async function openSessions(server: Child, count: number): Promise<void> {
  let left = count;
  const open = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await openSession(server);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, open));
  // What answered the last requests is let go of a moment later.
  await sleep(500);
}
