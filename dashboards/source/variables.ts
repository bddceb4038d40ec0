import {
  AnnotationQueryBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type DataSourceRef,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { DASHBOARD_VARIABLES, dashboardUid } from '../../alerts/source/alert.ts';
import { alertsThat, count, ours, series } from './queries.ts';

/** The data source that the variable chooses. */
export const DATA_SOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** By which the dashboards find each other. */
export const TAG = 'nexus-mcp';

type VariableName = (typeof DASHBOARD_VARIABLES)[number];

interface Variable {
  readonly label: string;
  /** The series whose label values are offered: the choices made to the left narrow it. */
  readonly from: string;
  /** What All stands for. Clusters and namespaces may be no labels at all. */
  readonly all: '.*' | '.+';
}

const VARIABLES: Readonly<Record<VariableName, Variable>> = {
  cluster: { label: 'Cluster', from: 'mcp_build_info', all: '.*' },
  namespace: { label: 'Namespace', from: 'mcp_build_info{cluster=~"$cluster"}', all: '.*' },
  job: {
    label: 'Job',
    from: 'mcp_build_info{cluster=~"$cluster", namespace=~"$namespace"}',
    all: '.+',
  },
  instance: {
    label: 'Instance',
    from: 'mcp_build_info{cluster=~"$cluster", namespace=~"$namespace", job=~"$job"}',
    all: '.+',
  },
  tool_name: { label: 'Tool', from: series('mcp_tool_calls_total'), all: '.+' },
};

/** The choices above each dashboard. */
export const variables = () => [
  new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
  ...DASHBOARD_VARIABLES.map((name) => {
    const { label, from, all } = VARIABLES[name];
    const query = `label_values(${from}, ${name})`;
    return new QueryVariableBuilder(name)
      .label(label)
      .datasource(DATA_SOURCE)
      .query(query)
      .definition(query)
      .multi(true)
      .includeAll(true)
      .allValue(all)
      .current({ selected: true, text: 'All', value: '$__all' })
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc);
  }),
];

/** What is marked in all graphs. */
export const annotations = () => {
  const version = ['cluster', 'namespace', 'job', 'version', 'revision'] as const;
  // An hour before: of a single instance that was away for minutes, five minutes ago there was nothing.
  const before = `max_over_time(${series('mcp_build_info')}[1h] offset 5m)`;
  const annotation = (name: string, color: string, expr: string) =>
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(DATA_SOURCE)
      .enable(true)
      .hide(false)
      .iconColor(color)
      .target(new DataqueryBuilder().refId('Anno').datasource(DATA_SOURCE).expr(expr).interval('1m'));
  return [
    annotation(
      'Deploys',
      'blue',
      `${count(series('mcp_build_info'), ...version)} unless ${count(before, ...version)}`,
    )
      .titleFormat('{{job}} {{version}}')
      .textFormat('revision {{revision}} in {{namespace}}'),
    annotation('Starts', 'purple', `1000 * ${ours(series('process_start_time_seconds'))}`)
      .titleFormat('{{instance}} started')
      .textFormat('{{job}} in {{namespace}}')
      .useValueForTime(true),
    annotation('Pages', 'red', alertsThat('firing', 'severity="critical"'))
      .titleFormat('{{alertname}}')
      .textFormat('{{job}} {{tool_name}} {{instance}}'),
  ];
};

/** The other dashboards. */
export const links = () => [
  new DashboardLinkBuilder('nexus-mcp')
    .type(DashboardLinkType.Dashboards)
    .tags([TAG])
    .asDropdown(false)
    .includeVars(true)
    .keepTime(true),
];

/** Where a tool is looked at alone, with the time and the choices made here. `tool` is a template of its name. */
export const toolUrl = (tool: string): string =>
  [
    `/d/${dashboardUid('tools')}?\${__url_time_range}`,
    ...['datasource', ...DASHBOARD_VARIABLES]
      .filter((name) => name !== 'tool_name')
      .map((name) => `\${${name}:queryparam}`),
    `var-tool_name=${tool}`,
  ].join('&');
