import type { SessionCloseReason, TransportName } from './metrics/labels.ts';
import type { Recorder } from './metrics/recorder.ts';

export type SessionRecorder = Pick<Recorder, 'sessionOpened' | 'sessionResumed' | 'sessionClosed'>;

/** What is known of a session when it ends. */
interface SessionEnd {
  readonly reason: SessionCloseReason;
  readonly protocolVersion: string | undefined;
}

/** The sessions that are held here, and their counts: opened and resumed less closed are those that are active. */
export class LiveSessions {
  readonly #recorder: SessionRecorder;
  readonly #now: () => number;
  readonly #sessions = new Set<object>();

  constructor(recorder: SessionRecorder, now: () => number) {
    this.#recorder = recorder;
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * @param isResumed whether it was begun elsewhere, or here before
   * @returns what ends the session; calling it again does nothing
   */
  begin(transport: TransportName, isResumed = false): (end: SessionEnd) => void {
    const session = { openedAt: this.#now() };
    this.#sessions.add(session);
    if (isResumed) this.#recorder.sessionResumed(transport);
    else this.#recorder.sessionOpened(transport);
    return ({ reason, protocolVersion }) => {
      if (!this.#sessions.delete(session)) return;
      this.#recorder.sessionClosed(transport, reason, this.#now() - session.openedAt, protocolVersion);
    };
  }
}
