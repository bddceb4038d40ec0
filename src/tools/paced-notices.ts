import { LOG_LEVELS, type LogLevel, type ToolContext } from './tool.ts';

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

/** Characters of JSON of the log messages that wait. */
const MAX_WAITING_CHARACTERS = 65_536;

/** A log message costs one, and one more for each of so many characters. */
const CHARACTERS_FOR_ONE = 1024;

/** What is for people to read while they wait. */
const MAX_PROGRESS_CHARACTERS = 1000;

/**
 * Passes on what a tool tells its client at a bounded rate, however fast it does, and no faster than it is taken. Of progress
 * the newest is passed on. Of log messages some wait, the least severe are left out when it is too many, and at the end
 * one more says how many were.
 */
export function pacedNotices(
  send: Notices,
  { now, isReady, logs: { atOnce, waiting } = CLIENT_LOGS }: PacedOptions,
): PacedNotices {
  const progress = new Newest(new Allowance(10, 10, now), (args: Parameters<Notices['progress']>) => {
    send.progress(...args);
  });
  const release = new Newest(new Allowance(1, 1, now), () => {
    send.releaseConnection();
  });
  const logs = new WaitingLogs(new Allowance(atOnce, LOGS_PER_SECOND, now), waiting, send);
  let looking: NodeJS.Timeout | undefined;
  let isOver = false;
  const sendWaiting = (): void => {
    for (const each of [progress, release, logs]) each.send(isReady);
    if (looking || ![progress, release, logs].some(({ waits }) => waits)) return;
    looking = setTimeout(() => {
      looking = undefined;
      sendWaiting();
    }, LOOK_EVERY_MS);
  };
  const unlessOver = (take: () => void): void => {
    if (isOver) return;
    take();
    sendWaiting();
  };
  return {
    notices: {
      progress(done, total, message) {
        unlessOver(() => {
          progress.put([done, total, message?.slice(0, MAX_PROGRESS_CHARACTERS)]);
        });
      },
      log(level, data) {
        unlessOver(() => {
          logs.put(level, data);
        });
      },
      releaseConnection() {
        unlessOver(() => {
          release.put(undefined);
        });
      },
    },
    end() {
      isOver = true;
      clearTimeout(looking);
      progress.flush();
      logs.flush();
    },
  };
}

/** So many at once, and so many a second. */
class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #countedAt: number;

  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = burst;
    this.#countedAt = now();
  }

  /** Takes so many, or as many as there ever are at once; false when there are not so many. */
  take(many: number): boolean {
    const time = this.#now();
    this.#left = Math.min(this.#burst, this.#left + (time - this.#countedAt) * this.#perSecond);
    this.#countedAt = time;
    const cost = Math.min(many, this.#burst);
    if (this.#left < cost) return false;
    this.#left -= cost;
    return true;
  }
}

/** A value that takes the place of the one before. */
class Newest<Value> {
  readonly #allowance: Allowance;
  readonly #send: (value: Value) => void;
  #waiting: { readonly value: Value } | undefined;

  constructor(allowance: Allowance, send: (value: Value) => void) {
    this.#allowance = allowance;
    this.#send = send;
  }

  get waits(): boolean {
    return this.#waiting !== undefined;
  }

  put(value: Value): void {
    this.#waiting = { value };
  }

  send(isReady: () => boolean): void {
    if (this.#waiting && isReady() && this.#allowance.take(1)) this.flush();
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.#send(waiting.value);
  }
}

interface WaitingLog {
  readonly level: LogLevel;
  /** As it was when it was logged: the tool may change the value. */
  readonly json: string;
}

const severity = (level: LogLevel): number => LOG_LEVELS.indexOf(level);

class WaitingLogs {
  readonly #allowance: Allowance;
  readonly #limit: number;
  readonly #send: Pick<Notices, 'log'>;
  #waiting: WaitingLog[] = [];
  #characters = 0;
  #leftOut = 0;

  /** @param limit how many wait */
  constructor(allowance: Allowance, limit: number, send: Pick<Notices, 'log'>) {
    this.#allowance = allowance;
    this.#limit = limit;
    this.#send = send;
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  put(level: LogLevel, data: unknown): void {
    // Before it is made JSON: leaving out is to be cheap.
    if (this.#waiting.length >= this.#limit && !this.#leaveOutOneLessSevereThan(level)) {
      this.#leftOut += 1;
      return;
    }
    const json = JSON.stringify(data);
    if (json.length > MAX_WAITING_CHARACTERS) {
      this.#leftOut += 1;
      return;
    }
    this.#waiting.push({ level, json });
    this.#characters += json.length;
    while (this.#characters > MAX_WAITING_CHARACTERS) this.#leaveOut(this.#leastSevere());
  }

  send(isReady: () => boolean): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const cost = 1 + Math.floor(next.json.length / CHARACTERS_FOR_ONE);
      if (!isReady() || !this.#allowance.take(cost)) return;
      this.#take(next);
      this.#send.log(next.level, JSON.parse(next.json));
    }
  }

  flush(): void {
    for (const { level, json } of this.#waiting.splice(0)) this.#send.log(level, JSON.parse(json));
    if (this.#leftOut === 0) return;
    const many =
      this.#leftOut === 1
        ? '1 log message of this call was'
        : `${this.#leftOut} log messages of this call were`;
    this.#send.log('warning', `${many} left out: too many or too large to be sent`);
  }

  #leaveOutOneLessSevereThan(level: LogLevel): boolean {
    const least = this.#leastSevere();
    if (!least || severity(least.level) >= severity(level)) return false;
    this.#leaveOut(least);
    return true;
  }

  /** The newest of the least severe. */
  #leastSevere(): WaitingLog | undefined {
    const lowest = Math.min(...this.#waiting.map(({ level }) => severity(level)));
    return this.#waiting.findLast(({ level }) => severity(level) === lowest);
  }

  #leaveOut(log: WaitingLog | undefined): void {
    if (!log) return;
    this.#take(log);
    this.#leftOut += 1;
  }

  #take(log: WaitingLog): void {
    this.#waiting.splice(this.#waiting.indexOf(log), 1);
    this.#characters -= log.json.length;
  }
}
