import { createParser, ParseError, type EventSourceMessage } from 'eventsource-parser';
import { Allowance } from '../tools/allowance.ts';
import { Fault } from './fault.ts';
import { WholeEvents } from './whole-events.ts';

/** An event of a stream, as far as MCP uses them; without `data` it only has an id. */
export type StreamEvent = Pick<EventSourceMessage, 'id' | 'data'>;

/** What a stream may have besides an answer, in bytes: so many at once, and so many a second. */
const BYTES_AT_ONCE = 1024 * 1024;
const BYTES_PER_SECOND = 1024 * 1024;

/**
 * How much streams may say that are for one answer of so many bytes.
 * @param now monotonic, in seconds
 */
export const streamAllowance = (maxBytes: number, now: () => number): Allowance =>
  new Allowance(maxBytes + BYTES_AT_ONCE, BYTES_PER_SECOND, now);

/** Reads server-sent events from the bytes of a stream, each up to a bound, and all as an allowance has it. */
export class EventStream {
  readonly #whole: WholeEvents;
  readonly #parser: ReturnType<typeof createParser>;
  #events: StreamEvent[] = [];
  #error: ParseError | undefined;
  /** How long the server wants a client to wait before it comes back, in milliseconds. */
  retryMs: number | undefined;
  readonly #maxCharacters: number;
  readonly #allowance: Allowance;

  /** @param maxCharacters of one event; a larger one is a fault */
  constructor(maxCharacters: number, allowance: Allowance) {
    this.#maxCharacters = maxCharacters;
    this.#allowance = allowance;
    this.#whole = new WholeEvents(maxCharacters);
    this.#parser = createParser({
      maxBufferSize: maxCharacters,
      onEvent: (event) => {
        if (event.event === undefined || event.event === 'message') this.#events.push(event);
      },
      onRetry: (retryMs) => {
        this.retryMs = retryMs;
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.#error = error;
      },
    });
  }

  /** The events that a part of the stream ends. */
  read(bytes: Buffer): readonly StreamEvent[] {
    if (!this.#allowance.take(bytes.length))
      throw new Fault('too_large', `its stream says more than ${BYTES_PER_SECOND} bytes a second`);
    const text = this.#whole.take(bytes);
    if (text === '') return [];
    this.#parser.feed(text);
    if (this.#error) throw tooLarge(this.#maxCharacters);
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** That an answer is larger than what is read. */
export const tooLarge = (most: number): Fault =>
  new Fault('too_large', `its answer is larger than ${most} bytes`);
