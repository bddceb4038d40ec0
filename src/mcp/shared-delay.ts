/** What something is to be done about after a while. */
export interface Delayed {
  due(): void;
}

/** Delays of one length that have one timer for all of them: a timer for each call costs more than to record it. */
export class SharedDelay {
  readonly seconds: number;
  readonly #now: () => number;
  /** When each is due; the first is due first. */
  readonly #waiting = new Map<Delayed, number>();
  #hasTimer = false;

  /** @param now monotonic, in seconds */
  constructor(seconds: number, now: () => number) {
    this.seconds = seconds;
    this.#now = now;
  }

  /** Begins a delay, or begins it anew. It keeps no process alive. */
  begin(delayed: Delayed): void {
    this.#waiting.delete(delayed);
    this.#waiting.set(delayed, this.#now() + this.seconds);
    if (!this.#hasTimer) this.#lookIn(this.seconds);
  }

  /** Calls one off; does nothing for one that has not begun, or is over. */
  end(delayed: Delayed): void {
    this.#waiting.delete(delayed);
  }

  #lookIn(seconds: number): void {
    this.#hasTimer = true;
    setTimeout(this.#look, seconds * 1000).unref();
  }

  readonly #look = (): void => {
    const now = this.#now();
    try {
      for (const [delayed, at] of this.#waiting) {
        if (at > now) break;
        this.#waiting.delete(delayed);
        delayed.due();
      }
    } finally {
      // Not sooner: one that begins again would set another.
      const [next] = this.#waiting.values();
      if (next === undefined) this.#hasTimer = false;
      else this.#lookIn(next - now);
    }
  };
}
