import { cancelled, failed, type Failure } from './call.ts';
import type { OfferedTool } from './offered-tool.ts';

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
      this.#end(timedOut(this.#tool));
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
    if (seconds > this.#tool.timeoutSeconds) this.#end(timedOut(this.#tool));
    return { seconds, endedBy: this.#reason };
  }

  #end(reason: Failure): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#abort.abort(reason);
    this.#ended?.();
  }
}

const timedOut = ({ timeoutSeconds, late }: Pick<OfferedTool, 'timeoutSeconds' | 'late'>): Failure =>
  late ?? failed('timeout', `The tool did not finish within ${timeoutSeconds} s.`);

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { readonly then?: unknown }).then === 'function';
