import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';
import { Allowance } from '../tools/allowance.ts';
import { questionIn, type Ask } from './questions.ts';

/** What an upstream may say besides one answer, and unasked: so many messages at once, and so many a second; more is left out. */
const NOTICES_AT_ONCE = 1000;
const NOTICES_PER_SECOND = 200;

/** What is told of one request besides its answer. */
export interface Watcher {
  /** A notification came with it. */
  readonly notice?: (message: JSONRPCMessage) => void;
  /** Takes what the upstream asks in the middle of it. */
  readonly ask?: Ask | undefined;
  /** Its result as the upstream sent it, before the SDK looks at it. */
  readonly result?: (result: unknown) => void;
  /** The largest answer that is read. Default: that of the transport. */
  readonly maxBytes?: number;
}

interface Watched extends Watcher {
  readonly notices: Allowance;
}

/** Who watches requests, by the key that those are sent with as their `relatedRequestId`. */
export class Watchers {
  readonly #watchers = new Map<RequestId, Watched>();
  readonly #now: () => number;
  readonly #unasked: Allowance;
  #made = 0;

  /** @param now monotonic, in seconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#unasked = this.#allowance();
  }

  #allowance(): Allowance {
    return new Allowance(NOTICES_AT_ONCE, NOTICES_PER_SECOND, this.#now);
  }

  /** Has the request watched that `make` sends with the key that it gets. */
  async during<Result>(
    watcher: Watcher,
    make: (key: { readonly relatedRequestId: string }) => Promise<Result>,
  ): Promise<Result> {
    const relatedRequestId = `request:${(this.#made += 1)}`;
    this.#watchers.set(relatedRequestId, { ...watcher, notices: this.#allowance() });
    try {
      return await make({ relatedRequestId });
    } finally {
      this.#watchers.delete(relatedRequestId);
    }
  }

  /** Whether one more message may be said besides the answer to a request, or unasked. */
  mayBeSaid(key: RequestId | undefined): boolean {
    return ((key === undefined ? undefined : this.#watchers.get(key))?.notices ?? this.#unasked).take(1);
  }

  /**
   * Has a question put to whoever made the call that it is for; returns whether somebody takes it. One that came on no stream of a
   * call is for the only one there is: of several nobody can tell.
   */
  ask(
    message: JSONRPCMessage,
    key: RequestId | undefined,
    send: (answer: JSONRPCMessage) => Promise<void>,
  ): boolean {
    const question = questionIn(message);
    if (!question) return false;
    const askable = [...this.#watchers.values()].filter(({ ask }) => ask);
    const ask = key === undefined && askable.length === 1 ? askable[0]?.ask : this.of(key)?.ask;
    ask?.(question.params ?? {}, (answer) =>
      send({ jsonrpc: '2.0', id: question.id, ...answer } as JSONRPCMessage),
    );
    return ask !== undefined;
  }

  of(key: RequestId | undefined): Watcher | undefined {
    return key === undefined ? undefined : this.#watchers.get(key);
  }
}
