import type { Gauge, Metric, Registry } from 'prom-client';
import type { Declaration, Labels, MetricType, ValuesOf } from './declaration.ts';
import { Family } from './family.ts';
import { Buckets, HistogramSeries } from './histogram-series.ts';
import type { Given } from './label-tree.ts';
import { Series, type LabelSet } from './series.ts';
import { NumberSeries, type TimeSeries } from './time-series.ts';

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

/** A series that is looked for once, and what it is recorded with. */
type BoundOf<Declared, Trace extends TraceId = []> =
  Declared extends Declaration<infer L, 'counter'>
    ? Binds<L, { inc(by?: number, ...trace: Trace): void; readonly value: number }>
    : Declared extends Declaration<infer L, 'gauge'>
      ? Binds<L, { set(value: number): void }>
      : Declared extends Declaration<infer L, 'histogram'>
        ? Binds<L, { observe(value: number, ...trace: Trace): void; readonly counts: readonly number[] }>
        : never;

interface Binds<L extends Labels, Member> {
  /** `series` creates it where it is not there, `found` does not. */
  bind(labels: ValuesOf<L>): { readonly series: Member; readonly found: Member | undefined };
}

/** What else can be done with a metric. */
export interface Upkeep {
  /** Creates a tool's series, at 0. */
  addTool(name: string): void;
  /** Deletes a removed tool's series. */
  removeTool(name: string): void;
  /** Deletes the series that have a value of a label. */
  removeAll(label: string, value: string): void;
  /** Reads a gauge when it is scraped, so that it cannot drift from what it measures. Each series has a reader of its own. */
  atScrape(read: () => number, labels?: ValuesOf<Labels>): void;
  /** Does what brings its series up to date before a scrape. */
  beforeScrape(bringUpToDate: () => void): void;
  /** How many samples of it a scrape has now. */
  samples(): number;
  /** The most there can be with a number of tools. */
  mostSamples(tools: number): number;
}

/** A metric of ours. */
export type MetricOf<Declared, Trace extends TraceId> = InstrumentOf<Declared, Trace> &
  BoundOf<Declared, Trace> &
  Upkeep;

export interface InstrumentOptions {
  /** Where it is exposed: an instrument in no registry records all the same. */
  readonly registers: readonly Registry[];
  /** Told of each label value that was not among those declared, or one too many. */
  readonly folded: (metric: string, label: string) => void;
  /** Seconds since the epoch, for the calls that samples point to. */
  readonly unixTime?: () => number;
}

/** Creates a declared metric. The series that its declaration knows are there from the start, at 0. */
export function createInstrument(
  name: string,
  declaration: Declaration,
  options: InstrumentOptions,
): { readonly record: object; readonly bind: (labels: Given) => object; readonly upkeep: Upkeep } {
  const { type, labels } = declaration;
  const series = new Series(declaration);
  const isExposed = options.registers.length > 0;
  const { family, record, bind } = INSTRUMENTS[type](name, declaration, {
    unixTime: () => Date.now() / 1000,
    ...options,
    fold: (given) =>
      series.fold(given, (label) => {
        options.folded(name, label);
      }),
  });
  // A registry asks no more of a metric than this one has, and its typings more than it asks.
  for (const registry of options.registers) registry.registerMetric(family as unknown as Metric);

  const create = (tool?: string): void => {
    // What a gauge with labels says is not 0 because nobody set it yet.
    if (type === 'gauge' && Object.keys(labels).length > 0) return;
    for (const set of series.atStart(tool)) family.of(set);
  };
  create();
  /** By the labels of their series. */
  const readers = new Map<string, () => void>();
  const beforeScrape = (key: string, read: () => void): void => {
    readers.set(key, read);
    family.collect = () => {
      for (const reader of readers.values()) reader();
    };
  };
  const upkeep: Upkeep = {
    addTool: create,
    removeTool(tool) {
      if (series.toolLabel !== undefined) family.removeAll(series.toolLabel, tool);
    },
    removeAll: (label, value) => {
      family.removeAll(label, value);
    },
    atScrape(read, given = {}) {
      beforeScrape(JSON.stringify(given), () => {
        (record as GaugeInstrument<Labels>).set(given, read());
      });
    },
    beforeScrape(bringUpToDate) {
      beforeScrape('', bringUpToDate);
    },
    samples: () => (isExposed ? family.samples : 0),
    mostSamples: (tools) => (isExposed ? series.most(tools) : 0),
  };
  return { record, bind, upkeep };
}

interface Recording extends Required<Pick<InstrumentOptions, 'unixTime'>> {
  readonly fold: (given: Given) => LabelSet;
}

interface Instrument {
  readonly family: Family;
  readonly record: object;
  readonly bind: (given: Given) => object;
}

/** A series is found by the values that are given; only where there is none, they are held to what was declared. */
const INSTRUMENTS: Readonly<
  Record<MetricType, (name: string, declaration: Declaration, recording: Recording) => Instrument>
> = {
  counter(name, declaration, { fold, unixTime }) {
    const family = new Family(
      name,
      declaration,
      (labels, keeper) => new NumberSeries(name, labels, keeper, unixTime),
    );
    const record = {
      inc(given: Given, by?: number, traceId?: string) {
        seriesOf(family, given, fold).inc(by, traceId);
      },
    };
    return { family, record, bind: (given) => new BoundSeries(family, given, fold) };
  },
  gauge(name, declaration, { fold, unixTime }) {
    const family = new Family(
      name,
      declaration,
      (labels, keeper) => new NumberSeries(name, labels, keeper, unixTime),
    );
    const record = {
      set(given: Given, value: number) {
        seriesOf(family, given, fold).set(value);
      },
      inc(given: Given, by = 1) {
        seriesOf(family, given, fold).add(by);
      },
      dec(given: Given, by = 1) {
        seriesOf(family, given, fold).add(-by);
      },
    };
    return { family, record, bind: (given) => new BoundSeries(family, given, fold) };
  },
  histogram(name, declaration, { fold, unixTime }) {
    const buckets = new Buckets(name, declaration.buckets ?? []);
    const family = new Family(
      name,
      declaration,
      (labels, keeper) => new HistogramSeries(buckets, labels, keeper, unixTime),
    );
    const record = {
      observe(given: Given, value: number, traceId?: string) {
        seriesOf(family, given, fold).observe(value, traceId);
      },
    };
    return { family, record, bind: (given) => new BoundSeries(family, given, fold) };
  },
};

const seriesOf = <Member extends TimeSeries>(
  family: Family<Member>,
  given: Given,
  fold: Recording['fold'],
): Member => family.find(given) ?? family.of(fold(given));

/** A series that is looked for again only when it was removed, or when what was given is not what it is called. */
class BoundSeries<Member extends TimeSeries> {
  readonly #family: Family<Member>;
  readonly #given: Given;
  readonly #fold: Recording['fold'];
  #found: Member | undefined;

  constructor(family: Family<Member>, given: Given, fold: Recording['fold']) {
    this.#family = family;
    this.#given = given;
    this.#fold = fold;
  }

  get found(): Member | undefined {
    if (this.#found && !this.#found.isRemoved) return this.#found;
    this.#found = this.#family.find(this.#given);
    return this.#found;
  }

  get series(): Member {
    // The one that it is folded into is not kept: each time counts as folded.
    return this.found ?? seriesOf(this.#family, this.#given, this.#fold);
  }
}

/** Makes a gauge of prom-client read its value when it is scraped. */
export function atScrape(gauge: Gauge, read: () => number): void {
  Object.assign(gauge, {
    collect: () => {
      gauge.set(read());
    },
  });
}
