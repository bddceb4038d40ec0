import { UNKNOWN_TOOL } from '../tools/outcome.ts';

/**
 * The values a label may take: those listed, or whichever come first up to a number of them, of at most 128 characters.
 */
export type LabelValues = readonly string[] | { readonly atMost: number };

/** What label values that were not declared, or are too many, become. */
export const OTHER = 'other';

/** The values a label may take, where it takes more to say so than `LabelValues` can. */
export interface Domain<Value extends string = string> {
  /** Values that are known beforehand. */
  readonly values: readonly Value[];
  /** Those of them whose series are there from the start, at 0; those of the others appear with use. */
  readonly fromStart: readonly Value[];
  /** How many other values may come, the first ones do. Default: none. */
  readonly more?: number;
  /** What all further values become. Missing where only the program gives values, and the types let no other pass. */
  readonly rest?: string;
  /** Whether the names of the tools there are belong to it. */
  readonly tools?: true;
  /** Whether the label can be left out. */
  readonly optional?: true;
  /** Whether the value follows from the series' other labels, so that it makes no more series. */
  readonly follows?: true;
}

/** What the program alone decides: the types let no other value pass. */
export const exactly = <const Value extends string>(values: readonly Value[]): Domain<Value> => ({
  values,
  fromStart: values,
});

/** What is listed; any other text becomes `rest`. */
export const listed = (values: readonly string[], rest: string): Domain => ({
  values,
  fromStart: values,
  rest,
});

/** The names of the tools that are registered. */
export const TOOLS: Domain = { values: [], fromStart: [], tools: true };

/** The same, and what calls to tools that do not exist are counted as. */
export const TOOLS_OR_UNKNOWN: Domain = { ...TOOLS, values: [UNKNOWN_TOOL] };

/** A value that follows from the other labels of its series. */
export const FOLLOWS: Domain = { values: [], fromStart: [], follows: true };

/** Has series appear with use. */
export const onUse = <Value extends string = string>(values: LabelValues | Domain<Value>): Domain<Value> => ({
  ...domainOf(values),
  fromStart: [],
});

/** The same values, of a label that can be left out. */
export const optional = <Value extends string = string>(
  values: LabelValues | Domain<Value>,
): Domain<Value> & { readonly optional: true } => ({ ...onUse(values), optional: true });

/** A value that is one of these, and follows from the other labels of its series. */
export const follows = (values: LabelValues): Domain => ({ ...onUse(values), follows: true });

/** The values of a label in full: what is not listed becomes `other`. */
export function domainOf<Value extends string>(values: LabelValues | Domain<Value>): Domain<Value> {
  if ('fromStart' in values) return values;
  const known = 'atMost' in values ? [] : (values as readonly Value[]);
  return {
    values: known,
    fromStart: known,
    rest: OTHER,
    ...('atMost' in values && { more: values.atMost }),
  };
}

export type Labels = Readonly<Record<string, LabelValues | Domain>>;

type NoLabels = Readonly<Record<string, never>>;

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A metric, as it is declared. */
export interface Declaration<L extends Labels = Labels, Type extends MetricType = MetricType> {
  readonly type: Type;
  readonly help: string;
  readonly labels: L;
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  readonly buckets?: readonly number[];
  /** Other series of it: what `labels` says is then said anew. */
  readonly also?: Labels;
}

/** Adds series whose labels are these. */
export const also = <const D extends Declaration>(
  declaration: D,
  labels: { readonly [Name in keyof D['labels']]?: LabelValues | Domain },
): D => ({ ...declaration, also: labels });

/** Declares a counter: how often something happened. Its name ends in `_total`. */
export const counter = <const L extends Labels = NoLabels>(
  help: string,
  labels: L = {} as L,
): Declaration<L, 'counter'> => ({ type: 'counter', help, labels });

/** Declares a gauge: how much there is of something now. */
export const gauge = <const L extends Labels = NoLabels>(
  help: string,
  labels: L = {} as L,
): Declaration<L, 'gauge'> => ({ type: 'gauge', help, labels });

/** Declares a histogram: how values are distributed. Seconds for time, bytes for sizes. */
export const histogram = <const L extends Labels = NoLabels>(
  help: string,
  buckets: readonly number[],
  labels: L = {} as L,
): Declaration<L, 'histogram'> => ({ type: 'histogram', help, labels, buckets });

type ValueOf<Values> = Values extends readonly (infer Value)[]
  ? Value
  : Values extends Domain<infer Value>
    ? Value
    : string;

/** The labels that can be left out. */
type OptionalOf<L extends Labels> = {
  [Name in keyof L]: L[Name] extends { readonly optional: true } ? Name : never;
}[keyof L];

/** The values of a declaration's labels, as a series has them. */
export type ValuesOf<L extends Labels> = {
  readonly [Name in Exclude<keyof L, OptionalOf<L>>]: ValueOf<L[Name]>;
} & { readonly [Name in OptionalOf<L>]?: ValueOf<L[Name]> };
