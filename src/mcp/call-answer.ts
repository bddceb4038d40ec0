import type { ServerResponse } from 'node:http';
import { answerWith, EVENT_STREAM_HEADERS, KEEPALIVE } from './response-stream.ts';
import type { Delayed, SharedDelay } from './shared-delay.ts';

export interface CallAnswerOptions {
  /** Whether the client takes a stream. */
  readonly mayStream: boolean;
  /** The longest silence: a proxy in front cuts off an answer of which nothing is heard for long. */
  readonly keepAlive: SharedDelay;
}

/**
 * The answer to one modern request, written straight to Node's response: as JSON, or, when something must be said before it, as
 * a stream of events (MCP 2026-07-28, "Streamable HTTP").
 */
export class CallAnswer implements Delayed {
  readonly #response: ServerResponse;
  readonly #mayStream: boolean;
  readonly #keepAlive: SharedDelay;

  constructor(response: ServerResponse, { mayStream, keepAlive }: CallAnswerOptions) {
    this.#response = response;
    this.#mayStream = mayStream;
    this.#keepAlive = keepAlive;
    if (mayStream) keepAlive.begin(this);
  }

  /** Nothing has been said for long. */
  due(): void {
    if (this.isOver) return;
    if (this.#response.writableNeedDrain) this.#keepAlive.begin(this);
    else this.#write(KEEPALIVE);
  }

  /** Whether it has ended, or nobody waits for it any more. */
  get isOver(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  /** Whether something was said before the answer. */
  get isStream(): boolean {
    return this.#response.headersSent;
  }

  /** Says something before the answer, to a client that takes that. */
  tell(message: object): void {
    if (this.#mayStream && !this.isOver) this.#writeEvent(message);
  }

  /** Ends with the answer. */
  end(message: object): void {
    if (this.isOver) return;
    if (this.isStream) {
      this.#writeEvent(message);
      this.#response.end();
    } else answerWith(this.#response, { 'content-type': 'application/json' }, JSON.stringify(message));
    this.stopKeepAlive();
  }

  /** Sends no more comments that keep the connection open. */
  stopKeepAlive(): void {
    this.#keepAlive.end(this);
  }

  #writeEvent(message: object): void {
    this.#write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  #write(text: string): void {
    if (!this.isStream) this.#response.writeHead(200, EVENT_STREAM_HEADERS);
    // In bytes: of text, Node would count characters where it says how much of an answer is unread.
    this.#response.write(Buffer.from(text));
    this.#keepAlive.begin(this);
  }
}
