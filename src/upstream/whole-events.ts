import { StringDecoder } from 'node:string_decoder';
import { GrowingBytes } from './growing-bytes.ts';

const CR = 13;

/**
 * The text of a stream of server-sent events, given on event by event. The parser keeps a string for each line of an event that
 * has not ended: for short lines many times their size. Here it is kept as it came.
 */
export class WholeEvents {
  readonly #most: number;
  readonly #decoder = new StringDecoder('utf8');
  readonly #kept = new GrowingBytes();
  /** The last byte that came. */
  #last = 0;

  /** @param most bytes that are kept; of an event that is larger, or comments without end, the parser sees to the rest */
  constructor(most: number) {
    this.#most = most;
  }

  /** All that has come up to now, if an event ends in it; else nothing yet. */
  take(bytes: Buffer): string {
    const isFlushedInCr = this.#last === CR && this.#kept.length === 0;
    // What ends an event is a line end right behind another; of CR LF the parser has waited for the second half.
    const isEnd = isFlushedInCr || ENDS.some((end) => bytes.includes(end)) || this.#endsAcross(bytes);
    this.#kept.add(bytes);
    this.#last = bytes.at(-1) ?? this.#last;
    return isEnd || this.#kept.length > this.#most ? this.#decoder.write(this.#kept.take()) : '';
  }

  /** Whether an event ends by what came before and what comes now. */
  #endsAcross(bytes: Buffer): boolean {
    return ENDS.includes(String.fromCharCode(this.#last, bytes[0] ?? 0));
  }
}

const ENDS = ['\n\n', '\r\r', '\n\r'];
