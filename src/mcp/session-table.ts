import type { SessionCloseReason } from '../monitoring/labels.ts';
import type { Recorder } from '../monitoring/recorder.ts';
import type { Session } from './session.ts';

export interface SessionTableOptions {
  /** Most sessions at a time. */
  readonly max: number;
  /** Time after which a session that nobody uses is closed. */
  readonly idleSeconds: number;
  readonly recorder: Pick<Recorder, 'sessionOpened' | 'sessionClosed'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Told of sessions that could not be closed in order. */
  readonly onError: (error: Error) => void;
}

/**
 * The sessions there are, and their counts. The number of active ones is the size of this table, so it cannot drift:
 * every session is in it from its `initialize` until it is deleted, swept as idle, or the server stops.
 */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #sweeper: NodeJS.Timeout;
  #reserved = 0;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    const everyMs = Math.min(Math.max((options.idleSeconds * 1000) / 4, 100), 60_000);
    this.#sweeper = setInterval(() => {
      this.sweep();
    }, everyMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Keeps a place for a session that may be opened.
   * @returns what gives the place up, which is also called once the session has taken it; `undefined` when all are taken
   */
  reserve(): (() => void) | undefined {
    if (this.#sessions.size + this.#reserved >= this.#options.max) return undefined;
    let held = 1;
    this.#reserved += held;
    return () => {
      this.#reserved -= held;
      held = 0;
    };
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#options.recorder.sessionOpened('http');
  }

  /** Takes a session out and closes it; does nothing for one that is out. */
  async remove(session: Session, reason: SessionCloseReason): Promise<void> {
    // Out of the table first: closing the transport may call back here.
    if (!this.#sessions.delete(session.id)) return;
    const { recorder, now, onError } = this.#options;
    recorder.sessionClosed('http', reason, now() - session.openedAt, session.revision);
    try {
      if (reason === 'shutdown') await session.refuseInFlight('The server is shutting down; try again');
      await session.close();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Closes the sessions that have been idle too long: no open stream or call, and no request for a while. */
  sweep(): void {
    const idleSince = this.#options.now() - this.#options.idleSeconds;
    for (const session of this.#sessions.values())
      if (session.isIdleSince(idleSince)) void this.remove(session, 'idle');
  }

  /** Closes all sessions; resolves when they are closed. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#sessions.values()].map((session) => this.remove(session, 'shutdown')));
  }
}
