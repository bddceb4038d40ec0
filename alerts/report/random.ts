/** A seeded source of random numbers: the same seed gives the same simulation. */
export class Random {
  #state: number;

  constructor(seed: string) {
    // FNV-1a: similar seeds give unlike states.
    this.#state = 0x811c9dc5;
    for (const character of seed)
      this.#state = Math.imul(this.#state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }

  /** Uniform in [0, 1), by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` up to but without `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  /** How many independent events happen when `mean` are expected. */
  poisson(mean: number): number {
    if (mean > 30) return Math.max(Math.round(mean + Math.sqrt(mean) * this.#normal()), 0);
    const limit = Math.exp(-mean);
    let events = 0;
    for (let product = this.next(); product > limit; product *= this.next()) events += 1;
    return events;
  }

  /** How many of `count` independent trials succeed, each with a probability of `share`. */
  binomial(count: number, share: number): number {
    if (share > 0.5) return count - this.binomial(count, 1 - share);
    const mean = count * share;
    if (mean > 30) return clamp(Math.round(mean + Math.sqrt(mean * (1 - share)) * this.#normal()), 0, count);
    if (count > 100) return clamp(this.poisson(mean), 0, count);
    let successes = 0;
    for (let trial = 0; trial < count; trial++) if (this.next() < share) successes += 1;
    return successes;
  }

  /** Divides `count` events among the shares, which sum up to 1. */
  split(count: number, shares: readonly number[]): readonly number[] {
    let events = count;
    let rest = 1;
    return shares.map((share) => {
      const part = rest <= share ? events : this.binomial(events, share / rest);
      events -= part;
      rest -= share;
      return part;
    });
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
