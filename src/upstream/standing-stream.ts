import { asFault } from './fault.ts';

/** How long a call waits for the stream, in milliseconds: some servers send nothing of it before there is something to say. */
const OPENED_MS = 1000;

/**
 * The stream of a session on which a 2025-era upstream asks what it does not ask on the stream of a call. It is opened before a
 * call, and before a later one again if it has ended.
 */
export class StandingStream {
  readonly #listen: (signal: AbortSignal, began: () => void) => Promise<void>;
  readonly #closed = new AbortController();
  #opened: Promise<unknown> | undefined;
  #isRefused = false;

  /** @param listen resolves when the stream ends, and rejects with a Fault when it cannot be had */
  constructor(listen: (signal: AbortSignal, began: () => void) => Promise<void>) {
    this.#listen = listen;
  }

  /** Resolves when it is open, as far as it can be had. */
  async open(): Promise<void> {
    if (!this.#isRefused) await (this.#opened ??= this.#open());
  }

  #open(): Promise<unknown> {
    return new Promise<void>((resolve) => {
      const late = setTimeout(resolve, OPENED_MS);
      void this.#listen(this.#closed.signal, resolve)
        .catch((error: unknown) => {
          this.#isRefused = asFault(error).kind === 'refused';
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
