import { flatCopy } from '../flat-copy.ts';
import { exemplarText, type Exemplar } from './exemplars.ts';
import { labelsText, numberText, sampleStart, type LabelValues } from './sample-text.ts';
import type { LabelSet } from './series.ts';

/** A sample as prom-client reads it; `sharedLabels` are those of its whole series. */
export interface RegistrySample {
  readonly labels: LabelValues;
  readonly value: number;
  readonly metricName?: string;
  readonly sharedLabels?: LabelValues;
}

/** Who keeps the text of a series. */
export interface TextKeeper {
  /** The series is not where it was when that was written. */
  moved(): void;
  /** It points to a call, so that there is more to say in OpenMetrics. */
  traced(): void;
}

/** One series of a metric. */
export abstract class TimeSeries {
  readonly labels: LabelSet;
  /** Whether it was removed, so that what it counts is nowhere exposed. */
  isRemoved = false;
  protected readonly keeper: TextKeeper;
  #defaults: LabelValues | undefined;
  #start = '';

  constructor(labels: LabelSet, keeper: TextKeeper) {
    this.labels = labels;
    this.keeper = keeper;
  }

  /** As prom-client has them. */
  abstract samples(): RegistrySample[];

  /** Back to 0, without exemplars. */
  abstract reset(): void;

  /** Adds its lines. */
  write(lines: string[], withExemplars: boolean, defaults: LabelValues): void {
    if (this.#defaults !== defaults) this.#start = flatCopy(this.startOf(labelsText(this.labels, defaults)));
    this.#defaults = defaults;
    this.writeFrom(this.#start, lines, withExemplars);
  }

  /** What its lines have in common; written once. */
  protected abstract startOf(labels: string): string;
  protected abstract writeFrom(start: string, lines: string[], withExemplars: boolean): void;
}

/** A series of a counter or a gauge. */
export class NumberSeries extends TimeSeries {
  readonly #name: string;
  readonly #unixTime: () => number;
  #value = 0;
  #exemplar: Exemplar | undefined;

  /** @param unixTime seconds since the epoch, for the calls that it points to */
  constructor(name: string, labels: LabelSet, keeper: TextKeeper, unixTime: () => number) {
    super(labels, keeper);
    this.#name = name;
    this.#unixTime = unixTime;
  }

  get value(): number {
    return this.#value;
  }

  /**
   * Increases a counter.
   * @param traceId of the call that it is to point to
   */
  inc(by = 1, traceId?: string): void {
    if (!(by >= 0 && by < Infinity)) throw new RangeError(`${this.#name} cannot be increased by ${by}`);
    this.set(this.#value + by);
    if (traceId === undefined) return;
    this.#exemplar = { traceId, value: by, time: this.#unixTime() };
    this.keeper.traced();
  }

  /** Moves a gauge. */
  add(by: number): void {
    this.set(this.#value + by);
  }

  set(value: number): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.keeper.moved();
  }

  reset(): void {
    this.#exemplar = undefined;
    this.#value = 0;
    this.keeper.moved();
  }

  samples(): RegistrySample[] {
    return [{ value: this.#value, labels: this.labels }];
  }

  protected startOf(labels: string): string {
    return sampleStart(this.#name, labels);
  }

  protected writeFrom(start: string, lines: string[], withExemplars: boolean): void {
    const exemplar = withExemplars ? exemplarText(this.#exemplar) : '';
    lines.push(`${start}${numberText(this.#value)}${exemplar}\n`);
  }
}
