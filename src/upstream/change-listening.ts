import { setTimeout as sleep } from 'node:timers/promises';
import { asFault } from './fault.ts';
import type { Link } from './link.ts';

interface ListeningOptions {
  /** In seconds: for an answer, until it is asked for again, and so long at most. */
  readonly pace: { readonly answer: number; readonly again: number; readonly listAtMost: number };
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told that changes may have been missed: the stream has ended, and is about to be opened again. */
  readonly missed: () => void;
}

/**
 * Hears of changes of the list on a connection until `signal` ends that, or the upstream says that it tells of none: then the list is
 * read now and then. A stream that ends is opened again; one that cannot be had is asked for again, less often each time.
 */
export async function hearChanges(
  link: Pick<Link, 'listen'>,
  signal: AbortSignal,
  { pace, random, missed }: ListeningOptions,
): Promise<void> {
  for (let failures = 0; ;) {
    const fault = await link.listen(signal, pace.answer).then(() => undefined, asFault);
    if (fault?.isFinal === true) return;
    failures = fault ? failures + 1 : 0;
    const pause = Math.max(pace.again * 2 ** Math.max(0, failures - 1), fault?.retryAfter ?? 0);
    // The list is read as often; a fifth more, so that not all replicas ask at once.
    const seconds = Math.min(pause, Math.max(pace.again, pace.listAtMost)) * (1 + random() / 5);
    await sleep(seconds * 1000, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    // What it would have told meanwhile is in the list. A failed attempt does not have that read: the next may fail as well.
    if (!fault) missed();
  }
}
