import type { DashboardName } from '../../alerts/source/alert.ts';
import type { Limit } from './limits.ts';

/** One query of a panel. */
export interface Query {
  readonly expr: string;
  /** What a series is called, with `{{label}}`. In a table, the heading of the value's column. */
  readonly legend: string;
  /** Whether to show the exemplars of the metric. */
  readonly exemplars?: boolean;
  /** A unit of its own. */
  readonly unit?: Unit;
  /** Limits of its own: colours the value, and in a table the cell. */
  readonly limits?: readonly Limit[];
  readonly color?: string;
}

/** Grafana's identifiers of the units used. */
export type Unit = 'bytes' | 'none' | 'ops' | 'percentunit' | 'reqps' | 's' | 'short';

/** What to call one value, and how to colour it. */
export interface Meaning {
  readonly text?: string;
  readonly color: string;
}

interface Shared {
  /** A question, or a noun that a person uses. */
  readonly title: string;
  /** What is good, and what to do when it is not. Markdown. */
  readonly description: string;
  readonly queries: readonly Query[];
  readonly unit: Unit;
  /** What stands there when the queries return nothing. */
  readonly noValue: string;
  /** The alerts it explains; the description links their runbooks. */
  readonly alerts?: readonly `NexusMCP${string}`[];
  readonly limits?: readonly Limit[];
  /** Of 24 columns: 8 unless said otherwise. */
  readonly width?: number;
  /** In rows of 38 pixels: 8 unless said otherwise. */
  readonly height?: number;
}

/** Lines over time. */
export interface TimeSeries extends Shared {
  readonly kind: 'timeseries';
  readonly stacked?: boolean;
  readonly max?: number;
  /** Whether values may be negative. */
  readonly belowZero?: boolean;
  /** Colours by the name of a series. */
  readonly colors?: Readonly<Record<string, string>>;
  /** Whether a click on a series leads to its tool. */
  readonly leadsToTool?: boolean;
}

/** Single numbers, as they are now. */
export interface Stat extends Shared {
  readonly kind: 'stat';
}

/** One row a combination of labels, one column a label and a query. */
export interface Table extends Shared {
  readonly kind: 'table';
  /** The labels shown, with the headings of their columns. */
  readonly labels: Readonly<Record<string, string>>;
  /** Meanings of the values of a label. */
  readonly meanings?: Readonly<Record<string, Readonly<Record<string, Meaning>>>>;
  /** The heading of the column to sort by, largest first. */
  readonly sortBy: string;
}

/** How many observations fell into each bucket, over time. */
export interface Heatmap extends Shared {
  readonly kind: 'heatmap';
}

/** States over time, one line a series. */
export interface Timeline extends Shared {
  readonly kind: 'state-timeline';
  readonly states: Readonly<Record<string, Meaning>>;
  /** Where a click leads; `${__field.labels.…}` stands for a label of the line. */
  readonly leadsTo?: { readonly title: string; readonly url: string };
}

export type Panel = TimeSeries | Stat | Table | Heatmap | Timeline;

/** Panels that are read together, under a heading unless they come first. */
export interface Section {
  readonly heading?: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly name: DashboardName;
  readonly title: string;
  /** What it answers, in one sentence. */
  readonly answers: string;
  readonly sections: readonly Section[];
}
