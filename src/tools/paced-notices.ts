import { Allowance } from './allowance.ts';
import type { ToolContext } from './tool.ts';
import { WaitingLogs } from './waiting-logs.ts';

/** What a call tells its client before the answer. */
export type Notices = Pick<ToolContext, 'progress' | 'log' | 'releaseConnection'>;

/** Notices that may be called as often as one likes, and what sends the last of them. */
export interface PacedNotices {
  readonly notices: Notices;
  /** Sends what still waits, and says how much was left out. Nothing is sent after it. */
  readonly end: () => void;
}

export interface PacedOptions {
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Whether whoever is told has taken what was sent before. */
  readonly isReady: () => boolean;
  /** Log messages that are sent at once, and that wait then. */
  readonly logs?: { readonly atOnce: number; readonly waiting: number };
}

/** What clients are sent; of a thread it has to be less, so that nothing is left out a second time on its way. */
const CLIENT_LOGS = { atOnce: 50, waiting: 64 };
export const THREAD_LOGS = { atOnce: 25, waiting: 32 };

/** Looks whether something that waits can be sent. */
const LOOK_EVERY_MS = 100;

const LOGS_PER_SECOND = 50;

/** What is for people to read while they wait. */
const MAX_PROGRESS_CHARACTERS = 1000;

/**
 * Passes on what a tool tells its client at a bounded rate, however fast it does, and no faster than it is taken. Of progress
 * the newest is passed on. Of log messages some wait, the least severe are left out when it is too many, and at the end
 * one more says how many were.
 */
export function pacedNotices(send: Notices, options: PacedOptions): PacedNotices {
  // Made when something is said: most calls say nothing.
  let queues: Queues | undefined;
  let isOver = false;
  const unlessOver = (put: (queues: Queues) => void): void => {
    if (isOver) return;
    put((queues ??= new Queues(send, options)));
    queues.sendWaiting();
  };
  return {
    notices: {
      progress(done, total, message) {
        unlessOver(({ progress }) => {
          const text = message?.slice(0, MAX_PROGRESS_CHARACTERS);
          progress.put(() => {
            send.progress(done, total, text);
          });
        });
      },
      log(level, data) {
        unlessOver(({ logs }) => {
          logs.put(level, data);
        });
      },
      releaseConnection() {
        unlessOver(({ release }) => {
          release.put(send.releaseConnection);
        });
      },
    },
    end() {
      isOver = true;
      queues?.end();
    },
  };
}

/** What one call has said that was not sent yet. */
class Queues {
  readonly progress: Newest;
  readonly release: Newest;
  readonly logs: WaitingLogs;
  readonly #isReady: () => boolean;
  #looking: NodeJS.Timeout | undefined;

  constructor(send: Notices, { now, isReady, logs: { atOnce, waiting } = CLIENT_LOGS }: PacedOptions) {
    this.progress = new Newest(new Allowance(10, 10, now));
    // To let go twice does no more than once, but a client that came back may be let go again.
    this.release = new Newest(new Allowance(1, 1, now));
    this.logs = new WaitingLogs(new Allowance(atOnce, LOGS_PER_SECOND, now), waiting, send);
    this.#isReady = isReady;
  }

  /** Sends what may be sent, and looks again later where something has to wait. */
  sendWaiting(): void {
    const all = [this.progress, this.release, this.logs];
    for (const each of all) each.send(this.#isReady);
    if (this.#looking || !all.some(({ waits }) => waits)) return;
    this.#looking = setTimeout(() => {
      this.#looking = undefined;
      this.sendWaiting();
    }, LOOK_EVERY_MS);
  }

  end(): void {
    clearTimeout(this.#looking);
    this.progress.flush();
    this.logs.flush();
  }
}

/** What is to be sent, in place of what was before. */
class Newest {
  readonly #allowance: Allowance;
  #waiting: (() => void) | undefined;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  put(send: () => void): void {
    this.#waiting = send;
  }

  send(isReady: () => boolean): void {
    if (this.#waiting && isReady() && this.#allowance.take(1)) this.flush();
  }

  flush(): void {
    const send = this.#waiting;
    this.#waiting = undefined;
    send?.();
  }
}
