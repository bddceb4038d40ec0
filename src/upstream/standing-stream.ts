import { asFault } from './fault.ts';

/** How long a call waits for the stream, in milliseconds: some servers send nothing of it before there is something to say. */
const OPENED_MS = 1000;

/** As long as that an upstream may have it not opened, at most (`Retry-After`), in seconds. */
const RETRY_AFTER_AT_MOST = 60;

/**
 * The stream of a session on which a 2025-era upstream asks what it does not ask on the stream of a call. It is opened before a
 * call, and before a later one again if it has ended.
 */
export class StandingStream {
  readonly #listen: (signal: AbortSignal, began: () => void) => Promise<void>;
  readonly #now: () => number;
  readonly #closed = new AbortController();
  #opened: Promise<unknown> | undefined;
  /** Before it, it is not opened. */
  #notBefore = -Infinity;

  /**
   * @param listen resolves when the stream ends, and rejects with a Fault when it cannot be had
   * @param now monotonic, in seconds
   */
  constructor(listen: (signal: AbortSignal, began: () => void) => Promise<void>, now: () => number) {
    this.#listen = listen;
    this.#now = now;
  }

  /** Resolves when it is open, as far as it can be had. */
  async open(): Promise<void> {
    if (this.#now() >= this.#notBefore) await (this.#opened ??= this.#open());
  }

  #open(): Promise<unknown> {
    return new Promise<void>((resolve) => {
      const late = setTimeout(resolve, OPENED_MS);
      void this.#listen(this.#closed.signal, resolve)
        .catch((error: unknown) => {
          const { isFinal, retryAfter = 0 } = asFault(error);
          const wait = isFinal ? Infinity : Math.min(retryAfter, RETRY_AFTER_AT_MOST);
          this.#notBefore = this.#now() + wait;
        })
        .finally(() => {
          clearTimeout(late);
          this.#opened = undefined;
          resolve();
        });
    });
  }

  close(): void {
    this.#closed.abort();
  }
}
