import type { ServerResponse } from 'node:http';
import { SharedDelay, type Delayed } from './shared-delay.ts';

/**
 * How long the beginning of a stream waits for an answer, in seconds. Most come sooner, and go with it in one piece: to
 * send another costs the server and its client more than anything else that is done for a call.
 */
const TOGETHER_SECONDS = 0.01;

/** How long the answers of a server wait. */
export interface AnswerDelays {
  /** Before an answer begins that is a stream. */
  readonly together: SharedDelay;
  /** The longest silence: a proxy in front cuts off an answer of which nothing is heard for long. */
  readonly keepAlive: SharedDelay;
}

/** @param now monotonic, in seconds */
export const answerDelays = (keepAliveSeconds: number, now: () => number): AnswerDelays => ({
  together: new SharedDelay(TOGETHER_SECONDS, now),
  keepAlive: new SharedDelay(keepAliveSeconds, now),
});

/** What the headers of each stream of events say besides. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // For nginx, which would wait for more.
  'x-accel-buffering': 'no',
} as const;

/** A comment, which clients leave out: it is there for proxies, which cut off a stream of which nothing is heard for long. */
export const KEEPALIVE = ': keepalive\n\n';

/** Answers with a text that is known as a whole. */
export function answerWith(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  text: string,
): void {
  const length = Buffer.byteLength(text);
  response.writeHead(200, { ...headers, 'content-length': length });
  // Of ASCII Node makes one piece with the headers, which it sends sooner. Of other text it would count characters, not bytes.
  if (length === text.length) response.end(text, 'latin1');
  else response.end(Buffer.from(text));
}

export interface ResponseStreamOptions {
  readonly sessionId: string;
  readonly delays: AnswerDelays;
}

/** The answer to an HTTP request of a session: a stream of events (SSE). */
export class ResponseStream implements Delayed {
  readonly #response: ServerResponse;
  readonly #options: ResponseStreamOptions;
  /** What has not been sent yet, since the stream has not begun. */
  #start: string;

  /** @param start the events that it begins with, soon; it begins at once if there are none */
  constructor(response: ServerResponse, options: ResponseStreamOptions, start?: string) {
    this.#response = response;
    this.#options = options;
    this.#start = start ?? '';
    if (response.destroyed) return;
    response.on('close', () => {
      this.#endDelays();
    });
    if (start === undefined) this.#begin();
    else options.delays.together.begin(this);
  }

  /** Whether nothing can be sent on it any more. */
  get isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  #begin(): void {
    this.#response.writeHead(200, this.#headers);
    if (this.#start === '') this.#response.flushHeaders();
    else this.#send(this.#start);
    this.#options.delays.together.end(this);
    this.#options.delays.keepAlive.begin(this);
  }

  /** No answer has come soon, or nothing has been said for long. */
  due(): void {
    if (this.isOver) return;
    if (!this.#response.headersSent) {
      this.#begin();
      return;
    }
    if (!this.#response.writableNeedDrain) this.#response.write(KEEPALIVE);
    this.#options.delays.keepAlive.begin(this);
  }

  #endDelays(): void {
    this.#options.delays.together.end(this);
    this.#options.delays.keepAlive.end(this);
  }

  get #headers(): Readonly<Record<string, string>> {
    return { ...EVENT_STREAM_HEADERS, 'mcp-session-id': this.#options.sessionId };
  }

  /** In bytes: of text, Node would count characters where it says how much of an answer is unread. */
  #send(events: string): void {
    this.#response.write(Buffer.from(events));
  }

  /** Sends events. */
  write(events: string): void {
    if (this.isOver) return;
    if (this.#response.headersSent) this.#send(events);
    else {
      this.#start += events;
      this.#begin();
    }
  }

  /** Ends it, after some events or none. */
  end(events = ''): void {
    if (this.isOver) return;
    this.#endDelays();
    if (this.#response.headersSent) this.#response.end(Buffer.from(events));
    else answerWith(this.#response, this.#headers, this.#start + events);
  }

  /** Resolves when the client has read what was sent, or is gone. */
  async read(): Promise<void> {
    const response = this.#response;
    if (this.isOver || !response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.on('drain', done).on('close', done);
    });
  }
}
