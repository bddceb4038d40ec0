import type { McpBinding } from './binding.ts';
import type { QuestionIds } from './open-questions.ts';
import { ReplayBudget } from './replay-budget.ts';
import type { Sender } from './sender.ts';
import type { ServerFactory } from './server-factory.ts';
import { sessionName, type SessionFacts } from './session-id.ts';
import { Session, type SessionOptions } from './session.ts';

/** 32 Mi characters: a flood of large results must not fill the heap with what clients may never ask for. */
const REPLAY_CHARACTERS = 32 * 1024 * 1024;

export interface SessionFactoryOptions {
  readonly servers: ServerFactory;
  readonly binding: McpBinding;
  /** Messages that a session keeps for clients that resume a broken stream. */
  readonly replayEvents: number;
  readonly questionIds: QuestionIds;
  /** A name that no other process has. */
  readonly process: string;
}

/** Makes sessions, which share what they have in common. */
export class SessionFactory {
  readonly #options: SessionFactoryOptions;
  readonly #replay = new ReplayBudget(REPLAY_CHARACTERS);
  #made = 0;

  constructor(options: SessionFactoryOptions) {
    this.#options = options;
  }

  /** @param isResumed whether the session goes on; else `initialize` is served next */
  create(
    id: string,
    facts: SessionFacts,
    { caller, requestId }: Sender,
    isResumed: boolean,
    { initialized: begun, ...events }: Pick<SessionOptions, 'isTooOld' | 'initialized' | 'used' | 'ended'>,
  ): Promise<Session> {
    const { servers, binding, process, replayEvents, questionIds } = this.#options;
    const eventsName = `${process}-${(this.#made += 1)}`;
    const initialized = (): void => {
      begun();
      if (isResumed) return;
      const sessionId = sessionName(id);
      const { name: clientName, version: clientVersion } = facts.client;
      binding.audit?.sessionOpened({
        ...{ caller, requestId, transport: 'http', sessionId },
        ...{ clientName, clientVersion },
      });
    };
    const { id: callerId, quotaKey } = caller;
    const options = { id, facts, callerId, quotaKey, eventsName, replayEvents, questionIds, ...events };
    return Session.create({ ...options, initialized, replay: this.#replay }, servers, binding, isResumed);
  }
}
