/**
 * A signal that aborts with another one, or when a time is over. `AbortSignal.timeout` and `AbortSignal.any` would do the same,
 * but stay when the work is done: until then, or for ever if somebody still listens, with the async context that they were
 * made in, and so with the call and all that its client sent.
 */
export class Deadline {
  readonly #outer: AbortSignal;
  readonly #ended = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #passed = false;

  constructor(outer: AbortSignal, seconds: number) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#ended.abort();
    }, seconds * 1000);
    if (outer.aborted) this.#follow();
    else outer.addEventListener('abort', this.#follow, { once: true });
  }

  readonly #follow = (): void => {
    this.#ended.abort(this.#outer.reason);
  };

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether it was the time that ended it. */
  get passed(): boolean {
    return this.#passed;
  }

  /** Ends the work before that. */
  end(why: Error): void {
    this.#ended.abort(why);
  }

  /** Must be called when the work is done. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#follow);
  }
}
