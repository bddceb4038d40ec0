/** Counts what is in flight, and tells when nothing is. */
export class InFlight {
  #count = 0;
  #noneLeft: () => void = () => undefined;

  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) this.#noneLeft();
    }
  }

  /** Resolves when nothing is in flight. */
  ended(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#noneLeft = resolve;
    });
  }
}
