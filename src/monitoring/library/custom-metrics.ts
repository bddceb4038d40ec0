import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { fieldOf } from '../message.ts';
import { METRICS } from '../metrics.ts';

/**
 * The values a label may take: those listed, or whichever come first up to a number of them, of at most 128 characters.
 */
export type LabelValues = readonly string[] | { readonly atMost: number };

type Labels = Readonly<Record<string, LabelValues>>;

type NoLabels = Readonly<Record<string, never>>;

/** A metric of one's own, as it is declared. */
export interface CustomMetric<
  L extends Labels = Labels,
  Type extends string = 'counter' | 'gauge' | 'histogram',
> {
  readonly type: Type;
  readonly help: string;
  readonly labels: L;
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[];
}

/** Metrics by name, in the manner of Prometheus: base units, `_total` at the end of counters and of nothing else. */
export type CustomMetrics = Readonly<Record<string, CustomMetric>>;

/** Declares a counter: how often something happened. Its name ends in `_total`. */
export const counter = <const L extends Labels = NoLabels>(
  help: string,
  labels: L = {} as L,
): CustomMetric<L, 'counter'> => ({ type: 'counter', help, labels });

/** Declares a gauge: how much there is of something now. */
export const gauge = <const L extends Labels = NoLabels>(
  help: string,
  labels: L = {} as L,
): CustomMetric<L, 'gauge'> => ({ type: 'gauge', help, labels });

/** Declares a histogram: how values are distributed. Seconds for time, bytes for sizes. */
export const histogram = <const L extends Labels = NoLabels>(
  help: string,
  buckets: readonly number[],
  labels: L = {} as L,
): CustomMetric<L, 'histogram'> => ({ type: 'histogram', help, labels, buckets });

type ValuesOf<L extends Labels> = {
  readonly [Name in keyof L]: L[Name] extends readonly (infer Value)[] ? Value : string;
};

export interface CustomCounter<L extends Labels> {
  /** Adds `by`, by default 1. */
  inc(labels: ValuesOf<L>, by?: number): void;
}
export interface CustomGauge<L extends Labels> {
  set(labels: ValuesOf<L>, value: number): void;
  inc(labels: ValuesOf<L>, by?: number): void;
  dec(labels: ValuesOf<L>, by?: number): void;
}
export interface CustomHistogram<L extends Labels> {
  observe(labels: ValuesOf<L>, value: number): void;
}

type InstrumentOf<Declared> =
  Declared extends CustomMetric<infer L, 'counter'>
    ? CustomCounter<L>
    : Declared extends CustomMetric<infer L, 'gauge'>
      ? CustomGauge<L>
      : Declared extends CustomMetric<infer L, 'histogram'>
        ? CustomHistogram<L>
        : never;

/** What declared metrics are recorded with, by name. */
export type Instruments<Declared extends CustomMetrics> = {
  readonly [Name in keyof Declared]: InstrumentOf<Declared[Name]>;
};

/** What label values that were not declared, or are too many, become. */
const OTHER = 'other';

const MAX_VALUES = 1000;

/** Longer values become `other`, unless they are listed. */
const MAX_VALUE_LENGTH = 128;
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

/**
 * Creates declared metrics, which were checked, in a registry.
 * @param folded told of each label value that became `other`
 */
export function createCustomMetrics<Declared extends CustomMetrics>(
  declared: Declared,
  registry: Registry,
  folded: (metric: string, label: string) => void,
): Instruments<Declared> {
  const instruments = Object.entries(declared).map(([name, metric]) => [
    name,
    createInstrument(name, metric, registry, (label) => {
      folded(name, label);
    }),
  ]);
  return Object.fromEntries(instruments) as Instruments<Declared>;
}

type Given = Readonly<Record<string, string>>;

function createInstrument(
  name: string,
  { type, help, labels, buckets = [] }: CustomMetric,
  registry: Registry,
  folded: (label: string) => void,
): unknown {
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  const fold = foldInto(labels, folded);
  const zeros = combinationsOf(labels);
  switch (type) {
    case 'counter': {
      const made = new Counter(options);
      for (const zero of zeros) made.inc(zero, 0);
      return {
        inc: (given: Given, by = 1) => {
          made.inc(fold(given), by);
        },
      };
    }
    case 'gauge': {
      const made = new Gauge(options);
      return {
        set: (given: Given, value: number) => {
          made.set(fold(given), value);
        },
        inc: (given: Given, by = 1) => {
          made.inc(fold(given), by);
        },
        dec: (given: Given, by = 1) => {
          made.dec(fold(given), by);
        },
      };
    }
    case 'histogram': {
      const made = new Histogram({ ...options, buckets: [...buckets] });
      for (const zero of zeros) made.zero(zero);
      return {
        observe: (given: Given, value: number) => {
          made.observe(fold(given), value);
        },
      };
    }
  }
}

/** Holds label values to what was declared, so that no data can make more series than that. */
function foldInto(labels: Labels, folded: (label: string) => void): (given: Given) => Record<string, string> {
  const guards = Object.entries(labels).map(([name, values]) => {
    const admitted = new Set<string>(isList(values) ? values : []);
    const room = isList(values) ? 0 : values.atMost;
    const admit = (value: string): boolean => {
      if (admitted.has(value)) return true;
      if (admitted.size >= room || value.length > MAX_VALUE_LENGTH) return false;
      admitted.add(value);
      return true;
    };
    return { name, admit };
  });
  return (given) => {
    const result: Record<string, string> = {};
    for (const { name, admit } of guards) {
      const value = String(given[name]);
      const admitted = admit(value);
      if (!admitted) folded(name);
      result[name] = admitted ? value : OTHER;
    }
    return result;
  };
}

/** All combinations of values that are known beforehand: none, when there is a label whose values are not. */
function combinationsOf(labels: Labels): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [name, values]) =>
      isList(values) ? all.flatMap((rest) => values.map((value) => ({ ...rest, [name]: value }))) : [],
    [{}],
  );
}

const isList = (values: LabelValues): values is readonly string[] => Array.isArray(values);

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SAMPLE_SUFFIX = /_(bucket|count|sum|created|info)$/;

function problemsOf(name: string, metric: CustomMetric, registry: Registry): string[] {
  if (!isDeclared(metric)) return ['declare it with counter(), gauge() or histogram()'];
  const { type, help, labels, buckets } = metric;
  const problems: string[] = [];
  if (!NAME.test(name)) problems.push('its name must be of a-z A-Z 0-9 _ and not begin with a digit');
  if ((type === 'counter') !== name.endsWith('_total'))
    problems.push('the names of counters end in _total, and no others do');
  if (SAMPLE_SUFFIX.test(name)) problems.push('its name ends as only names of samples do');
  if (Object.hasOwn(METRICS, name) || /^(nodejs|process)_/.test(name))
    problems.push('the name is taken by nexus-mcp');
  else if (registry.getSingleMetric(name)) problems.push('the name is taken in this registry');
  if (help.trim() === '') problems.push('it has no help text');
  if (type === 'histogram' && !isIncreasing(buckets ?? []))
    problems.push('its buckets must be numbers that increase, at least one');
  for (const [label, values] of Object.entries(labels))
    problems.push(...problemsOfLabel(label, values).map((problem) => `label ${label}: ${problem}`));
  if (problems.length > 0) return problems;
  const series = Object.values(labels).reduce(
    (product, values) => product * ((isList(values) ? values.length : values.atMost) + 1),
    type === 'histogram' ? (buckets ?? []).length + 3 : 1,
  );
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
  const atMost: unknown = (values as { atMost?: unknown } | undefined)?.atMost;
  return Number.isInteger(atMost) && Number(atMost) >= 1 && Number(atMost) <= MAX_VALUES
    ? []
    : [`its values are not bounded: list them, or say { atMost: n }, up to ${MAX_VALUES}`];
}

const isIncreasing = (bounds: readonly number[]): boolean =>
  bounds.length > 0 &&
  bounds.every((bound, index) => Number.isFinite(bound) && bound > (bounds[index - 1] ?? -Infinity));
