import type { SessionCloseReason } from '../monitoring/metrics/labels.ts';
import { LiveSessions } from '../monitoring/live-sessions.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';
import type { Session } from './session.ts';

interface Entry {
  readonly session: Session;
  readonly end: ReturnType<LiveSessions['begin']>;
}

export interface SessionTableOptions {
  /** Most sessions at a time. */
  readonly max: number;
  /** Time after which a session that nobody uses is closed. */
  readonly idleSeconds: number;
  readonly recorder: Pick<Recorder, 'sessionOpened' | 'sessionClosed'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/**
 * The sessions there are, by id: every one from its `initialize` until it is deleted, swept as idle, or the server stops.
 */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, Entry>();
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
   * Keeps a place for a session that may be opened.
   * @returns what gives the place up, which is also called once the session has taken it; `undefined` when all are taken
   */
  reserve(): (() => void) | undefined {
    if (this.#sessions.size + this.#reserved >= this.#options.max) return undefined;
    let places = 1;
    this.#reserved += places;
    return () => {
      this.#reserved -= places;
      places = 0;
    };
  }

  add(session: Session): void {
    this.#sessions.set(session.id, { session, end: this.#live.begin('http') });
  }

  /** Takes a session out and closes it; does nothing for one that is out. */
  async remove(session: Session, reason: SessionCloseReason): Promise<void> {
    const entry = this.#sessions.get(session.id);
    if (!entry) return;
    // Out of the table first: closing the transport may call back here.
    this.#sessions.delete(session.id);
    entry.end({ reason, protocolVersion: session.revision });
    if (reason === 'shutdown') await session.refuseInFlight('The server is shutting down; try again');
    await session.close();
  }

  /** Closes the sessions that have been idle too long: no open stream or call, and no request for a while. */
  sweep(): void {
    const idleSince = this.#options.now() - this.#options.idleSeconds;
    for (const { session } of this.#sessions.values())
      if (session.isIdleSince(idleSince)) void this.remove(session, 'idle');
  }

  /** Closes all sessions; resolves when they are closed. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#sessions.values()].map(({ session }) => this.remove(session, 'shutdown')));
  }
}
