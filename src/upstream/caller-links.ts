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

interface CallerSession {
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
  readonly #sessions = new Map<string, CallerSession>();

  /** @param now monotonic, in seconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Uses the session of a caller, which is opened if there is none. */
  async use<Result>(
    { caller, client }: SessionOwner,
    open: (signal: AbortSignal) => Promise<Link>,
    work: (link: Link) => Promise<Result>,
  ): Promise<Result> {
    this.sweep();
    const session = this.#sessions.get(caller) ?? opened(client, open);
    this.#noteUse(caller, session);
    session.calls += 1;
    let link: Link;
    try {
      link = await session.link;
    } catch (error) {
      this.#forget(caller, session);
      throw error;
    }
    try {
      return await work(link);
    } finally {
      session.calls -= 1;
      if (this.#sessions.get(caller) === session) this.#noteUse(caller, session);
    }
  }

  /** A call in a session begins or ends. */
  #noteUse(caller: string, session: CallerSession): void {
    session.usedAt = this.#now();
    this.#sessions.delete(caller);
    this.#sessions.set(caller, session);
  }

  /** Forgets a session that the upstream does not know any more. */
  async lost(caller: string, link: Link): Promise<void> {
    const session = this.#sessions.get(caller);
    if (!session || (await session.link.catch(() => undefined)) !== link) return;
    this.#forget(caller, session);
    link.stopHearing();
  }

  /** Ends those that are idle for too long, or too many. */
  sweep(): void {
    const before = this.#now() - IDLE_SECONDS;
    for (const [caller, session] of this.#sessions) {
      if (session.usedAt > before) break;
      this.#endIfIdle(caller, session);
    }
    if (this.#sessions.size < MAX_SESSIONS) return;
    for (const [caller, session] of this.#thatGiveWay()) {
      this.#endIfIdle(caller, session);
      if (this.#sessions.size < MAX_SESSIONS) return;
    }
  }

  /** All that no call is made in, of the client that has most first; of one client, the one unused for longest first. */
  #thatGiveWay(): readonly (readonly [string, CallerSession])[] {
    const byClient = Map.groupBy(this.#sessions, ([, { client }]) => client);
    return [...byClient.values()].sort((one, other) => other.length - one.length).flat();
  }

  #endIfIdle(caller: string, session: CallerSession): void {
    if (session.calls > 0) return;
    this.#forget(caller, session);
    void end(session);
  }

  #forget(caller: string, session: CallerSession): void {
    if (this.#sessions.get(caller) === session) this.#sessions.delete(caller);
  }

  /** Ends all. */
  async close(): Promise<void> {
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(all.map(end));
  }
}

const opened = (client: string, open: (signal: AbortSignal) => Promise<Link>): CallerSession => {
  const opening = new AbortController();
  return { client, link: open(opening.signal), opening, usedAt: 0, calls: 0 };
};

const end = async ({ link, opening }: CallerSession): Promise<void> => {
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
    caller.isAnonymous && sessionId !== undefined
      ? `session:${sessionId}`
      : `${caller.id}:${caller.quotaKey}`;
  return { caller: canBeAsked ? `${who}:asked` : who, client: caller.quotaKey, canBeAsked };
}
