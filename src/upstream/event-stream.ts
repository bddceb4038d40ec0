import { StringDecoder } from 'node:string_decoder';
import { createParser, ParseError, type EventSourceMessage } from 'eventsource-parser';
import { Fault } from './fault.ts';

/** An event of a stream, as far as MCP uses them; without `data` it only has an id. */
export type StreamEvent = Pick<EventSourceMessage, 'id' | 'data'>;

/** Reads server-sent events from the bytes of a stream, each up to a bound. */
export class EventStream {
  readonly #decoder = new StringDecoder('utf8');
  readonly #parser: ReturnType<typeof createParser>;
  #events: StreamEvent[] = [];
  #error: ParseError | undefined;
  /** How long the server wants a client to wait before it comes back, in milliseconds. */
  retryMs: number | undefined;
  readonly #maxCharacters: number;

  /** @param maxCharacters of one event; a larger one is a fault */
  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
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
    this.#parser.feed(this.#decoder.write(bytes));
    if (this.#error) throw tooLarge(this.#maxCharacters);
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** That an answer is larger than what is read. */
export const tooLarge = (most: number): Fault =>
  new Fault('too_large', `its answer is larger than ${most} bytes`);
