import type { ServerResponse } from 'node:http';
import { mediaTypeOf } from '../../monitoring/door/media-type.ts';
import type { Failure } from '../../tools/call.ts';
import { headersToClient, SESSION_HEADER, type AnswerHeaders } from './headers.ts';
import type { Message } from './messages.ts';
import { BodyReading, StreamReading, type Reading } from './reading.ts';
import { errorEvent } from './refusals.ts';

export interface AnswerOptions {
  /** The largest message that is read along. */
  readonly maxBytes: number;
  /** Longest silence of a stream, in seconds. */
  readonly keepAliveSeconds: number;
}

/** How long the headers of a stream wait for its first event, in milliseconds: to send them apart costs as much as the rest. */
const TOGETHER_MS = 10;

/** What a client is given of an upstream's answer: all of it, as it comes. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #options: AnswerOptions;
  readonly #take: (message: Message) => void;
  #reading: Reading | undefined;
  #speaking: NodeJS.Timeout | undefined;

  /** @param take is told of each message with an id that passes */
  constructor(response: ServerResponse, options: AnswerOptions, take: (message: Message) => void) {
    this.#response = response;
    this.#options = options;
    this.#take = take;
  }

  /** @param sealedSession what the client is to call the session that the answer names */
  begin(status: number, headers: AnswerHeaders, sealedSession: string | undefined): void {
    const { maxBytes } = this.#options;
    const passed = headersToClient(headers);
    if (sealedSession !== undefined) passed[SESSION_HEADER] = sealedSession;
    const type = mediaTypeOf(headers['content-type']);
    passed['x-content-type-options'] = 'nosniff';
    if (type === 'text/event-stream') {
      // More is said in it than the upstream knows of.
      delete passed['content-length'];
      this.#reading = new StreamReading(maxBytes, this.#take);
      // For nginx, which would wait for more.
      passed['x-accel-buffering'] = 'no';
    } else if (type === 'application/json') this.#reading = new BodyReading(maxBytes, this.#take);
    // Nothing of an upstream's runs in a browser as if it were ours.
    else if (type !== '') passed['content-type'] = 'text/plain; charset=utf-8';
    this.#response.writeHead(status, passed);
    if (this.isStream) this.#speaking = setTimeout(this.#beginStream, TOGETHER_MS);
  }

  /** Sends the headers even if no event comes for long. */
  readonly #beginStream = (): void => {
    if (!this.#response.writableEnded) this.#response.flushHeaders();
    this.#speaking = setTimeout(this.#speak, this.#options.keepAliveSeconds * 1000);
  };

  /** A proxy in front cuts off a stream of which nothing is heard for long; and a client that is gone is noticed so. */
  readonly #speak = (): void => {
    if (this.#takesEvents && !this.#response.writableNeedDrain) this.#response.write(': keepalive\n\n');
    this.#speaking?.refresh();
  };

  /** Whether it has begun. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  get isStream(): boolean {
    return this.#reading instanceof StreamReading;
  }

  /** Whether it is a stream whose rest a client can come back for. */
  get canResume(): boolean {
    return this.#reading?.canResume === true;
  }

  /** How many bytes have passed that were too large to be read. */
  get bytesUnread(): number {
    return this.#reading?.bytesUnread ?? 0;
  }

  /** Passes on what has come; returns whether the client keeps up. */
  pass(bytes: Buffer): boolean {
    this.#response.write(bytes);
    this.#speaking?.refresh();
    this.#reading?.read(bytes);
    return !this.#response.writableNeedDrain;
  }

  /** Reads what can be read at the end alone. */
  readToEnd(): void {
    this.#reading?.end();
  }

  get #takesEvents(): boolean {
    return this.#reading?.isBetweenEvents === true && !this.#response.destroyed;
  }

  /**
   * Ends it.
   * @param failure what requests get in place of their answers, where there is a place for it
   */
  end(failure?: Failure, unanswered: readonly Message[] = []): void {
    if (failure && this.#takesEvents)
      for (const request of unanswered) this.#response.write(errorEvent(failure, request));
    this.#response.end();
  }

  /** Ends it in the middle: by an error if there is a place for it, else so that the client sees that it is cut. */
  breakOff(failure: Failure, unanswered: readonly Message[]): void {
    if (this.#takesEvents) this.end(failure, unanswered);
    else this.cut();
  }

  /** Ends it so that the client sees that this was not its end. */
  cut(): void {
    this.#response.destroy();
  }

  /** Nothing more is said of silence. */
  stopSpeaking(): void {
    clearTimeout(this.#speaking);
  }
}
