/** Gives up a place; calling it again does nothing. */
export type Release = () => void;

interface Waiting {
  readonly lanes: readonly Lane[];
  enter(release: Release): void;
}

/** A limited resource: all calls, the calls of one tool, or the worker threads. */
export interface Lane {
  readonly limit: number;
  busy: number;
  waiting: number;
}

export const createLane = (limit: number): Lane => ({ limit, busy: 0, waiting: 0 });

/**
 * A bounded queue in front of lanes. A call enters when all its lanes have a free place; among the waiting, the
 * oldest that can enter goes first, so that one saturated tool does not hold up the others.
 */
export class Admission {
  readonly #queueLimit: number;
  readonly #queueWaitMs: number;
  readonly #queue = new Set<Waiting>();

  constructor(options: { readonly queueLimit: number; readonly queueWaitSeconds: number }) {
    this.#queueLimit = options.queueLimit;
    this.#queueWaitMs = options.queueWaitSeconds * 1000;
  }

  /**
   * Takes a place in every lane.
   * @returns its release, or `undefined` when the queue is full, the wait was too long or `signal` aborted
   */
  enter(lanes: readonly Lane[], signal: AbortSignal): Release | Promise<Release | undefined> | undefined {
    if (signal.aborted) return undefined;
    if (hasRoom(lanes)) return this.#occupy(lanes);
    if (this.#queue.size >= this.#queueLimit) return undefined;
    return new Promise((resolve) => {
      const leave = (release: Release | undefined): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#queue.delete(waiting);
        for (const lane of lanes) lane.waiting -= 1;
        resolve(release);
      };
      const giveUp = (): void => {
        leave(undefined);
      };
      const waiting: Waiting = { lanes, enter: leave };
      const timer = setTimeout(giveUp, this.#queueWaitMs);
      signal.addEventListener('abort', giveUp);
      this.#queue.add(waiting);
      for (const lane of lanes) lane.waiting += 1;
    });
  }

  #occupy(lanes: readonly Lane[]): Release {
    for (const lane of lanes) lane.busy += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const lane of lanes) lane.busy -= 1;
      this.#advance();
    };
  }

  #advance(): void {
    for (const waiting of this.#queue) {
      if (hasRoom(waiting.lanes)) waiting.enter(this.#occupy(waiting.lanes));
    }
  }
}

const hasRoom = (lanes: readonly Lane[]): boolean => lanes.every((lane) => lane.busy < lane.limit);
