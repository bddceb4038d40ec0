import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  SortOrder,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type DashboardLink,
  type DynamicConfigValue,
  type Panel,
  type ValueMap,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  HeatmapColorOptionsBuilder,
  PanelBuilder as HeatmapBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type {
  Heatmap,
  Meaning,
  Panel as Spec,
  Query,
  Stat,
  Table,
  Timeline,
  TimeSeries,
} from './dashboard.ts';
import { GOOD, PARAMETERS, TICKET, type Limit } from './limits.ts';
import { DATA_SOURCE, toolUrl } from './variables.ts';

/** Builds a panel, all but its id. */
export function buildPanel(spec: Spec): Panel {
  switch (spec.kind) {
    case 'timeseries':
      return timeSeries(spec);
    case 'stat':
      return stat(spec);
    case 'table':
      return table(spec);
    case 'heatmap':
      return heatmap(spec);
    case 'state-timeline':
      return timeline(spec);
  }
}

type AnyBuilder = TimeSeriesBuilder | StatBuilder | TableBuilder | HeatmapBuilder | TimelineBuilder;

/** What every panel has. */
function begin<B extends AnyBuilder>(builder: B, spec: Spec, queries: readonly Builder<Dataquery>[]): B {
  builder
    .title(spec.title)
    .description(describe(spec))
    .datasource(DATA_SOURCE)
    .span(spec.width ?? 8)
    .height(spec.height ?? 8)
    .unit(spec.unit)
    .noValue(spec.noValue)
    .thresholds(thresholds(spec.limits));
  for (const query of queries) builder.withTarget(query);
  return builder;
}

/** The description, and the runbooks of the alerts it explains. */
function describe({ description, alerts = [] }: Spec): string {
  const runbooks = alerts.map((name) => `[${name}](${PARAMETERS.runbookBaseUrl}/${name}.md)`);
  return runbooks.length === 0 ? description : `${description}\n\nRunbook: ${runbooks.join(', ')}`;
}

function thresholds(limits: readonly Limit[] = []): ThresholdsConfigBuilder {
  const least = limits.some(({ color }) => color === GOOD) ? TICKET : GOOD;
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: least }, ...limits.map(({ from, color }) => ({ value: from, color }))]);
}

/** How Grafana names queries: A, B, … */
const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

const target = ({ expr, legend, exemplars = false }: Query, index: number): DataqueryBuilder =>
  new DataqueryBuilder()
    .refId(refId(index))
    .datasource(DATA_SOURCE)
    .expr(expr)
    .legendFormat(legend)
    .exemplar(exemplars);

const overTime = (queries: readonly Query[]): readonly DataqueryBuilder[] =>
  queries.map((query, index) => target(query, index).range());

const now = (queries: readonly Query[], format: PromQueryFormat): readonly DataqueryBuilder[] =>
  queries.map((query, index) => target(query, index).instant().format(format));

const fixed = (color: string): DynamicConfigValue => ({
  id: 'color',
  value: { mode: FieldColorModeId.Fixed, fixedColor: color },
});

const meanings = (values: Readonly<Record<string, Meaning>>): ValueMap => ({
  type: MappingType.ValueToText,
  options: Object.fromEntries(
    Object.entries(values).map(([value, meaning], index) => [value, { ...meaning, index }]),
  ),
});

/** What a query changes about its own values. */
const ownProperties = ({ unit, limits, color }: Query): readonly DynamicConfigValue[] => [
  ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
  ...(limits === undefined ? [] : [{ id: 'thresholds', value: thresholds(limits).build() }]),
  ...(color === undefined ? [] : [fixed(color)]),
];

function overrideQueries(builder: TimeSeriesBuilder | StatBuilder, queries: readonly Query[]): void {
  for (const [index, query] of queries.entries()) {
    const properties = ownProperties(query);
    if (properties.length > 0) builder.overrideByQuery(refId(index), [...properties]);
  }
}

const legend = () =>
  new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom);

const tooltip = () =>
  new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

function timeSeries(spec: TimeSeries): Panel {
  const {
    queries,
    limits = [],
    stacked = false,
    max,
    belowZero = false,
    colors = {},
    leadsToTool = false,
  } = spec;
  const builder = begin(new TimeSeriesBuilder(), spec, overTime(queries))
    .lineWidth(1)
    .fillOpacity(stacked ? 60 : 10)
    .showPoints(VisibilityMode.Never)
    .legend(legend())
    .tooltip(tooltip())
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName));
  if (!belowZero) builder.min(0);
  if (max !== undefined) builder.max(max);
  if (stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (limits.length > 0)
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  overrideQueries(builder, queries);
  for (const [name, color] of Object.entries(colors)) builder.overrideByName(name, [fixed(color)]);
  const panel = builder.build();
  if (leadsToTool && panel.fieldConfig) {
    panel.fieldConfig.defaults.links = linkToTool('${__field.labels.tool_name}');
  }
  return panel;
}

/** Where a click leads. Grafana wants less of these than of the links above a dashboard, whose type the SDK gives. */
const dataLink = (title: string, url: string) => [{ title, url }] as unknown as DashboardLink[];

const linkToTool = (tool: string) => dataLink(`Look at ${tool}`, toolUrl(tool));

function stat(spec: Stat): Panel {
  const builder = begin(new StatBuilder(), spec, now(spec.queries, PromQueryFormat.TimeSeries))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .colorMode(
      spec.limits || spec.queries.some(({ limits }) => limits)
        ? BigValueColorMode.Background
        : BigValueColorMode.None,
    )
    .graphMode(BigValueGraphMode.None)
    .textMode(spec.queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Auto)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds));
  overrideQueries(builder, spec.queries);
  return builder.build();
}

function table(spec: Table): Panel {
  const { queries, labels, sortBy } = spec;
  // Grafana numbers the values only where there are several.
  const values = queries.length === 1 ? ['Value'] : queries.map((_query, index) => `Value #${refId(index)}`);
  const columns = [...Object.keys(labels), ...values];
  const headings = [...Object.values(labels), ...queries.map((query) => query.legend)];
  const builder = begin(new TableBuilder(), spec, now(queries, PromQueryFormat.Table))
    .filterable(true)
    // The frames of the queries become one table, with the same row for the same labels.
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(columns.map((column, index) => [column, index])),
        renameByName: Object.fromEntries(columns.map((column, index) => [column, headings[index]])),
      },
    })
    .withTransformation({ id: 'sortBy', options: { sort: [{ field: sortBy, desc: true }] } });
  for (const [label, heading] of Object.entries(labels)) {
    const meaning = spec.meanings?.[label];
    const properties = [
      ...(meaning ? [{ id: 'mappings', value: [meanings(meaning)] }, coloured('color-text')] : []),
      ...(label === 'tool_name'
        ? [{ id: 'links', value: linkToTool(`\${__data.fields["${heading}"]}`) }]
        : []),
    ];
    if (properties.length > 0) builder.overrideByName(heading, properties);
  }
  for (const query of queries) {
    const properties = [
      ...ownProperties(query),
      // Of one row; that of the panel is of the whole table.
      { id: 'noValue', value: '-' },
      // Increases are extrapolated, and calls are whole.
      ...(query.unit === 'short' ? [{ id: 'decimals', value: 0 }] : []),
      ...(query.limits ? [coloured('color-background')] : []),
    ];
    builder.overrideByName(query.legend, properties);
  }
  return builder.build();
}

const coloured = (type: 'color-background' | 'color-text'): DynamicConfigValue => ({
  id: 'custom.cellOptions',
  value: { type },
});

function heatmap(spec: Heatmap): Panel {
  const queries = spec.queries.map((query, index) =>
    target(query, index).range().format(PromQueryFormat.Heatmap),
  );
  return begin(new HeatmapBuilder(), spec, queries)
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().scheme('Oranges').steps(64))
    .cellGap(1)
    .showLegend()
    .yAxis(new YAxisConfigBuilder().unit(spec.unit))
    .build();
}

function timeline(spec: Timeline): Panel {
  const panel = begin(new TimelineBuilder(), spec, overTime(spec.queries))
    .mappings([meanings(spec.states)])
    .mergeValues(true)
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8)
    .legend(legend())
    .tooltip(tooltip())
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .build();
  if (spec.leadsTo && panel.fieldConfig) {
    panel.fieldConfig.defaults.links = dataLink(spec.leadsTo.title, spec.leadsTo.url);
  }
  return panel;
}
