import type { SessionCloseReason, TransportName } from './metrics/labels.ts';
import type { Recorder } from './metrics/recorder.ts';

/** What is known of a session when it ends. */
interface SessionEnd {
  readonly reason: SessionCloseReason;
  readonly protocolVersion: string | undefined;
}

/** The sessions there are, and their counts: opened less closed are those that are active. */
export class LiveSessions {
  readonly #recorder: Pick<Recorder, 'sessionOpened' | 'sessionClosed'>;
  readonly #now: () => number;
  readonly #sessions = new Set<object>();

  constructor(recorder: Pick<Recorder, 'sessionOpened' | 'sessionClosed'>, now: () => number) {
    this.#recorder = recorder;
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @returns what ends the session; calling it again does nothing */
  begin(transport: TransportName): (end: SessionEnd) => void {
    const session = { openedAt: this.#now() };
    this.#sessions.add(session);
    this.#recorder.sessionOpened(transport);
    return ({ reason, protocolVersion }) => {
      if (!this.#sessions.delete(session)) return;
      this.#recorder.sessionClosed(transport, reason, this.#now() - session.openedAt, protocolVersion);
    };
  }
}
