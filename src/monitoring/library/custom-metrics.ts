import type { Registry } from 'prom-client';
import * as declare from '../metrics/declaration.ts';
import { isList, type Declaration, type LabelValues, type MetricType } from '../metrics/declaration.ts';
import { createInstrument, type InstrumentOf } from '../metrics/instruments.ts';
import { fieldOf } from '../door/message.ts';
import { METRICS } from '../metrics/metrics.ts';
import { Series } from '../metrics/series.ts';
import { withoutSpoilt } from './spoilt-values.ts';

type Labels = Readonly<Record<string, LabelValues>>;

/** A metric of one's own, as it is declared. */
export type CustomMetric<L extends Labels = Labels, Type extends MetricType = MetricType> = Declaration<
  L,
  Type
>;

type NoLabels = Readonly<Record<string, never>>;

/** Declares a counter: how often something happened. Its name ends in `_total`. */
export const counter: <const L extends Labels = NoLabels>(
  help: string,
  labels?: L,
) => CustomMetric<L, 'counter'> = declare.counter;

/** Declares a gauge: how much there is of something now. */
export const gauge: <const L extends Labels = NoLabels>(
  help: string,
  labels?: L,
) => CustomMetric<L, 'gauge'> = declare.gauge;

/** Declares a histogram: how values are distributed. Seconds for time, bytes for sizes. */
export const histogram: <const L extends Labels = NoLabels>(
  help: string,
  buckets: readonly number[],
  labels?: L,
) => CustomMetric<L, 'histogram'> = declare.histogram;

/** Metrics by name, in the manner of Prometheus: base units, `_total` at the end of counters and of nothing else. */
export type CustomMetrics = Readonly<Record<string, CustomMetric>>;

/** What declared metrics are recorded with, by name. */
export type Instruments<Declared extends CustomMetrics> = {
  readonly [Name in keyof Declared]: InstrumentOf<Declared[Name]>;
};

const MAX_VALUES = 1000;

const MAX_SERIES = 10_000;

/**
 * Checks declared metrics before anything is put into the registry.
 * @throws Error with every problem, when names clash or labels are not bounded
 */
export function checkCustomMetrics(declared: CustomMetrics, registry: Registry): void {
  const problems = Object.entries(declared).flatMap(([name, metric]) => {
    const found = problemsOf(name, metric, registry);
    if (Object.hasOwn(declared, `${name}_total`))
      found.push(`in OpenMetrics ${name}_total has the same name; call one of them otherwise`);
    return found.map((problem) => `metric ${name}: ${problem}`);
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Who hears of what is not recorded as it was given. */
interface Listeners {
  /** Told of each label value that became `other`. */
  readonly folded: (metric: string, label: string) => void;
  /** Told once for each metric of a value that would have spoilt it. */
  readonly spoilt: (error: RangeError) => void;
}

/** Creates declared metrics, which were checked, in a registry. */
export function createCustomMetrics<Declared extends CustomMetrics>(
  declared: Declared,
  registry: Registry,
  { folded, spoilt }: Listeners,
): Instruments<Declared> {
  const options = { registers: [registry], folded };
  const instruments = Object.entries(declared).map(([name, metric]) => {
    const { record } = createInstrument(name, metric, options);
    return [name, withoutSpoilt(name, metric.type, record, spoilt)];
  });
  return Object.fromEntries(instruments) as Instruments<Declared>;
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SAMPLE_SUFFIX = /_(bucket|count|sum|created|info)$/;

function problemsOf(name: string, metric: CustomMetric, registry: Registry): string[] {
  if (!isDeclared(metric)) return ['declare it with counter(), gauge() or histogram()'];
  const { type, help, labels, buckets } = metric;
  const problems: string[] = [];
  if (!NAME.test(name)) problems.push('its name must be of a-z A-Z 0-9 _ and not begin with a digit');
  if ((type === 'counter') !== name.endsWith('_total'))
    problems.push('the names of counters end in _total, and no others do');
  if (SAMPLE_SUFFIX.test(name))
    problems.push('its name must not end like the name of a sample, such as _bucket, _count or _sum');
  if (Object.hasOwn(METRICS, name) || /^(nodejs|process)_/.test(name))
    problems.push('the name is taken by nexus-mcp');
  else if (registry.getSingleMetric(name)) problems.push('the name is taken in this registry');
  if (help.trim() === '') problems.push('it has no help text');
  if (type === 'histogram' && !isIncreasing(buckets ?? []))
    problems.push('its buckets must be numbers that increase, at least one');
  for (const [label, values] of Object.entries(labels))
    problems.push(...problemsOfLabel(label, values).map((problem) => `label ${label}: ${problem}`));
  if (problems.length > 0) return problems;
  const series = new Series(metric).most();
  return series > MAX_SERIES ? [`it may have ${series} series; the most is ${MAX_SERIES}`] : [];
}

/** The types say so, and JavaScript does not. */
function isDeclared(metric: unknown): boolean {
  const labels = fieldOf(metric, 'labels');
  return (
    ['counter', 'gauge', 'histogram'].some((type) => type === fieldOf(metric, 'type')) &&
    typeof fieldOf(metric, 'help') === 'string' &&
    typeof labels === 'object' &&
    labels !== null
  );
}

function problemsOfLabel(label: string, values: LabelValues): string[] {
  if (!NAME.test(label) || label.startsWith('__') || label === 'le' || label === 'quantile')
    return ['this is no name for a label'];
  if (isList(values)) {
    const texts = values.filter((value) => typeof value === 'string' && value !== '');
    return texts.length === 0 || texts.length < values.length || new Set(values).size < values.length
      ? ['its values must be texts, each once, at least one']
      : [];
  }
  const atMost = fieldOf(values, 'atMost');
  return Number.isInteger(atMost) && Number(atMost) >= 1 && Number(atMost) <= MAX_VALUES
    ? []
    : [`its values are not bounded: list them, or say { atMost: n }, up to ${MAX_VALUES}`];
}

const isIncreasing = (bounds: readonly number[]): boolean =>
  bounds.length > 0 &&
  bounds.every((bound, index) => Number.isFinite(bound) && bound > (bounds[index - 1] ?? -Infinity));
