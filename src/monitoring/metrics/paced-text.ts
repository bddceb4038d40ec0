/** A text, and how many bytes it has in UTF-8. */
export interface MeasuredText {
  readonly text: string;
  readonly bytes: number;
}

export const measured = (text: string): MeasuredText => ({ text, bytes: Buffer.byteLength(text) });

/** How long to hold the event loop at a time, in seconds. */
const SLICE_SECONDS = 0.002;

/**
 * A long text that is put together bit by bit. It lets the event loop turn when it has held it for a moment; no more often,
 * because a turn of a blocked loop is long.
 */
export class PacedText {
  readonly #now: () => number;
  readonly #texts: MeasuredText[] = [];
  #bytes = 0;
  #sliceStart: number;

  /** @param now monotonic, in seconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#sliceStart = now();
  }

  /** Has texts made, and does not add them. */
  prepare(texts: Iterable<MeasuredText>): Promise<void> {
    return this.#each(texts, () => undefined);
  }

  /** Adds texts, which may be made one by one. */
  add(texts: Iterable<MeasuredText>): Promise<void> {
    return this.#each(texts, (text) => {
      this.#texts.push(text);
      this.#bytes += text.bytes;
    });
  }

  /** All of it, in UTF-8. */
  async encoded(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(this.#bytes);
    let end = 0;
    await this.#each(this.#texts, ({ text }) => {
      end += bytes.write(text, end);
    });
    return bytes;
  }

  async #each(texts: Iterable<MeasuredText>, act: (text: MeasuredText) => void): Promise<void> {
    for (const text of texts) {
      act(text);
      if (this.#now() - this.#sliceStart < SLICE_SECONDS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      this.#sliceStart = this.#now();
    }
  }
}
