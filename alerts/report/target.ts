import { DURATION_BUCKETS, type MetricName } from '../../src/monitoring/metrics.ts';
import type { ErrorReason } from '../../src/tools/outcome.ts';
import { Sequence, type Sample } from './sequence.ts';

/** What every simulated service consists of. */
export const PODS = ['pod-1', 'pod-2'] as const;
export const TOOLS = ['query_metrics', 'list_pods'] as const;

/** A series of a test file: its name with labels, and its samples in promtool's notation. */
export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/** Calls of one tool that ended between two scrapes. */
export interface Calls {
  readonly success: number;
  readonly failed: Readonly<Partial<Record<ErrorReason, number>>>;
  /** Calls that ran, by the bucket their duration falls into. */
  readonly durations: readonly number[];
}

interface Series {
  value: number;
  readonly counter: boolean;
  readonly samples: Sequence;
}

/** One scraped instance: its counters and gauges, and the samples its scrapes have left so far. */
export class Target {
  readonly #labels: string;
  readonly #series = new Map<string, Series>();
  #scrapes: number;

  /** @param scrapes how many scrapes had passed when the instance came */
  constructor(labels: string, scrapes = 0) {
    this.#labels = labels;
    this.#scrapes = scrapes;
  }

  /** Adds to a counter, which begins at 0. */
  count(metric: MetricName | `${MetricName}_${'bucket' | 'count'}`, added: number, labels = ''): void {
    this.#get(metric, labels, true).value += added;
  }

  /** Sets a gauge: ours, Node's or Prometheus's own of the target. */
  set(metric: string, value: number, labels = ''): void {
    this.#get(metric, labels, false).value = value;
  }

  /** Counts what the server counts for calls. */
  finished(tool: string, { success, failed, durations }: Calls): void {
    const label = `tool_name="${tool}"`;
    let errors = 0;
    for (const [reason, calls] of Object.entries(failed)) {
      this.count('mcp_tool_errors_total', calls, `${label},reason="${reason}"`);
      errors += calls;
    }
    this.count('mcp_tool_calls_total', success, `${label},status="success"`);
    this.count('mcp_tool_calls_total', errors, `${label},status="error"`);
    let within = 0;
    for (const [index, calls] of durations.entries()) {
      within += calls;
      const le = DURATION_BUCKETS[index] ?? '+Inf';
      this.count('mcp_tool_duration_seconds_bucket', within, `${label},le="${le}"`);
    }
    this.count('mcp_tool_duration_seconds_count', within, label);
  }

  /** A new process takes the place of the old one: all counters begin again. */
  restart(): void {
    for (const series of this.#series.values()) if (series.counter) series.value = 0;
  }

  /** A scrape that succeeds. */
  scrape(): void {
    this.set('up', 1);
    this.#add((_name, { value }) => value);
  }

  /** A scrape that fails: Prometheus writes `up` 0 and marks everything else as ended. */
  scrapeFails(): void {
    this.#add((name) => (name.startsWith('up{') ? 0 : 'stale'));
  }

  /** Prometheus is told that the instance is gone. */
  vanish(): void {
    this.#add(() => 'stale');
  }

  *inputSeries(): Generator<InputSeries> {
    if (this.#scrapes === 0) return;
    for (const [series, { samples }] of this.#series) yield { series, values: samples.toString() };
  }

  #get(metric: string, labels: string, counter: boolean): Series {
    const name = `${metric}{${labels === '' ? this.#labels : `${this.#labels},${labels}`}}`;
    const known = this.#series.get(name);
    if (known) return known;
    const series = { value: 0, counter, samples: new Sequence(this.#scrapes) };
    this.#series.set(name, series);
    return series;
  }

  #add(sample: (name: string, series: Series) => Sample): void {
    for (const [name, series] of this.#series) series.samples.add(sample(name, series));
    this.#scrapes += 1;
  }
}
