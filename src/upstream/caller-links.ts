import type { ToolCall } from '../tools/call.ts';
import type { Link } from './link.ts';
import { END_SECONDS } from './supervisor.ts';

/** Sessions with one upstream at a time, and how long an unused one is kept, in seconds. */
export const MAX_SESSIONS = 256;
const IDLE_SECONDS = 600;

/** Who shares a session, and which client that is of: one that has many sessions with us may have many there. */
export interface SessionOwner {
  readonly caller: string;
  readonly client: string;
}

/** Whose a call is. */
export interface CallOwner extends SessionOwner {
  /** Whether what the upstream asks in the middle of the call can be put to the client: an upstream learns that once a session. */
  readonly canBeAsked: boolean;
}

interface Held {
  readonly client: string;
  readonly link: Promise<Link>;
  /** Gives it up while it is being opened. */
  readonly opening: AbortController;
  usedAt: number;
  calls: number;
}

/**
 * The sessions that callers have with an upstream that keeps something for each session: one for each caller, so that none sees what
 * another left there. Where there are too many, the client that has most gives way, with the one that it has not used for longest.
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
    { caller, client }: SessionOwner,
    open: (signal: AbortSignal) => Promise<Link>,
    work: (link: Link) => Promise<Result>,
  ): Promise<Result> {
    this.sweep();
    const held = this.#held.get(caller) ?? opened(client, open);
    this.#noteUse(caller, held);
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
      if (this.#held.get(caller) === held) this.#noteUse(caller, held);
    }
  }

  /** A call in a session begins or ends. */
  #noteUse(caller: string, held: Held): void {
    held.usedAt = this.#now();
    this.#held.delete(caller);
    this.#held.set(caller, held);
  }

  /** Forgets a session that the upstream does not know any more. */
  async lost(caller: string, link: Link): Promise<void> {
    const held = this.#held.get(caller);
    if (!held || (await held.link.catch(() => undefined)) !== link) return;
    this.#forget(caller, held);
    link.stopHearing();
  }

  /** Ends those that are idle for too long, or too many. */
  sweep(): void {
    const before = this.#now() - IDLE_SECONDS;
    for (const [caller, held] of this.#held) {
      if (held.usedAt > before) break;
      this.#endIfIdle(caller, held);
    }
    if (this.#held.size < MAX_SESSIONS) return;
    for (const [caller, held] of this.#thatGiveWay()) {
      this.#endIfIdle(caller, held);
      if (this.#held.size < MAX_SESSIONS) return;
    }
  }

  /** All that no call is made in, of the client that has most first; of one client, the one unused for longest first. */
  #thatGiveWay(): readonly (readonly [string, Held])[] {
    const byClient = Map.groupBy(this.#held, ([, { client }]) => client);
    return [...byClient.values()].sort((one, other) => other.length - one.length).flat();
  }

  #endIfIdle(caller: string, held: Held): void {
    if (held.calls > 0) return;
    this.#forget(caller, held);
    void end(held);
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

const opened = (client: string, open: (signal: AbortSignal) => Promise<Link>): Held => {
  const opening = new AbortController();
  return { client, link: open(opening.signal), opening, usedAt: 0, calls: 0 };
};

const end = async ({ link, opening }: Held): Promise<void> => {
  opening.abort();
  await (await link.catch(() => undefined))?.close(END_SECONDS);
};

/**
 * Which upstream session a call uses: one for each caller with a token; of anonymous callers one for each MCP session, or for each
 * address where there is none. Calls whose client can be asked use another.
 */
export function ownerOf({ caller, sessionId, canElicit, ask, comesBack }: ToolCall): CallOwner {
  const canBeAsked = canElicit && (ask !== undefined || comesBack === true);
  const who =
    caller.id !== caller.quotaKey && sessionId !== undefined
      ? `session:${sessionId}`
      : `${caller.id}:${caller.quotaKey}`;
  return { caller: canBeAsked ? `${who}:asked` : who, client: caller.quotaKey, canBeAsked };
}
