import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from './ask.ts';
import type { StreamEvent } from './event-stream.ts';
import { Fault, ofStatus } from './fault.ts';
import { discard, retryAfterOf } from './wire.ts';

/** How long a client waits before it comes back for an answer whose stream ended, and how often it does in vain. */
const COME_BACK_MS = 1000;
const MIN_COME_BACK_MS = 200;
const MAX_COME_BACK_MS = 10_000;
const MAX_COME_BACK = 3;

/** That an answer will not come, though what was asked for may have been done. */
const brokenOff = (): Fault => new Fault('connection', 'it ended its answer before the end');

/** Comes back for an answer whose stream has ended, from where on it is missing. */
export class ComeBacks {
  readonly #ask: (lastId: string) => Promise<Response>;
  readonly #signal: AbortSignal;
  #lastId: string | undefined;
  #askedFrom: string | undefined;
  #inVain = 0;

  /**
   * @param ask asks for the rest of the stream after the event of an id
   * @param signal ends the wait
   */
  constructor(ask: (lastId: string) => Promise<Response>, signal: AbortSignal) {
    this.#ask = ask;
    this.#signal = signal;
  }

  /** Takes note of how far the stream has come. */
  note({ id }: StreamEvent): void {
    this.#lastId = id ?? this.#lastId;
  }

  /**
   * Asks for the rest, as soon as it may be asked for; again if the upstream cannot say now.
   * @param retryMs how long the upstream wants a client to wait
   * @throws Fault where it cannot be asked for, or was in vain too often
   */
  async rest(retryMs = COME_BACK_MS): Promise<Response> {
    const response = await this.#ask(await this.#next(retryMs));
    const { statusCode } = response;
    if (statusCode === 200) return response;
    await discard(response);
    const { isForNow, kind, retryAfter = 0 } = ofStatus(statusCode, true, retryAfterOf(response));
    // Whatever else it says of the stream: the request itself was taken, and may have been done.
    if (!isForNow && kind !== 'server') throw brokenOff();
    return this.rest(Math.max(retryMs, retryAfter * 1000));
  }

  /** Waits until it may be asked for; resolves to the id of the last event that was seen. */
  async #next(retryMs: number): Promise<string> {
    const lastId = this.#lastId;
    this.#inVain = lastId === this.#askedFrom ? this.#inVain + 1 : 0;
    this.#askedFrom = lastId;
    if (lastId === undefined || this.#inVain >= MAX_COME_BACK) throw brokenOff();
    const pause = Math.min(Math.max(retryMs, MIN_COME_BACK_MS), MAX_COME_BACK_MS);
    await sleep(pause, undefined, { signal: this.#signal });
    return lastId;
  }
}
