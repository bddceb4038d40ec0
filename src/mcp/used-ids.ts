/** Ids remembered, such as one for each state that clients have sent back of late. */
const MAX_IDS = 10_000;

/** Ids that are used once: as far as this process knows, and while they are worth anything. */
export class UsedIds {
  readonly #keepSeconds: number;
  readonly #now: () => number;
  /** When each may be forgotten; the first comes first. */
  readonly #used = new Map<string, number>();

  /** @param now monotonic, in seconds */
  constructor(keepSeconds: number, now: () => number) {
    this.#keepSeconds = keepSeconds;
    this.#now = now;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#used.size;
  }

  /** Uses an id; false when it has been used. */
  use(id: string): boolean {
    const time = this.#now();
    for (const [old, until] of this.#used) {
      if (until > time && this.#used.size < MAX_IDS) break;
      this.#used.delete(old);
    }
    if (this.#used.has(id)) return false;
    this.#used.set(id, time + this.#keepSeconds);
    return true;
  }

  /** Whether an id has been used. */
  has(id: string): boolean {
    return (this.#used.get(id) ?? 0) > this.#now();
  }

  /** Lets an id be used once more. */
  giveBack(id: string): void {
    this.#used.delete(id);
  }
}
