import { alertSet, ruleGroups } from '../../alerts/source/rules.ts';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { DASHBOARDS } from './dashboards.ts';
import { PARAMETERS } from './limits.ts';

/** Whether an expression reads a metric; of a histogram, any of its series. */
const reads = (expr: string, metric: string): boolean =>
  new RegExp(`\\b${metric}(?:_bucket|_count|_sum)?\\{`).test(expr);

const recordings = ruleGroups().flatMap(({ rules }) =>
  rules.flatMap(({ record, expr }) => (record === undefined ? [] : [{ record, expr }])),
);

/** The expression, and those of the recorded series it reads. */
function unfold(expr: string): string {
  const read = recordings.filter(({ record }) => expr.includes(record));
  return [expr, ...read.map((recording) => unfold(recording.expr))].join('\n');
}

/** The expression without what only tells our instances from others'. */
const withoutGuards = (expr: string): string =>
  expr.replaceAll(
    / and on \([^)]*\) (?:max by \([^)]*\) \(max_over_time\()?mcp_build_info\{[^}]*\}(?:\[\w+\]\)\))?/g,
    '',
  );

interface ShownPanel {
  readonly dashboard: string;
  readonly title: string;
  readonly expr: string;
  readonly alerts: readonly string[];
}

const panels: readonly ShownPanel[] = DASHBOARDS.flatMap((dashboard) =>
  dashboard.sections
    .flatMap((section) => section.panels)
    .map(({ title, queries, alerts = [] }) => ({
      dashboard: dashboard.title,
      title,
      expr: unfold(queries.map(({ expr }) => withoutGuards(expr)).join('\n')),
      alerts,
    })),
);

const alerts = alertSet(PARAMETERS).map((alert) => ({ ...alert, expr: unfold(alert.expr) }));

/** Titles of panels, one line a dashboard. */
const listPanels = (which: (panel: ShownPanel) => boolean): string =>
  DASHBOARDS.flatMap(({ title }) => {
    const titles = panels.filter((panel) => panel.dashboard === title && which(panel));
    return titles.length === 0 ? [] : [`${title}: ${titles.map((panel) => panel.title).join(' ')}`];
  }).join('<br>');

/** Each metric, the panels that show it, and the alerts that watch it. */
export const metricRows = (): readonly (readonly string[])[] =>
  Object.keys(METRICS).map((metric) => {
    const watching = alerts.filter(({ expr }) => reads(expr, metric)).map(({ name }) => name);
    return [
      `\`${metric}\``,
      listPanels(({ expr }) => reads(expr, metric)),
      [...new Set(watching)].join(', '),
    ];
  });

/** Each alert, the dashboard it leads to, and the panels that explain it. */
export const alertRows = (): readonly (readonly string[])[] =>
  [...new Map(alerts.map(({ name, dashboard }) => [name, dashboard]))].map(([alert, opens]) => [
    alert,
    DASHBOARDS.find(({ name }) => name === opens)?.title ?? '',
    listPanels((panel) => panel.alerts.includes(alert)),
  ]);
