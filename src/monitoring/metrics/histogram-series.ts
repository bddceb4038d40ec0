import { exemplarText, type Exemplar } from './exemplars.ts';
import { labelsText, numberText, sampleStart } from './sample-text.ts';
import type { LabelSet } from './series.ts';
import { TimeSeries, type RegistrySample, type TextKeeper } from './time-series.ts';

/** What all series of a histogram have in common. */
export class Buckets {
  readonly name: string;
  readonly bounds: readonly number[];
  /** What the line of each bucket begins with. */
  readonly starts: readonly string[];

  constructor(name: string, bounds: readonly number[]) {
    this.name = name;
    this.bounds = bounds;
    this.starts = [...bounds, '+Inf'].map((le) => `${name}_bucket{${labelsText({ le })}`);
  }

  /** The index of the bucket that counts a value; that of none is the last. */
  indexOf(value: number): number {
    let index = 0;
    for (const bound of this.bounds) {
      if (value <= bound) break;
      index += 1;
    }
    return index;
  }
}

/** A series of a histogram. */
export class HistogramSeries extends TimeSeries {
  readonly #buckets: Buckets;
  readonly #unixTime: () => number;
  /** Of each bucket, without those below it. */
  readonly #counts: number[];
  /** By the index of the bucket; most series never have any. */
  #exemplars: Map<number, Exemplar> | undefined;
  #sum = 0;

  /** @param unixTime seconds since the epoch, for the calls that it points to */
  constructor(buckets: Buckets, labels: LabelSet, keeper: TextKeeper, unixTime: () => number) {
    super(labels, keeper);
    this.#buckets = buckets;
    this.#unixTime = unixTime;
    this.#counts = buckets.starts.map(() => 0);
  }

  /** How many values each bucket has counted, those of the buckets below it left out; the last is the one without a bound. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** @param traceId of the call that the bucket is to point to */
  observe(value: number, traceId?: string): void {
    const { name } = this.#buckets;
    if (!Number.isFinite(value)) throw new RangeError(`${name} cannot take ${value}`);
    const index = this.#buckets.indexOf(value);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
    this.keeper.moved();
    if (traceId === undefined) return;
    (this.#exemplars ??= new Map()).set(index, { traceId, value, time: this.#unixTime() });
    this.keeper.traced();
  }

  reset(): void {
    this.#counts.fill(0);
    this.#exemplars = undefined;
    this.#sum = 0;
    this.keeper.moved();
  }

  samples(): RegistrySample[] {
    const { name, bounds } = this.#buckets;
    const sharedLabels = this.labels;
    let value = 0;
    const samples: RegistrySample[] = [...bounds, '+Inf'].map((le, index) => {
      value += this.#counts[index] ?? 0;
      return { labels: { le }, sharedLabels, value, metricName: `${name}_bucket` };
    });
    samples.push(
      { labels: {}, sharedLabels, value: this.#sum, metricName: `${name}_sum` },
      { labels: {}, sharedLabels, value, metricName: `${name}_count` },
    );
    return samples;
  }

  protected startOf(labels: string): string {
    return labels;
  }

  protected writeFrom(labels: string, lines: string[], withExemplars: boolean): void {
    const { name, starts } = this.#buckets;
    const end = labels === '' ? '} ' : `,${labels}} `;
    let count = 0;
    let index = 0;
    for (const start of starts) {
      count += this.#counts[index] ?? 0;
      const exemplar = withExemplars ? exemplarText(this.#exemplars?.get(index)) : '';
      lines.push(`${start}${end}${count}${exemplar}\n`);
      index += 1;
    }
    lines.push(
      `${sampleStart(`${name}_sum`, labels)}${numberText(this.#sum)}\n`,
      `${sampleStart(`${name}_count`, labels)}${count}\n`,
    );
  }
}
