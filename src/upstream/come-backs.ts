import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamEvent } from './event-stream.ts';
import { Fault } from './fault.ts';

/** How long a client waits before it comes back for an answer whose stream ended, and how often it does in vain. */
const COME_BACK_MS = 1000;
const MIN_COME_BACK_MS = 200;
const MAX_COME_BACK_MS = 10_000;
const MAX_COME_BACK = 3;

/** That an answer will not come, though what was asked for may have been done. */
export const brokenOff = (): Fault => new Fault('connection', 'it ended its answer before the end');

/** When to come back for an answer whose stream has ended, and from where on. */
export class ComeBacks {
  #lastId: string | undefined;
  #askedFrom: string | undefined;
  #inVain = 0;

  /** Takes note of how far the stream has come. */
  note({ id }: StreamEvent): void {
    this.#lastId = id ?? this.#lastId;
  }

  /**
   * Waits until it may be asked for; resolves to the id of the last event that was seen.
   * @param retryMs how long the upstream wants a client to wait
   * @throws Fault where it cannot be asked for, or was in vain too often
   */
  async next(retryMs = COME_BACK_MS, signal?: AbortSignal): Promise<string> {
    const lastId = this.#lastId;
    this.#inVain = lastId === this.#askedFrom ? this.#inVain + 1 : 0;
    this.#askedFrom = lastId;
    if (lastId === undefined || this.#inVain >= MAX_COME_BACK) throw brokenOff();
    const pause = Math.min(Math.max(retryMs, MIN_COME_BACK_MS), MAX_COME_BACK_MS);
    await sleep(pause, undefined, signal && { signal });
    return lastId;
  }
}
