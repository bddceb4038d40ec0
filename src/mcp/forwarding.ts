import type { Caller } from '../authorization/caller.ts';
import { fieldOf, isRequest, paramOf } from '../monitoring/door/message.ts';
import type { PeerOutcome } from '../monitoring/metrics/labels.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';
import type { Quota } from '../tools/quota.ts';
import type { Peers } from './peers.ts';
import { isAnswer, type QuestionIds } from './open-questions.ts';
import { UsedIds } from './used-ids.ts';

/** A body, without what is for others. */
export interface Sorted {
  /** `undefined` when nothing is left of it. */
  readonly rest: unknown;
  /** What became of the answers in it that are for others; `delivered` if there are none. */
  readonly answers: PeerOutcome;
}

export interface ForwardingOptions {
  readonly peers: Peers;
  readonly questionIds: QuestionIds;
  readonly quota: Quota;
  readonly recorder: Pick<Recorder, 'peerMessage'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/** How long to know that an answer was passed on, in seconds: longer than anybody waits for one. */
const REMEMBER_SECONDS = 3600;

/**
 * Passes on what a client sends to one replica and only another can use: its answer to what a tool asks it, and the
 * cancellation of a call.
 */
export class Forwarding {
  readonly #options: ForwardingOptions;
  /** Answers that were passed on, or are on their way. */
  readonly #answered: UsedIds;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#answered = new UsedIds(REMEMBER_SECONDS, options.now);
  }

  /**
   * Takes out of a session's body what is for others, and passes it on. Resolves when answers have come there; cancellations go
   * by themselves.
   * @param isHere whether a request with an id is in flight here
   */
  async passOn(
    session: string,
    body: unknown,
    caller: Caller,
    isHere: (id: unknown) => boolean,
  ): Promise<Sorted> {
    if (isObject(body) && isRequest(body)) return { rest: body, answers: 'delivered' };
    const messages = [body].flat();
    const own = new Set(messages.filter(isObject).flatMap((each) => (isRequest(each) ? [each.id] : [])));
    const isOwn = (id: unknown): boolean => own.has(id as never) || isHere(id);
    const cancellations = this.#options.peers.any
      ? messages.filter((each) => isCancellation(each) && !isOwn(paramOf(each, 'requestId')))
      : [];
    if (cancellations.length > 0) void this.#passCancellations(session, cancellations as object[], caller);
    const answers = messages.flatMap((each) => (isAnswer(each) ? this.#answerForOther(session, each) : []));
    const outcomes = await Promise.all(answers.map(({ pass }) => pass()));
    const gone = new Set<unknown>([...cancellations, ...answers.map(({ message }) => message)]);
    const rest = messages.filter((each) => !gone.has(each));
    return {
      rest: gone.size === 0 ? body : rest.length > 0 ? rest : undefined,
      answers: outcomes.find((outcome) => outcome !== 'delivered') ?? 'delivered',
    };
  }

  #answerForOther(
    session: string,
    message: object,
  ): readonly { readonly message: object; readonly pass: () => Promise<PeerOutcome> }[] {
    const { questionIds, peers } = this.#options;
    const id = String(fieldOf(message, 'id'));
    const asker = questionIds.otherAsker(session, id);
    if (!asker) return [];
    const pass = async (): Promise<PeerOutcome> => {
      // Who answers again has been heard, and gets what a late answer gets.
      if (!this.#answered.use(id)) return 'delivered';
      const outcome = await peers.pass('answer', { session, messages: [message] }, asker.address);
      if (outcome === 'delivered' || outcome === 'not_held') return 'delivered';
      this.#answered.giveBack(id);
      return outcome;
    };
    return [{ message, pass }];
  }

  /** Asks all others to cancel what is not in flight here: once, however many. */
  async #passCancellations(session: string, messages: readonly object[], caller: Caller): Promise<void> {
    const { peers, quota, recorder } = this.#options;
    const addresses = await peers.addresses();
    // Each costs another replica as much as the message has cost this one.
    if (addresses.length > 0 && quota.take(caller.quotaKey, addresses.length) > 0) {
      recorder.peerMessage('cancellation', 'dropped');
      return;
    }
    for (const address of addresses) void peers.pass('cancellation', { session, messages }, address);
  }
}

const isObject = (message: unknown): message is object => typeof message === 'object' && message !== null;

const isCancellation = (message: unknown): message is object =>
  isObject(message) &&
  fieldOf(message, 'method') === 'notifications/cancelled' &&
  fieldOf(message, 'id') === undefined;
