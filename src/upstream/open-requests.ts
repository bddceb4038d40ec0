/**
 * The HTTP requests of a connection that are under way. Each is ended by a signal of its own, by its key, or with all. That is done
 * by listeners, since a call takes longer with `AbortSignal.any`.
 */
export class OpenRequests<Key> {
  readonly #ends = new Map<Key | symbol, AbortController>();
  #isClosed = false;

  /**
   * Makes a request.
   * @param ending ends it, with its reason
   * @param make is given the signal that says that it has ended
   * @param key to end it by
   */
  async during<Result>(
    ending: AbortSignal | undefined,
    make: (signal: AbortSignal) => Promise<Result>,
    key: Key | symbol = Symbol('request'),
  ): Promise<Result> {
    const controller = new AbortController();
    const end = (): void => {
      controller.abort(ending?.reason);
    };
    if (this.#isClosed || ending?.aborted === true) end();
    ending?.addEventListener('abort', end);
    this.#ends.set(key, controller);
    try {
      return await make(controller.signal);
    } finally {
      this.#ends.delete(key);
      ending?.removeEventListener('abort', end);
    }
  }

  /** Ends one, if it is under way. */
  end(key: Key): void {
    this.#ends.get(key)?.abort();
  }

  /** Ends all, and whatever comes. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#ends.values()) controller.abort();
  }
}
