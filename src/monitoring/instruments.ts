import {
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client';
import type { Declaration, Labels, ValuesOf } from './declaration.ts';
import type { Exemplars } from './exemplars.ts';
import { foldInto, type Given } from './fold.ts';
import { startingLabels, toolLabelOf, type Series } from './series.ts';

/** What all instruments have. */
interface Instrument<L extends Labels> {
  /** The series of a tool that came, at 0. */
  addTool(name: string): void;
  /** The series of a tool that went are no more. */
  removeTool(name: string): void;
  /** What there is now. */
  get(): Promise<MetricObjectWithValues<MetricValue<keyof L & string>>>;
}

export interface CounterInstrument<L extends Labels> extends Instrument<L> {
  /**
   * Adds `by`, by default 1.
   * @param traceId the trace of what is counted, when that is kept
   */
  inc(labels: ValuesOf<L>, by?: number, traceId?: string): void;
}

export interface GaugeInstrument<L extends Labels> extends Instrument<L> {
  set(labels: ValuesOf<L>, value: number): void;
  inc(labels: ValuesOf<L>, by?: number): void;
  dec(labels: ValuesOf<L>, by?: number): void;
  /** Reads the value when it is scraped, so that it cannot drift from what it measures. For gauges without labels. */
  atScrape(read: () => number): void;
}

export interface HistogramInstrument<L extends Labels> extends Instrument<L> {
  /** @param traceId the trace of what is measured, when that is kept */
  observe(labels: ValuesOf<L>, value: number, traceId?: string): void;
}

/** What a declared metric is recorded with. */
export type InstrumentOf<Declared> =
  Declared extends Declaration<infer L, 'counter'>
    ? CounterInstrument<L>
    : Declared extends Declaration<infer L, 'gauge'>
      ? GaugeInstrument<L>
      : Declared extends Declaration<infer L, 'histogram'>
        ? HistogramInstrument<L>
        : never;

export interface InstrumentOptions {
  /** Where it is exposed: an instrument in no registry records all the same. */
  readonly registers: Registry[];
  /** Where traces that its samples point to are kept. Default: nowhere. */
  readonly exemplars?: Exemplars;
  /** Told of each label whose value was not among those declared, or too many. */
  readonly folded?: (label: string) => void;
}

/** Makes what a declared metric is recorded with. The series that its declaration knows are there from the start, at 0. */
export function createInstrument<const D extends Declaration>(
  name: string,
  declaration: D,
  options: InstrumentOptions,
): InstrumentOf<D> {
  return INSTRUMENTS[declaration.type](name, declaration, options) as unknown as InstrumentOf<D>;
}

const INSTRUMENTS = { counter: createCounter, gauge: createGauge, histogram: createHistogram };

function createCounter(name: string, declaration: Declaration, options: InstrumentOptions) {
  const metric = new Counter(configurationOf(name, declaration, options));
  const fold = foldInto(declaration, options.folded);
  const zero = (labels: Series): void => {
    metric.inc(labels, 0);
  };
  return {
    ...createSeries(declaration, { metric, zero, sample: name }, options),
    inc(given: Given, by = 1, traceId?: string) {
      const labels = fold(given);
      metric.inc(labels, by);
      if (traceId !== undefined) options.exemplars?.set(name, labels, traceId, by);
    },
  };
}

function createGauge(name: string, declaration: Declaration, options: InstrumentOptions) {
  const metric = new Gauge(configurationOf(name, declaration, options));
  const fold = foldInto(declaration, options.folded);
  // No series is there from the start: what a gauge says is not 0 because nobody set it yet.
  const zero = (): void => undefined;
  return {
    ...createSeries(declaration, { metric, zero, sample: name }, options),
    set(given: Given, value: number) {
      metric.set(fold(given), value);
    },
    inc(given: Given, by = 1) {
      metric.inc(fold(given), by);
    },
    dec(given: Given, by = 1) {
      metric.dec(fold(given), by);
    },
    atScrape(read: () => number) {
      atScrape(metric, read);
    },
  };
}

function createHistogram(name: string, declaration: Declaration, options: InstrumentOptions) {
  const { buckets = [] } = declaration;
  const metric = new Histogram({ ...configurationOf(name, declaration, options), buckets: [...buckets] });
  const fold = foldInto(declaration, options.folded);
  const zero = (labels: Series): void => {
    metric.zero(labels);
  };
  const sample = `${name}_bucket`;
  return {
    ...createSeries(declaration, { metric, zero, sample }, options),
    observe(given: Given, value: number, traceId?: string) {
      const labels = fold(given);
      metric.observe(labels, value);
      if (traceId === undefined) return;
      const le = buckets.find((bound) => value <= bound) ?? '+Inf';
      options.exemplars?.set(sample, { ...labels, le }, traceId, value);
    },
  };
}

const configurationOf = (name: string, { help, labels }: Declaration, { registers }: InstrumentOptions) => ({
  name,
  help,
  labelNames: Object.keys(labels),
  registers,
});

interface Parts {
  readonly metric: Counter | Gauge | Histogram;
  /** Makes a series, at 0. */
  readonly zero: (labels: Series) => void;
  /** The name of the samples that point to traces. */
  readonly sample: string;
}

/** Creates the series that are there from the start; says how those of tools come and go. */
function createSeries(
  declaration: Declaration,
  { metric, zero, sample }: Parts,
  { exemplars }: InstrumentOptions,
): Instrument<Labels> {
  for (const labels of startingLabels(declaration)) zero(labels);
  const toolLabel = toolLabelOf(declaration);
  return {
    addTool(name) {
      for (const labels of startingLabels(declaration, name)) zero(labels);
    },
    removeTool(name) {
      if (toolLabel === undefined) return;
      for (const labels of seriesIn(metric)) if (labels[toolLabel] === name) metric.remove(labels);
      exemplars?.remove(sample, toolLabel, name);
    },
    get: () => metric.get(),
  };
}

/** The labels of each series, which prom-client's typings leave out. */
const seriesIn = (metric: object): Series[] =>
  Object.values((metric as { hashMap: Record<string, { labels: Series }> }).hashMap).map(
    ({ labels }) => labels,
  );

/** Makes a gauge of prom-client read its value when it is scraped. */
export function atScrape(gauge: Gauge, read: () => number): void {
  Object.assign(gauge, {
    collect: () => {
      gauge.set(read());
    },
  });
}
