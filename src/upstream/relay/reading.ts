import { createParser } from 'eventsource-parser';
import { GrowingBytes } from '../growing-bytes.ts';
import { WholeEvents } from '../whole-events.ts';
import { parsedMessages, type Message } from './messages.ts';

/** Reads along in an answer that is passed on as it comes. */
export interface Reading {
  /** Reads a part of it. */
  read(bytes: Buffer): void;
  /** Reads what can be read at its end alone. */
  end(): void;
  /** How many bytes have passed that were too large to be read. */
  readonly bytesUnread: number;
  /** Whether a client can come back for what follows. */
  readonly canResume: boolean;
  /** Whether another event can be put in here. */
  readonly isBetweenEvents: boolean;
}

/** In a stream of server-sent events. */
export class StreamReading implements Reading {
  readonly #parser: ReturnType<typeof createParser>;
  readonly #events: WholeEvents;
  #lastBytes = '';
  #isTooLarge = false;
  bytesUnread = 0;
  /** Whether an event had an id (MCP 2025-11-25, "Resumability and Redelivery"). */
  canResume = false;

  /**
   * @param maxCharacters of one event: a larger one is not read
   * @param take is told of each message that has an id
   */
  constructor(maxCharacters: number, take: (message: Message) => void) {
    this.#events = new WholeEvents(maxCharacters);
    this.#parser = createParser({
      maxBufferSize: maxCharacters,
      onEvent: ({ id = '', data }) => {
        this.canResume ||= id !== '';
        // Notifications have none, and nobody needs to know what they say.
        if (data.includes('"id"')) for (const message of parsedMessages(data)) take(message);
      },
      onError: ({ type }) => {
        this.#isTooLarge ||= type === 'max-buffer-size-exceeded';
      },
    });
  }

  get isBetweenEvents(): boolean {
    return /^$|(?:\n\n|\r\r|\r\n\r\n)$/.test(this.#lastBytes);
  }

  read(bytes: Buffer): void {
    this.#lastBytes = (this.#lastBytes + bytes.toString('latin1', Math.max(0, bytes.length - 4))).slice(-4);
    const text = this.#events.take(bytes);
    if (text !== '') this.#parser.feed(text);
    if (!this.#isTooLarge) return;
    // What of that event comes yet has the form of no line that means something.
    this.#parser.reset();
    this.#isTooLarge = false;
    this.bytesUnread += Buffer.byteLength(text);
  }

  end(): void {
    // All that it says has been read: an event that has not ended is none.
  }
}

/** In one message, or a batch. */
export class BodyReading implements Reading {
  readonly #maxBytes: number;
  readonly #take: (message: Message) => void;
  readonly #kept = new GrowingBytes();
  #bytes = 0;
  readonly canResume = false;
  readonly isBetweenEvents = false;

  /** @param maxBytes of all of it: a larger one is not read */
  constructor(maxBytes: number, take: (message: Message) => void) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  get bytesUnread(): number {
    return this.#bytes > this.#maxBytes ? this.#bytes : 0;
  }

  read(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#kept.take();
    else this.#kept.add(bytes);
  }

  end(): void {
    if (this.#kept.length === 0) return;
    for (const message of parsedMessages(this.#kept.take().toString())) this.#take(message);
  }
}
