import { cancelled, failed, type Failure } from './call.ts';
import type { OfferedTool } from './offered-tool.ts';

/** So late a deadline is only where nothing else could run either, in seconds. */
const HELD_SECONDS = 1;
const HELD =
  'The deadline itself was late: something blocked the event loop, such as a tool that computes for long and is not isolated (isolation: worker).';

/**
 * A run of a tool's code, which the deadline may end, or the client's patience, before it ends itself. Neither is watched before
 * the tool takes its time: many have returned by then.
 */
export class Run {
  readonly #client: AbortSignal;
  readonly #tool: Pick<OfferedTool, 'timeoutSeconds' | 'late'>;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #abort = new AbortController();
  #reason: Failure | undefined;
  #ended: (() => void) | undefined;

  /**
   * @param client aborts when the client cancels or goes away
   * @param tool its deadline, and what one ends in that the deadline ends
   * @param now monotonic, in seconds
   */
  constructor(client: AbortSignal, tool: Pick<OfferedTool, 'timeoutSeconds' | 'late'>, now: () => number) {
    this.#client = client;
    this.#tool = tool;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Aborts when it is ended. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Carries it out; what this says of one that was ended means nothing. */
  outcomeOf(work: () => unknown): unknown {
    const returned = work();
    return isThenable(returned) ? this.#wait(returned) : returned;
  }

  async #wait(running: PromiseLike<unknown>): Promise<unknown> {
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    const onDeadline = (): void => {
      this.#end(this.#timedOut());
    };
    const onGone = (): void => {
      this.#end(cancelled);
    };
    const left = this.#tool.timeoutSeconds - (this.#now() - this.#startedAt);
    const deadline = setTimeout(onDeadline, left * 1000);
    this.#client.addEventListener('abort', onGone);
    // By what the handler did before it waited.
    if (this.#client.aborted) onGone();
    try {
      return await Promise.race([running, ended]);
    } finally {
      clearTimeout(deadline);
      this.#client.removeEventListener('abort', onGone);
    }
  }

  /**
   * How long it took, and why it was ended, if it was. The timer cannot fire while a tool holds the event loop, so that the clock
   * is asked, too.
   */
  over(): { readonly seconds: number; readonly endedBy: Failure | undefined } {
    const seconds = this.#now() - this.#startedAt;
    if (seconds > this.#tool.timeoutSeconds) this.#end(this.#timedOut());
    return { seconds, endedBy: this.#reason };
  }

  #timedOut(): Failure {
    const { timeoutSeconds, late } = this.#tool;
    const failure = late ?? failed('timeout', `The tool did not finish within ${timeoutSeconds} s.`);
    const isHeld = this.#now() - this.#startedAt > timeoutSeconds + HELD_SECONDS;
    const why = typeof failure.cause === 'string' ? failure.cause : failure.message;
    return isHeld ? { ...failure, cause: `${why} ${HELD}` } : failure;
  }

  #end(reason: Failure): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#abort.abort(reason);
    this.#ended?.();
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { readonly then?: unknown }).then === 'function';
