import { cancelled, failed, type Failure } from './call.ts';

/**
 * A run of a tool's code, which the deadline may end, or the client's patience, before it ends itself. A signal is made for a
 * tool that looks at it, and a timer for one that takes its time: most calls need neither.
 */
export class Run {
  readonly #client: AbortSignal;
  readonly #timeoutSeconds: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #abort: AbortController | undefined;
  #reason: Failure | undefined;
  #ended: (() => void) | undefined;

  /**
   * @param client aborts when the client cancels or goes away
   * @param now monotonic, in seconds
   */
  constructor(client: AbortSignal, timeoutSeconds: number, now: () => number) {
    this.#client = client;
    this.#timeoutSeconds = timeoutSeconds;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Since it began. */
  get seconds(): number {
    return this.#now() - this.#startedAt;
  }

  /** Aborts when it is ended. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** Carries it out; when it was ended, what this returns or throws says nothing. */
  async outcomeOf(work: () => unknown): Promise<unknown> {
    const returned = work();
    return isThenable(returned) ? this.#wait(returned) : returned;
  }

  async #wait(running: PromiseLike<unknown>): Promise<unknown> {
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    const onDeadline = (): void => {
      this.#end(timedOut(this.#timeoutSeconds));
    };
    const onGone = (): void => {
      this.#end(cancelled);
    };
    const deadline = setTimeout(onDeadline, (this.#timeoutSeconds - this.seconds) * 1000);
    this.#client.addEventListener('abort', onGone);
    try {
      return await Promise.race([running, ended]);
    } finally {
      clearTimeout(deadline);
      this.#client.removeEventListener('abort', onGone);
    }
  }

  /** Why it was ended, if it was. The timer cannot fire while a tool holds the event loop, so that the clock is asked, too. */
  endedBy(): Failure | undefined {
    if (!this.#reason && this.seconds > this.#timeoutSeconds) this.#end(timedOut(this.#timeoutSeconds));
    return this.#reason;
  }

  #end(reason: Failure): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#abort?.abort(reason);
    this.#ended?.();
  }
}

const timedOut = (seconds: number): Failure =>
  failed('timeout', `The tool did not finish within ${seconds} s.`);

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { readonly then?: unknown }).then === 'function';
