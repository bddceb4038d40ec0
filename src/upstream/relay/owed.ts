import { cancelled, type Failure } from '../../tools/call.ts';
import { Fault } from '../fault.ts';
import { ofSilence } from '../outcomes.ts';
import type { Conversation } from './conversation.ts';
import { Patience } from './patience.ts';
import type { Requests, Waiting } from './requests.ts';
import type { Message } from './messages.ts';

/** Most requests at a time whose answers may come on another stream. */
const MAX_OWED = 1024;

const IN_VAIN = new Fault('timeout', 'a client came back for an answer, and there was none');

/** Where requests come from whose answers are owed. */
interface OwedFrom {
  readonly requests: Requests;
  readonly sessionId: string;
  readonly conversation: Conversation;
  /** What they fail with if their answers never come, where that is known. */
  readonly failure: Failure | undefined;
}

interface Owed extends OwedFrom {
  readonly waiting: Waiting;
  readonly patience: Patience;
  /** Whether its client has come back. */
  isAskedFor: boolean;
}

/**
 * Requests whose stream has ended before their answers, and whose clients may come back for those: with Last-Event-ID, on another
 * HTTP request (MCP 2025-11-25, "Resumability and Redelivery").
 */
export class OwedAnswers {
  readonly #seconds: number;
  readonly #now: () => number;
  readonly #heard: (fault: Fault | undefined) => void;
  /** What those end with whose clients came back for them in vain. */
  readonly #notAnswered: Failure;
  /** Oldest first. */
  readonly #owed = new Set<Owed>();

  /**
   * @param upstream its name, and how long an answer is waited for, from when its client was there, or the upstream spoke in the session since
   * @param now monotonic, in seconds
   * @param heard told of each answer that came so, and with a fault of each that a client came back for in vain. That nobody
   *   came back for one says nothing of the upstream, which may end its stream so; what it did besides has been told
   */
  constructor(
    { name, timeoutSeconds }: { readonly name: string; readonly timeoutSeconds: number },
    now: () => number,
    heard: (fault: Fault | undefined) => void,
  ) {
    this.#seconds = timeoutSeconds;
    this.#now = now;
    this.#heard = heard;
    this.#notAnswered = ofSilence(IN_VAIN, name);
  }

  /** Takes over requests that wait; what they fail with if they wait in vain depends on who has left. */
  add(all: readonly Waiting[], from: OwedFrom): void {
    for (const waiting of all) {
      const owed: Owed = {
        waiting,
        ...from,
        patience: new Patience({
          seconds: this.#seconds,
          now: this.#now,
          excusedUntil: () => (owed.isAskedFor ? from.conversation.silentSince : -Infinity),
          onSilence: () => {
            if (owed.isAskedFor && owed.failure === undefined) this.#heard(IN_VAIN);
            this.#giveUp(owed);
          },
        }),
        isAskedFor: false,
      };
      this.#owed.add(owed);
      const [oldest = owed] = this.#owed;
      if (this.#owed.size > MAX_OWED) this.#giveUp(oldest);
    }
  }

  /** A client has come back to its session. */
  askedFor(sessionId: string): void {
    for (const owed of this.#of(sessionId)) {
      owed.isAskedFor = true;
      owed.patience.heard();
    }
  }

  conversationOf(sessionId: string): Conversation | undefined {
    return this.#of(sessionId)[0]?.conversation;
  }

  /** An answer came in a session. */
  answer(message: Message, sessionId: string): void {
    const owed = this.#of(sessionId).find(({ waiting }) => waiting.request.id === message.id);
    if (!owed) return;
    this.#forget(owed);
    this.#heard(undefined);
    owed.requests.settle(owed.waiting, message);
  }

  /** The client has cancelled one. */
  cancel(id: unknown, sessionId: string): void {
    const owed = this.#of(sessionId).find(({ waiting }) => waiting.request.id === id);
    if (!owed) return;
    this.#forget(owed);
    owed.requests.lose(owed.waiting, cancelled);
  }

  /** Nobody can come back any more: those that nobody has asked for are given up. */
  giveUpUnasked(): void {
    for (const owed of this.#owed) if (!owed.isAskedFor) this.#giveUp(owed);
  }

  close(): void {
    for (const owed of this.#owed) this.#giveUp(owed);
  }

  #of(sessionId: string): readonly Owed[] {
    return [...this.#owed].filter((owed) => owed.sessionId === sessionId);
  }

  #giveUp(owed: Owed): void {
    this.#forget(owed);
    const { failure = owed.isAskedFor ? this.#notAnswered : cancelled } = owed;
    owed.requests.lose(owed.waiting, failure);
  }

  #forget(owed: Owed): void {
    owed.patience.pause();
    this.#owed.delete(owed);
  }
}
