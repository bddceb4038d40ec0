import type { SessionCloseReason } from '../monitoring/metrics/labels.ts';
import { LiveSessions, type SessionRecorder } from '../monitoring/live-sessions.ts';
import type { Session } from './session.ts';

interface Entry {
  readonly session: Session;
  readonly end: ReturnType<LiveSessions['begin']>;
}

export interface SessionTableOptions {
  /** Most sessions at a time. */
  readonly max: number;
  /** Time after which a session that nobody uses is let go. */
  readonly idleSeconds: number;
  readonly recorder: SessionRecorder;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/** The longest that a client is told to wait for a place, in seconds: nobody knows when streams end. */
const MAX_WAIT_SECONDS = 60;

/**
 * The sessions that this process holds, by id: a cache, because whoever has the key can resume one. Each is held from its
 * `initialize`, or since it was resumed, until it is deleted, gives its place to another, is let go as idle or too old, or the
 * server stops.
 */
export class SessionTable {
  readonly #options: SessionTableOptions;
  /** The first has been left unused for the longest time. */
  readonly #sessions = new Map<string, Entry>();
  /** The one that was used last, and is the last already. */
  #newest: string | undefined;
  readonly #live: LiveSessions;
  readonly #sweeper: NodeJS.Timeout;
  #reserved = 0;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#live = new LiveSessions(options.recorder, options.now);
    const everyMs = Math.min(Math.max((options.idleSeconds * 1000) / 4, 100), 60_000);
    this.#sweeper = setInterval(() => {
      this.sweep();
    }, everyMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id)?.session;
  }

  /**
   * Keeps a place for a session that may be added; when all are taken, the session that nobody has used for the longest time
   * gives way.
   * @returns what gives the place up, which is also called once the session has taken it; `undefined` when all are in use
   */
  reserve(): (() => void) | undefined {
    if (this.#sessions.size + this.#reserved >= this.#options.max && !this.#evict()) return undefined;
    let places = 1;
    this.#reserved += places;
    return () => {
      this.#reserved -= places;
      places = 0;
    };
  }

  #evict(): boolean {
    for (const { session } of this.#sessions.values()) {
      if (!session.canGiveWay) continue;
      void this.remove(session, 'evicted');
      return true;
    }
    return false;
  }

  /** Time after which one that is in use now will not be, as far as can be said; whole seconds, 60 at most. */
  get waitSeconds(): number {
    if (this.#reserved > 0) return 1;
    const waits = [...this.#sessions.values()].map(({ session }) => session.busySeconds);
    return Math.max(1, Math.ceil(Math.min(MAX_WAIT_SECONDS, ...waits)));
  }

  /** @param isResumed whether it was begun elsewhere, or here before */
  add(session: Session, isResumed: boolean): void {
    this.#sessions.set(session.id, { session, end: this.#live.begin('http', isResumed) });
    this.#newest = session.id;
  }

  each(visit: (session: Session) => void): void {
    for (const { session } of this.#sessions.values()) visit(session);
  }

  /** Says that a session is used. */
  touch(id: string): void {
    if (id === this.#newest) return;
    const entry = this.#sessions.get(id);
    if (!entry) return;
    this.#sessions.delete(id);
    this.#sessions.set(id, entry);
    this.#newest = id;
  }

  /** Takes a session out and closes it; does nothing for one that is out. */
  async remove(session: Session, reason: SessionCloseReason): Promise<void> {
    const entry = this.#sessions.get(session.id);
    if (entry?.session !== session) return;
    // Out of the table first: closing the transport may call back here.
    this.#sessions.delete(session.id);
    entry.end({ reason, protocolVersion: session.revision });
    if (reason === 'shutdown') await session.refuseInFlight('The server is shutting down; try again');
    await session.close();
  }

  /** Lets sessions go that have been idle too long, without an open stream or call and a request for a while, or are too old. */
  sweep(): void {
    const idleSince = this.#options.now() - this.#options.idleSeconds;
    for (const { session } of this.#sessions.values()) {
      if (session.isIdleSince(idleSince)) void this.remove(session, 'idle');
      else if (session.isTooOld && !session.runsCalls) void this.remove(session, 'expired');
    }
  }

  /** Closes all sessions; resolves when they are closed. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#sessions.values()].map(({ session }) => this.remove(session, 'shutdown')));
  }
}
