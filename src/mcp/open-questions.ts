import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';
import { fieldOf, isRequest, paramOf } from '../monitoring/door/message.ts';
import type { Seal } from './seal.ts';

/** Who waits for the answer to a question. */
interface Asker {
  /** Unlike that of every other process. */
  readonly process: string;
  /** Where other replicas reach it, as `host:port`, if they do. */
  readonly address: string | undefined;
}

/**
 * The ids of what servers ask clients. They say which process asked, because its answer may come to any; and a process that
 * goes on with a session would number its questions as the one before did.
 */
export class QuestionIds {
  readonly #seal: Seal;
  readonly #process: string;
  /** Where other replicas reach this process, once that is known. */
  address: string | undefined;

  /** @param process a name that no other process has */
  constructor(seal: Seal, process: string) {
    this.#seal = seal;
    this.#process = process;
  }

  make(sessionId: string): string {
    return this.#seal.seal(JSON.stringify([this.#process, this.address]), sessionId);
  }

  /** Who waits for the answer with this id; `undefined` if it is not an id of this session, or this process made it. */
  otherAsker(sessionId: string, id: unknown): Asker | undefined {
    const opened = typeof id === 'string' ? this.#seal.open(id, sessionId) : undefined;
    if (!opened?.ok) return undefined;
    const [process, address] = JSON.parse(opened.text) as [string, string | null];
    return process === this.#process ? undefined : { process, address: address ?? undefined };
  }
}

/** What the server of a session asks its client, until it is answered or taken back. */
export class OpenQuestions {
  readonly #ids: QuestionIds;
  readonly #sessionId: string;
  /** The ids that the SDK knows them by. */
  readonly #open = new Map<string, RequestId>();

  constructor(ids: QuestionIds, sessionId: string) {
    this.#ids = ids;
    this.#sessionId = sessionId;
  }

  /** Whether one is open. */
  get any(): boolean {
    return this.#open.size > 0;
  }

  /** A message of the SDK as the client gets it. */
  outgoing(message: JSONRPCMessage): JSONRPCMessage {
    if (isRequest(message)) {
      const id = this.#ids.make(this.#sessionId);
      this.#open.set(id, message.id);
      return { ...message, id };
    }
    if (!('method' in message) || message.method !== 'notifications/cancelled') return message;
    const own = paramOf(message, 'requestId');
    const [id] = [...this.#open].find(([, each]) => each === own) ?? [];
    if (id === undefined) return message;
    this.#open.delete(id);
    return { ...message, params: { ...message.params, requestId: id } };
  }

  /** An answer of the client as the SDK gets it; `undefined` for one to no open question. */
  answer<Answer extends object>(message: Answer): Answer | undefined {
    const id = String(fieldOf(message, 'id'));
    const own = this.#open.get(id);
    if (own === undefined) return undefined;
    this.#open.delete(id);
    return { ...message, id: own };
  }
}

/** Whether a message is the answer to a question. */
export const isAnswer = (message: unknown): message is object =>
  fieldOf(message, 'method') === undefined &&
  (fieldOf(message, 'result') !== undefined || fieldOf(message, 'error') !== undefined);
