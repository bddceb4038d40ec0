/** So many at once, and so many a second. */
export class Allowance {
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
