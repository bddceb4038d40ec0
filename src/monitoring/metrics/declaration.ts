import { OTHER } from './labels.ts';

/**
 * The values a label may take: those listed, or whichever come first up to a number of them, of at most 128 characters.
 */
export type LabelValues = readonly string[] | { readonly atMost: number };

/** Label values with details that `LabelValues` cannot express. */
export interface Domain<Value extends string = string> {
  readonly values: readonly Value[];
  /** How many other values are admitted: the first that come. Default: none. */
  readonly more?: number;
  /** What all other values become. Without it values are not checked when recorded; the types alone restrict them. */
  readonly rest?: string;
  /** Whether the names of the registered tools belong to it. */
  readonly tools?: true;
  /** Whether the label can be left out. */
  readonly optional?: true;
  /**
   * The label that determines this one. If this one has values of its own, it takes them only with one certain value of the
   * other. Where the other's value is folded, this one becomes the same.
   */
  readonly follows?: string;
}

/** Exactly these values; the types refuse others. */
export const exactly = <const Value extends string>(values: readonly Value[]): Domain<Value> => ({ values });

/** These values; any other becomes `rest`. */
const listed = (values: readonly string[], rest: string): Domain => ({ values, rest });

/** The names of the registered tools. */
export const TOOLS: Domain = { values: [], tools: true };

/** Values that only the program knows, and how many there are at most. */
export const given = (most: number): Domain => ({ values: [], more: most });

/** A value that another label determines. */
export const follows = (label: string, domain: Domain = { values: [] }): Domain => ({
  ...domain,
  follows: label,
});

/** The same values, of a label that can be left out. */
export const optional = (domain: Domain): Domain & { readonly optional: true } => ({
  ...domain,
  optional: true,
});

/** Whether label values are a list; `Array.isArray` does not narrow readonly arrays. */
export const isList = (values: LabelValues | Domain): values is readonly string[] => Array.isArray(values);

/** Label values in full: what is not listed becomes `other`. */
export function domainOf(values: LabelValues | Domain): Domain {
  if (isList(values)) return listed(values, OTHER);
  return 'atMost' in values ? { ...given(values.atMost), rest: OTHER } : values;
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
  /** Whether its series appear with use; else those of listed values are there from the start, at 0. */
  readonly onUse?: true;
  /** What the other labels say of the tool `unknown`, which stands for tools that do not exist. Default: it has no series. */
  readonly unknownTool?: Readonly<Record<string, readonly string[]>>;
}

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
} & { readonly [Name in OptionalOf<L>]?: ValueOf<L[Name]> | undefined };
