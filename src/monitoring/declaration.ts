import { UNKNOWN_TOOL } from '../tools/reasons.ts';

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
  /** Those of them whose series are there from the start, at 0. The series of the others appear with use. */
  readonly fromStart: readonly Value[];
  /** How many values may come besides: the first that do are taken. Default: none. */
  readonly more?: number;
  /** What all other values become. Without it none is looked at: the program gives them, and the types refuse others. */
  readonly rest?: string;
  /** Whether the names of the tools that are registered belong to it. */
  readonly tools?: true;
  /** Whether the label can be left out. */
  readonly optional?: true;
  /** Whether the value follows from the series' other labels, so that it makes no more series. */
  readonly follows?: true;
}

/** Exactly these values, which the program gives: the types refuse others. */
export const exactly = <const Value extends string>(values: readonly Value[]): Domain<Value> => ({
  values,
  fromStart: values,
});

/** These values; any other becomes `rest`. */
export const listed = (values: readonly string[], rest: string): Domain => ({
  values,
  fromStart: values,
  rest,
});

/** The names of the tools that are registered. */
export const TOOLS: Domain = { values: [], fromStart: [], tools: true };

/** The same, and `unknown`, which stands for tools that do not exist. */
export const TOOLS_OR_UNKNOWN: Domain = { ...TOOLS, values: [UNKNOWN_TOOL] };

/** Any value that the program gives, and that follows from the other labels of its series. */
export const FOLLOWS: Domain = { values: [], fromStart: [], follows: true };

/** The same values, whose series appear with use. */
export const onUse = <Value extends string = string>(values: LabelValues | Domain<Value>): Domain<Value> => ({
  ...domainOf(values),
  fromStart: [],
});

/** The same values, of a label that can be left out. */
export const optional = <Value extends string = string>(
  values: LabelValues | Domain<Value>,
): Domain<Value> & { readonly optional: true } => ({ ...onUse(values), optional: true });

/** The same values, where the one follows from the other labels of its series. */
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
  /** What the labels may say in other series of it. */
  readonly also?: Labels;
}

/** Declares that a metric has series with these labels, too. */
export const also = <const D extends Declaration>(
  declaration: D,
  labels: { readonly [Name in keyof D['labels']]?: LabelValues | Domain },
): D => ({ ...declaration, also: labels });

/** All that the labels of a metric may say: in the series declared first, and in the others. */
export const labelSetsOf = ({ labels, also: others }: Declaration): readonly Labels[] =>
  others ? [labels, others] : [labels];

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
