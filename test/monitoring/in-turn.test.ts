import { expect, it } from 'vitest';
import { inTurn } from '../../src/monitoring/metrics/in-turn.ts';
import { stillHeld } from '../support/garbage.ts';

it('what was written for the last scrape is not kept until the next', async () => {
  const write = inTurn(() => Promise.resolve(Buffer.alloc(1000)));
  const written = async (): Promise<WeakRef<Buffer>> => new WeakRef(await write('text'));
  const all = await Promise.all([written(), written()]);
  expect(await stillHeld(all)).toBe(0);
  // It writes on.
  expect((await write('text')).length).toBe(1000);
});
