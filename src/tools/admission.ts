import { Turns } from './turns.ts';

/** Gives up a place; calling it again does nothing. */
export type Release = () => void;

interface Waiting {
  /** Whose call it is. */
  readonly client: string;
  readonly lanes: readonly Lane[];
  /** Ends the wait: with a place, or without one. */
  leave(release?: Release): void;
}

/** A limited resource: all calls, the calls of one tool, or the worker threads. */
export interface Lane {
  /** Whose places they are, in words for the log. */
  readonly of: string;
  readonly limit: number;
  busy: number;
  waiting: number;
  readonly turns: Turns<Waiting>;
}

export const createLane = (limit: number, of = 'the server'): Lane => ({
  of,
  limit,
  busy: 0,
  waiting: 0,
  turns: new Turns(),
});

/**
 * A bounded queue in front of lanes. A call enters when all its lanes have a free place. Of those that wait for a lane,
 * clients have turns, so that a client waits for one call of each other client, however many those have made; and a call
 * that cannot enter for another lane is passed over, so that one saturated tool does not hold up the others.
 *
 * A place that is given up costs nothing unless calls wait for it; then mostly a look at the first of them, and at most one
 * at each that waits, when all of them wait for something else, too.
 */
export class Admission {
  readonly #queueLimit: number;
  readonly #queueWaitMs: number;
  readonly #queue = new Turns<Waiting>();

  constructor(options: { readonly queueLimit: number; readonly queueWaitSeconds: number }) {
    this.#queueLimit = options.queueLimit;
    this.#queueWaitMs = options.queueWaitSeconds * 1000;
  }

  /**
   * Takes a place in every lane.
   * @param client whose call it is
   * @param lanes the widest first: each is used by all calls that use a later one
   * @returns its release, or `undefined` when the queue is full, the wait was too long or `signal` aborted
   */
  enter(
    client: string,
    lanes: readonly Lane[],
    signal: AbortSignal,
  ): Release | Promise<Release | undefined> | undefined {
    if (signal.aborted) return undefined;
    if (hasRoom(lanes)) return this.#occupy(lanes);
    if (this.#queue.size >= this.#queueLimit && !this.#makeWayFor(client)) return undefined;
    return new Promise((resolve) => {
      const leave = (release?: Release): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#queue.remove(waiting);
        for (const lane of lanes) {
          lane.waiting -= 1;
          lane.turns.remove(waiting);
        }
        resolve(release);
      };
      const giveUp = (): void => {
        leave();
      };
      const waiting: Waiting = { client, lanes, leave };
      const timer = setTimeout(giveUp, this.#queueWaitMs);
      signal.addEventListener('abort', giveUp);
      this.#queue.add(waiting);
      for (const lane of lanes) {
        lane.waiting += 1;
        lane.turns.add(waiting);
      }
    });
  }

  /** Ends the newest wait of the client that has most calls in a full queue, if that leaves it no worse off than this one. */
  #makeWayFor(client: string): boolean {
    const most = this.#queue.most();
    if (most.length < this.#queue.of(client) + 2) return false;
    most.at(-1)?.leave();
    return true;
  }

  #occupy(lanes: readonly Lane[]): Release {
    for (const lane of lanes) lane.busy += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      // Nobody waits for the others.
      const wanted = lanes.filter(({ busy, limit, waiting }) => busy >= limit && waiting > 0);
      for (const lane of lanes) lane.busy -= 1;
      for (const lane of wanted) this.#fill(lane);
    };
  }

  /** Lets in whoever may enter, in turn, until the lane is full. */
  #fill(lane: Lane): void {
    while (lane.busy < lane.limit) {
      const next = lane.turns.find(({ lanes }) => hasRoom(lanes));
      if (!next) return;
      for (const taken of next.lanes) taken.turns.endTurn(next.client);
      next.leave(this.#occupy(next.lanes));
    }
  }
}

/** How many places of a lane are taken, of how many, and how many calls wait that need one, even if for another lane. */
export interface Places {
  readonly limit: number;
  readonly taken: number;
  readonly waiting: number;
}

export const placesOf = ({ limit, busy: taken, waiting }: Lane): Places => ({ limit, taken, waiting });

/**
 * Why a call that needs a place in all of these finds none, in words for the log.
 * @param hasWaited otherwise it was refused at once, because there was no room to wait
 */
export function whyFull(lanes: readonly Lane[], hasWaited: boolean): string {
  const full = lanes.find(({ busy, limit }) => busy >= limit);
  const taken =
    full &&
    (full.limit === 1
      ? `the only place of ${full.of} is taken`
      : `all ${full.limit} places of ${full.of} are taken`);
  const crowd = 'too many calls wait for places';
  if (!taken) return crowd;
  return hasWaited ? taken : `${taken}, and ${crowd}`;
}

const hasRoom = (lanes: readonly Lane[]): boolean => lanes.every((lane) => lane.busy < lane.limit);
