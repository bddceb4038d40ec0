import type { Allowance } from './allowance.ts';
import { LOG_LEVELS, type LogLevel, type ToolContext } from './tool.ts';

/** Characters of JSON of the log messages that wait. */
const MAX_WAITING_CHARACTERS = 65_536;

/** A log message costs one, and one more for each of so many characters. */
const CHARACTERS_FOR_ONE = 1024;

interface WaitingLog {
  readonly level: LogLevel;
  /** As it was when it was logged: the tool may change the value. */
  readonly json: string;
}

const severity = (level: LogLevel): number => LOG_LEVELS.indexOf(level);

/**
 * Log messages that wait until they may be sent. When they are too many, the least severe are left out; in the end one more
 * message says how many were.
 */
export class WaitingLogs {
  readonly #allowance: Allowance;
  readonly #limit: number;
  readonly #send: Pick<ToolContext, 'log'>;
  #waiting: WaitingLog[] = [];
  #characters = 0;
  #leftOut = 0;

  /** @param limit how many wait */
  constructor(allowance: Allowance, limit: number, send: Pick<ToolContext, 'log'>) {
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
