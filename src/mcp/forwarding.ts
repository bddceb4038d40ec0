import type { Caller } from '../authorization/caller.ts';
import { fieldOf, paramOf } from '../monitoring/door/message.ts';
import type { Quota } from '../tools/quota.ts';
import type { Peers } from './peers.ts';
import { isAnswer, type QuestionIds } from './questions.ts';
import type { Session } from './session.ts';

/** What of a body is for this process, and whether what was for another has come there. */
export interface Sorted {
  /** `undefined` when nothing of it is. */
  readonly rest: unknown;
  readonly delivered: boolean;
}

export interface ForwardingOptions {
  readonly peers: Peers;
  readonly questionIds: QuestionIds;
  readonly quota: Quota;
}

/**
 * Passes on what a client sends to one replica and only another can use: its answer to what a tool asks it, and the
 * cancellation of a call.
 */
export class Forwarding {
  readonly #options: ForwardingOptions;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /** Passes on what of a session's body is for others. Resolves when answers have come there; cancellations go by themselves. */
  async sort(session: Session, body: unknown, caller: Caller): Promise<Sorted> {
    const messages = [body].flat();
    const rest: unknown[] = [];
    const answers: Promise<boolean>[] = [];
    for (const message of messages) {
      const answer = isAnswer(message) ? this.#passAnswer(session, message) : undefined;
      if (answer) answers.push(answer);
      else rest.push(message);
      if (isCancellation(message)) this.#passCancellation(session, message, caller);
    }
    if (answers.length === 0) return { rest: body, delivered: true };
    const delivered = (await Promise.all(answers)).every((each) => each);
    return { rest: rest.length === 0 ? undefined : rest, delivered };
  }

  /** Passes an answer to who waits for it; `undefined` when that is nobody else. */
  #passAnswer(session: Session, message: object): Promise<boolean> | undefined {
    const { questionIds, peers } = this.#options;
    const asker = questionIds.otherAsker(session.id, fieldOf(message, 'id'));
    if (!asker) return undefined;
    return peers
      .pass('answer', { session: session.id, message }, asker.address)
      .then((outcome) => outcome === 'delivered');
  }

  /** Asks all others to cancel what is not in flight here. */
  #passCancellation(session: Session, message: object, caller: Caller): void {
    const { peers, quota } = this.#options;
    if (!peers.any || session.isInFlight(paramOf(message, 'requestId'))) return;
    void peers.addresses().then((addresses) => {
      // Each costs another replica as much as the message has cost this one.
      const isWithin = addresses.length > 0 && quota.take(caller.quotaKey, addresses.length) === 0;
      const forwarded = { session: session.id, message };
      for (const address of isWithin ? addresses : []) void peers.pass('cancellation', forwarded, address);
    });
  }
}

const isCancellation = (message: unknown): message is object =>
  fieldOf(message, 'method') === 'notifications/cancelled' && fieldOf(message, 'id') === undefined;
