/** What a session keeps for replay. */
interface Holder {
  /** Whose session it is. */
  readonly client: string;
  readonly characters: number;
  /** Drops the oldest, at least one, until it keeps no more than this or nothing more has to go. */
  shrink(to: number, hasToGo: () => boolean): void;
}

/**
 * What all sessions together may keep for replay, in characters of JSON. When it is used up, the client that holds most
 * gives way, with the session in which it holds most: nobody takes it from the others.
 */
export class ReplayBudget {
  readonly max: number;
  used = 0;
  readonly #holders = new Set<Holder>();

  constructor(max: number) {
    this.max = max;
  }

  join(holder: Holder): void {
    this.#holders.add(holder);
  }

  leave(holder: Holder): void {
    this.#holders.delete(holder);
  }

  /** Has the largest give way until the budget is kept: by a half at a time, so that few looks at all of them are enough. */
  makeRoom(): void {
    const isOver = (): boolean => this.used > this.max;
    while (isOver()) {
      const largest = this.#largest();
      largest.shrink(largest.characters / 2, isOver);
    }
  }

  #largest(): Holder {
    const byClient = new Map<string, { sum: number; largest: Holder }>();
    for (const holder of this.#holders) {
      const { sum, largest } = byClient.get(holder.client) ?? { sum: 0, largest: holder };
      byClient.set(holder.client, {
        sum: sum + holder.characters,
        largest: holder.characters > largest.characters ? holder : largest,
      });
    }
    return [...byClient.values()].reduce((most, each) => (each.sum > most.sum ? each : most)).largest;
  }
}
