import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Has all garbage of this process collected, now. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Megabytes in use that no collection gives back. */
export async function keptMegabytes(): Promise<number> {
  // What waits for a turn, such as the end of a connection, may hold some more.
  for (let turn = 0; turn < 2; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** How many of the objects something holds, beyond this turn of the event loop; a number, since a list would hold them. */
export async function stillHeld(all: readonly WeakRef<object>[]): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return all.filter((reference) => reference.deref() !== undefined).length;
}
