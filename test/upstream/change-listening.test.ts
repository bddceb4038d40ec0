import { expect, it } from 'vitest';
import { hearChanges } from '../../src/upstream/change-listening.ts';
import { Fault, ofStatus } from '../../src/upstream/fault.ts';
import { waitFor } from '../support/wait.ts';

/** When each of so many attempts to listen began that meet with a fault, in milliseconds. */
async function attempts(
  count: number,
  fault: Fault,
  pace: { readonly again: number; readonly listAtMost: number },
): Promise<readonly number[]> {
  const at: number[] = [];
  const over = new AbortController();
  const link = {
    listen: () => {
      at.push(performance.now());
      return Promise.reject(fault);
    },
  };
  const heard = hearChanges(link, over.signal, {
    pace: { answer: 1, ...pace },
    random: () => 0,
    missed: () => undefined,
  });
  await waitFor(() => {
    expect(at.length).toBeGreaterThanOrEqual(count);
  });
  over.abort();
  await heard;
  return at.slice(0, count);
}

const pauses = (at: readonly number[]): readonly number[] =>
  at.slice(1).map((time, index) => time - (at[index] ?? time));

/** Timers may be due a moment early. */
const EARLY_MS = 2;

it('an upstream that cannot be listened to is asked for that half as often each time', async () => {
  const fault = new Fault('connection', 'connection refused');
  const waited = pauses(await attempts(4, fault, { again: 0.05, listAtMost: 60 }));
  for (const [index, least] of [50, 100, 200].entries())
    expect(waited[index]).toBeGreaterThan(least - EARLY_MS);
});

it.each([429, 503])('after HTTP %d an upstream is asked when it wants', async (status) => {
  const [waited = 0] = pauses(
    await attempts(2, ofStatus(status, false, 0.3), { again: 0.01, listAtMost: 60 }),
  );
  expect(waited).toBeGreaterThan(300 - EARLY_MS);
});

it('an upstream that wants not to be asked for days is asked as often as its list is read', async () => {
  expect(await attempts(3, ofStatus(429, false, 259_200), { again: 0.01, listAtMost: 0.05 })).toHaveLength(3);
});
