const NONE = Buffer.alloc(0);

/** Bytes that come in parts, in one place: a buffer for each part would take many times as much, where they come one by one. */
export class GrowingBytes {
  #bytes: Buffer = NONE;
  length = 0;

  add(part: Buffer): void {
    const length = this.length + part.length;
    // What comes alone is not copied.
    if (this.length === 0) this.#bytes = part;
    else {
      if (length > this.#bytes.length) this.#grow(2 * length);
      part.copy(this.#bytes, this.length);
    }
    this.length = length;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(size);
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }

  /** All of them; there are none afterwards. */
  take(): Buffer {
    const all = this.#bytes.subarray(0, this.length);
    this.#bytes = NONE;
    this.length = 0;
    return all;
  }
}
