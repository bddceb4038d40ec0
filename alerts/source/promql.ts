import type { METRICS, MetricName } from '../../src/monitoring/metrics/metrics.ts';
import { REFUSED } from '../../src/tools/reasons.ts';
import type { Parameters } from './parameters.ts';

/** What identifies a service: labels survive aggregation, so that routing and inhibition work. */
export const SERVICE = 'cluster, namespace, job';
export const TOOL = `${SERVICE}, tool_name`;
export const INSTANCE = `${SERVICE}, instance`;

/** Metrics that are not ours: Prometheus's own of a target, and those of Node and the process. */
type ForeignMetric =
  | 'up'
  | 'scrape_duration_seconds'
  | 'scrape_samples_post_metric_relabeling'
  | 'scrape_samples_scraped'
  | 'nodejs_active_resources'
  | 'nodejs_eventloop_lag_p99_seconds'
  | `nodejs_gc_duration_seconds_${'bucket' | 'count' | 'sum'}`
  | 'nodejs_heap_size_used_bytes'
  | 'process_cpu_seconds_total'
  | 'process_max_fds'
  | 'process_open_fds'
  | 'process_resident_memory_bytes'
  | 'process_start_time_seconds';

type HistogramName = {
  [Name in MetricName]: (typeof METRICS)[Name]['type'] extends 'histogram' ? Name : never;
}[MetricName];

/** A histogram is stored as three series, under none of which it has its own name. */
export type SeriesName =
  | Exclude<MetricName, HistogramName>
  | `${HistogramName}_${'bucket' | 'count' | 'sum'}`
  | ForeignMetric;

/** Writes PromQL for the targets and time scale of the parameters. */
export class PromQL {
  readonly #selector: string;
  readonly #timeScale: number;

  constructor({ selector, timeScale }: Pick<Parameters, 'selector' | 'timeScale'>) {
    this.#selector = selector;
    this.#timeScale = timeScale;
  }

  /** A selector; a misspelt metric does not compile. */
  series(name: SeriesName, matching = ''): string {
    return `${name}{${matchers(this.#selector, matching)}}`;
  }

  /** A duration in PromQL, scaled. */
  duration(seconds: number): string {
    return formatDuration(seconds * this.#timeScale);
  }

  increase(name: SeriesName, seconds: number, matching = '', offsetSeconds = 0): string {
    return `increase(${this.series(name, matching)}[${this.duration(seconds)}]${this.#offset(offsetSeconds)})`;
  }

  rate(name: SeriesName, seconds: number, matching = ''): string {
    return `rate(${this.series(name, matching)}[${this.duration(seconds)}])`;
  }

  /**
   * Calls that the server took on, by labels. Those it refused for a mistake of the caller's are left out, or a flood of
   * them would make every share of failures look small.
   */
  accepted(over: 'increase' | 'rate', labels: string, seconds: number, matching = ''): string {
    const sum = (name: 'mcp_tool_calls_total' | 'mcp_tool_errors_total', which: string): string =>
      sumBy(labels, this[over](name, seconds, matchers(which, matching)));
    const succeeded = sum('mcp_tool_calls_total', 'status="success"');
    // Without a series of errors it is the successes alone.
    return `(${succeeded} + ${sum('mcp_tool_errors_total', oneOf('reason', REFUSED, '!='))} or ${succeeded})`;
  }

  over(
    aggregate: 'absent' | 'avg' | 'max' | 'min',
    name: SeriesName,
    seconds: number,
    offsetSeconds = 0,
  ): string {
    return `${aggregate}_over_time(${this.series(name)}[${this.duration(seconds)}]${this.#offset(offsetSeconds)})`;
  }

  /** What half of the samples exceed: one odd sample does not move it. */
  median(name: SeriesName, seconds: number): string {
    return `quantile_over_time(0.5, ${this.series(name)}[${this.duration(seconds)}])`;
  }

  /**
   * A condition, for targets that there still are. Windows do not know that a target is gone: without this, one that was not well
   * when it went away stays in them until its last sample leaves.
   */
  ofTargets(condition: string): string {
    return `${condition}\nand on (${INSTANCE})\n${this.series('up')}`;
  }

  #offset(seconds: number): string {
    return seconds === 0 ? '' : ` offset ${this.duration(seconds)}`;
  }
}

/** Joins matchers; those that are empty are left out. */
export const matchers = (...parts: readonly string[]): string =>
  parts.filter((part) => part !== '').join(', ');

export const sumBy = (labels: string, expression: string): string => `sum by (${labels}) (${expression})`;
export const maxBy = (labels: string, expression: string): string => `max by (${labels}) (${expression})`;

/** A matcher of a label that is one of the values, or none of them. */
export function oneOf(label: string, values: readonly string[], is: '=' | '!=' = '='): string {
  const [only = ''] = values;
  if (values.length === 1) return `${label}${is}"${only}"`;
  return `${label}${is.charAt(0)}~"${values.map((value) => value.replaceAll('.', '\\\\.')).join('|')}"`;
}

/** A matcher of the reasons that count against the objective, which are a list of any length. */
export const bad = ({ badReasons }: Pick<Parameters, 'badReasons'>): string =>
  `reason=~"${badReasons.join('|')}"`;

/** Conditions that must all hold; the value is the first one's. */
export const all = (...conditions: readonly string[]): string => conditions.join('\nand\n');

/** Alternatives, each in parentheses. */
export const any = (...alternatives: readonly string[]): string =>
  alternatives.map((alternative) => `(\n${indent(alternative)}\n)`).join('\nor\n');

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** The shortest exact spelling of a duration: 5400 is `90m`. */
export function formatDuration(seconds: number): string {
  const ms = Math.max(Math.round(seconds * 1000), 0);
  const [unit, size] = UNITS.find(([, length]) => ms % length === 0 && ms >= length) ?? ['s', 1000];
  return `${ms / size}${unit}`;
}
