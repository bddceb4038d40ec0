/** What a sample points to: one of the calls it counts, by its trace. */
interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

/**
 * The last traced call of each sample that has one; their number is bounded by that of the samples. Kept beside the
 * metrics, because prom-client refuses exemplars in registries that are not OpenMetrics alone.
 */
export class Exemplars {
  readonly #last = new Map<string, Exemplar>();
  readonly #samples = new Set<string>();
  readonly #wallClock: () => number;

  /** @param wallClock seconds since the epoch */
  constructor(wallClock: () => number = () => Date.now() / 1000) {
    this.#wallClock = wallClock;
  }

  /** Remembers a call as what the sample with exactly these label values points to, in the order of the labels. */
  set(sample: string, values: readonly (string | number)[], traceId: string, value: number): void {
    this.#samples.add(sample);
    this.#last.set(keyOf(sample, values), { traceId, value, time: this.#wallClock() });
  }

  /** What stands behind a sample in OpenMetrics 1.0.0, section "Exemplars": nothing, when there is none. */
  of(sample: string, labels: Readonly<Record<string, string | number | undefined>>): string {
    if (!this.#samples.has(sample)) return '';
    const found = this.#last.get(keyOf(sample, Object.values(labels)));
    return found ? ` # {trace_id="${found.traceId}"} ${found.value} ${found.time.toFixed(3)}` : '';
  }
}

const keyOf = (sample: string, values: readonly (string | number | undefined)[]): string =>
  `${sample} ${[...values].sort().join(' ')}`;
