import type { Link } from './link.ts';
import { END_SECONDS } from './supervisor.ts';

/** Sessions with one upstream at a time, and how long an unused one is kept, in seconds. */
const MAX_SESSIONS = 256;
const IDLE_SECONDS = 600;

interface Held {
  readonly link: Promise<Link>;
  /** Gives it up while it is being opened. */
  readonly opening: AbortController;
  usedAt: number;
  calls: number;
}

/**
 * The sessions that callers have with an upstream that keeps something for each session: one for each caller, so that none sees what
 * another left there. The one that was not used for longest gives way.
 */
export class CallerLinks {
  readonly #now: () => number;
  /** The one used last comes last. */
  readonly #held = new Map<string, Held>();

  /** @param now monotonic, in seconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Uses the session of a caller, which is opened if there is none. */
  async use<Result>(
    caller: string,
    open: (signal: AbortSignal) => Promise<Link>,
    work: (link: Link) => Promise<Result>,
  ): Promise<Result> {
    this.sweep();
    const held = this.#held.get(caller) ?? opened(open);
    this.#held.delete(caller);
    this.#held.set(caller, held);
    held.usedAt = this.#now();
    held.calls += 1;
    let link: Link;
    try {
      link = await held.link;
    } catch (error) {
      this.#forget(caller, held);
      throw error;
    }
    try {
      return await work(link);
    } finally {
      held.calls -= 1;
      held.usedAt = this.#now();
    }
  }

  /** Forgets a session that the upstream does not know any more. */
  async lost(caller: string, link: Link): Promise<void> {
    const held = this.#held.get(caller);
    if (held && (await held.link.catch(() => undefined)) === link) this.#forget(caller, held);
  }

  /** Ends those that are idle for too long, or too many. */
  sweep(): void {
    const before = this.#now() - IDLE_SECONDS;
    for (const [caller, held] of this.#held) {
      const isOver = held.usedAt <= before || this.#held.size > MAX_SESSIONS - 1;
      if (!isOver) return;
      if (held.calls > 0) continue;
      this.#forget(caller, held);
      void end(held);
    }
  }

  #forget(caller: string, held: Held): void {
    if (this.#held.get(caller) === held) this.#held.delete(caller);
  }

  /** Ends all. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map(end));
  }
}

const opened = (open: (signal: AbortSignal) => Promise<Link>): Held => {
  const opening = new AbortController();
  return { link: open(opening.signal), opening, usedAt: 0, calls: 0 };
};

const end = async ({ link, opening }: Held): Promise<void> => {
  opening.abort();
  await (await link.catch(() => undefined))?.close(END_SECONDS);
};
