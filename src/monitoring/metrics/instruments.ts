import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Declaration, Labels, ValuesOf } from './declaration.ts';
import type { Exemplars } from './exemplars.ts';
import { Series, type Given, type LabelSet } from './series.ts';

/** The trace of what is recorded, when that is kept. */
export type TraceId = [traceId?: string | undefined];

export interface CounterInstrument<L extends Labels, Trace extends TraceId = []> {
  /** Adds `by`, by default 1. */
  inc(labels: ValuesOf<L>, by?: number, ...trace: Trace): void;
}

export interface GaugeInstrument<L extends Labels> {
  set(labels: ValuesOf<L>, value: number): void;
  inc(labels: ValuesOf<L>, by?: number): void;
  dec(labels: ValuesOf<L>, by?: number): void;
}

export interface HistogramInstrument<L extends Labels, Trace extends TraceId = []> {
  observe(labels: ValuesOf<L>, value: number, ...trace: Trace): void;
}

/** What a declared metric is recorded with; `Trace` says whether its samples can point to traces. */
export type InstrumentOf<Declared, Trace extends TraceId = []> =
  Declared extends Declaration<infer L, 'counter'>
    ? CounterInstrument<L, Trace>
    : Declared extends Declaration<infer L, 'gauge'>
      ? GaugeInstrument<L>
      : Declared extends Declaration<infer L, 'histogram'>
        ? HistogramInstrument<L, Trace>
        : never;

/** What else can be done with a metric. */
export interface Upkeep {
  /** Creates a tool's series, at 0. */
  addTool(name: string): void;
  /** Deletes a removed tool's series. */
  removeTool(name: string): void;
  /** Reads a gauge without labels when it is scraped, so that it cannot drift from what it measures. */
  atScrape(read: () => number): void;
}

export interface InstrumentOptions {
  /** Where it is exposed: an instrument in no registry records all the same. */
  readonly registers: Registry[];
  /** Where traces that its samples point to are kept. Default: nowhere. */
  readonly exemplars?: Exemplars;
  /** Told of each label value that was not among those declared, or one too many. */
  readonly folded: (metric: string, label: string) => void;
}

/** Creates a declared metric. The series that its declaration knows are there from the start, at 0. */
export function createInstrument(
  name: string,
  declaration: Declaration,
  { registers, exemplars, folded }: InstrumentOptions,
): { readonly record: object; readonly upkeep: Upkeep } {
  const { type, help, labels, buckets = [] } = declaration;
  const configuration = { name, help, labelNames: Object.keys(labels), registers };
  const metric =
    type === 'histogram'
      ? new Histogram({ ...configuration, buckets: [...buckets] })
      : new (type === 'counter' ? Counter : Gauge)(configuration);
  const series = new Series(declaration);
  const { toolLabel } = series;
  const sample = type === 'histogram' ? `${name}_bucket` : name;

  const create = (tool?: string): void => {
    for (const set of series.atStart(tool)) {
      if (metric instanceof Counter) metric.inc(set, 0);
      if (metric instanceof Histogram) metric.zero(set);
      // What a gauge says is not 0 because nobody set it yet.
    }
  };
  create();
  // A gauge without labels is 0 before anybody has set it.
  if (metric instanceof Gauge && declaration.onUse) metric.remove({});
  const record = recordOf(metric, {
    fold: (given) =>
      series.fold(given, (label) => {
        folded(name, label);
      }),
    buckets,
    trace: (set, traceId, value) => exemplars?.set(sample, set, traceId, value),
  });
  const upkeep: Upkeep = {
    addTool: create,
    removeTool(tool) {
      if (toolLabel === undefined) return;
      for (const set of labelSetsIn(metric)) if (set[toolLabel] === tool) metric.remove(set);
      exemplars?.remove(sample, toolLabel, tool);
    },
    atScrape(read) {
      if (metric instanceof Gauge) atScrape(metric, read);
    },
  };
  return { record, upkeep };
}

interface Recording {
  readonly fold: (given: Given) => LabelSet;
  readonly buckets: readonly number[];
  /** Has a sample point to a trace. */
  readonly trace: (labels: LabelSet, traceId: string, value: number) => void;
}

function recordOf(metric: Counter | Gauge | Histogram, { fold, buckets, trace }: Recording): object {
  if (metric instanceof Counter)
    return {
      inc(given: Given, by = 1, traceId?: string) {
        const labels = fold(given);
        metric.inc(labels, by);
        if (traceId !== undefined) trace(labels, traceId, by);
      },
    };
  if (metric instanceof Histogram)
    return {
      observe(given: Given, value: number, traceId?: string) {
        const labels = fold(given);
        metric.observe(labels, value);
        const le = buckets.find((bound) => value <= bound) ?? '+Inf';
        if (traceId !== undefined) trace({ ...labels, le: String(le) }, traceId, value);
      },
    };
  return {
    set(given: Given, value: number) {
      metric.set(fold(given), value);
    },
    inc(given: Given, by = 1) {
      metric.inc(fold(given), by);
    },
    dec(given: Given, by = 1) {
      metric.dec(fold(given), by);
    },
  };
}

/** The labels of each series, which prom-client's typings leave out. */
const labelSetsIn = (metric: object): LabelSet[] =>
  Object.values((metric as { hashMap: Record<string, { labels: LabelSet }> }).hashMap).map(
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
