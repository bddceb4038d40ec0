/** What a sample points to: one of the calls it counts, by its trace. */
interface Exemplar {
  readonly labels: Labels;
  readonly traceId: string;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

type Labels = Readonly<Record<string, string | number | undefined>>;

/**
 * The last traced call of each sample that has one; their number is bounded by that of the samples. Kept beside the
 * metrics, because prom-client refuses exemplars in registries that are not OpenMetrics alone.
 */
export class Exemplars {
  /** By sample, then by the values of its labels. */
  readonly #last = new Map<string, Map<string, Exemplar>>();
  readonly #wallClock: () => number;

  /** @param wallClock seconds since the epoch */
  constructor(wallClock: () => number = () => Date.now() / 1000) {
    this.#wallClock = wallClock;
  }

  /** Remembers a call as what the sample with exactly these labels points to. */
  set(sample: string, labels: Labels, traceId: string, value: number): void {
    const last = this.#last.get(sample) ?? new Map<string, Exemplar>();
    this.#last.set(sample, last);
    last.set(keyOf(labels), { labels, traceId, value, time: this.#wallClock() });
  }

  /** What stands behind a sample in OpenMetrics 1.0.0, section "Exemplars": nothing, when there is none. */
  of(sample: string, labels: Labels): string {
    const found = this.#last.get(sample)?.get(keyOf(labels));
    return found ? ` # {trace_id="${found.traceId}"} ${found.value} ${found.time.toFixed(3)}` : '';
  }

  /** Forgets the calls that a sample with this value of a label pointed to. */
  remove(sample: string, label: string, value: string): void {
    const last = this.#last.get(sample) ?? [];
    for (const [key, { labels }] of last) if (labels[label] === value) this.#last.get(sample)?.delete(key);
  }
}

const keyOf = (labels: Labels): string => Object.values(labels).sort().join(' ');
