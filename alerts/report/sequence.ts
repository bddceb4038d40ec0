/** What a scrape leaves in a series: a value, nothing, or the mark that the series has ended. */
export type Sample = number | 'missing' | 'stale';

/** The samples of one series in promtool's notation: `_x3` is 3 missing, `7x3` is 7 and 3 more of it. */
export class Sequence {
  readonly #runs: string[] = [];
  #last: Sample = 'missing';
  #length = 0;

  /** @param missing how many scrapes the series was not there for */
  constructor(missing = 0) {
    this.#length = missing;
  }

  add(sample: Sample): void {
    if (sample !== this.#last) {
      this.#endRun();
      this.#last = sample;
    }
    this.#length += 1;
  }

  toString(): string {
    this.#endRun();
    return this.#runs.join(' ');
  }

  #endRun(): void {
    const length = this.#length;
    this.#length = 0;
    if (length === 0) return;
    if (this.#last === 'missing') this.#runs.push(`_x${length}`);
    else if (this.#last === 'stale') this.#runs.push(...Array<string>(length).fill('stale'));
    else this.#runs.push(length === 1 ? String(this.#last) : `${this.#last}x${length - 1}`);
  }
}
