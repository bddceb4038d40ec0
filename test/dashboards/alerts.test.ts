import type { Panel, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, it } from 'vitest';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { ruleGroups, type Rule } from '../../alerts/source/rules.ts';
import { alertRows, metricRows } from '../../dashboards/source/coverage.ts';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { COMPARISONS, readPromQL, walk, type Expression } from '../alerts/promql.ts';
import { COMMITTED } from './committed.ts';
import { interpolate } from './interpolate.ts';

const RULES = ruleGroups({ grafanaBaseUrl: 'https://grafana.example' }).flatMap(({ rules }) => rules);
const alerts = RULES.filter((rule) => rule.alert !== undefined);

/** All within an expression, and within those of the recorded series it reads. */
const unfold = (expr: string): readonly Expression[] =>
  walk(readPromQL(expr)).flatMap(({ node }) => {
    const recording = node.kind === 'selector' && RULES.find(({ record }) => record === node.name);
    return recording ? [node, ...unfold(recording.expr)] : [node];
  });

/** Names of the series of an expression; of recorded ones, those they are made of. */
const seriesOf = (expr: string): readonly string[] =>
  unfold(expr).flatMap((node) => (node.kind === 'selector' ? [node.name] : []));

/** What the rules of an alert compare with: numbers, and bounds of buckets. */
const limitsOf = (name: string): readonly number[] =>
  alerts
    .filter(({ alert }) => alert === name)
    .flatMap(({ expr }) => unfold(expr))
    .flatMap((node) => {
      if (node.kind === 'selector')
        return node.matchers.filter(({ label }) => label === 'le').map(({ value }) => boundOf(value));
      return node.kind === 'binary' && COMPARISONS.has(node.operator) ? [valueOf(node.right)] : [];
    })
    .filter((limit) => !Number.isNaN(limit));

/** The bound of a pattern such as `2[.]5([.]0)?`. */
const boundOf = (pattern: string): number => Number(pattern.replace('([.]0)?', '').replace('[.]', '.'));

/** What an expression is worth whatever is measured: `0 * up + 0.5` and a record of it are; NaN where that is not said. */
function valueOf(node: Expression): number {
  if (node.kind === 'number') return node.value;
  if (node.kind === 'selector') {
    const recording = RULES.find(({ record }) => record === node.name);
    return recording ? valueOf(readPromQL(recording.expr)) : NaN;
  }
  if (node.kind !== 'binary') return NaN;
  const [left, right] = [valueOf(node.left), valueOf(node.right)];
  switch (node.operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left === 0 ? 0 : left * right;
    case '/':
      return left / right;
    case 'or':
      return right;
    default:
      return NaN;
  }
}

/** A window that no alert has, so that `$__rate_interval` is not taken for one of theirs. */
const MOMENTARY = '61s';

/** A read of a series, over a window, and the labels by which it is aggregated. */
interface Read {
  readonly name: string;
  readonly window: string;
  readonly by: string;
}

/** All reads of an expression, recorded series unfolded; what only tells our instances from others' left out. */
function readsOf(node: Expression, by = 'unaggregated'): readonly Read[] {
  switch (node.kind) {
    case 'number':
      return [];
    case 'call':
      return node.args.flatMap((arg) => readsOf(arg, by));
    case 'aggregation':
      return node.args.flatMap((arg) => readsOf(arg, [...node.by].sort().join()));
    case 'binary':
      return [...readsOf(node.left, by), ...readsOf(node.right, by)];
    case 'selector': {
      if (node.name === 'mcp_build_info') return [];
      const recording = RULES.find(({ record }) => record === node.name);
      return recording
        ? readsOf(readPromQL(recording.expr))
        : [{ name: node.name, window: node.window ?? 'now', by }];
    }
  }
}

/** The series of an expression with the matchers that are its own, whatever is chosen at the top. */
const ownSelectors = (expression: Expression): readonly string[] =>
  walk(expression)
    .flatMap(({ node }) => {
      if (node.kind !== 'selector') return [];
      const own = node.matchers.filter(({ label }) => label === 'reason' || label === 'status');
      return `${node.name}{${own.map(({ label, operator, value }) => `${label}${operator}${value}`).join()}}`;
    })
    .sort();

/** What failures that count against the objective are divided by. */
const denominatorsOf = (expr: string): readonly string[] =>
  unfold(expr).flatMap((node) => {
    if (node.kind !== 'binary' || node.operator !== '/') return [];
    const failures = ownSelectors(node.left).some((one) => one.startsWith('mcp_tool_errors_total{'));
    return failures && seriesIn(node.right).includes('mcp_tool_calls_total')
      ? [[...new Set(ownSelectors(node.right))].join(' ')]
      : [];
  });

const seriesIn = (expression: Expression): readonly string[] =>
  walk(expression).flatMap(({ node }) => (node.kind === 'selector' ? [node.name] : []));

/** Panels with the alerts whose runbooks they link. */
const panels = COMMITTED.flatMap(({ uid, panels: ofDashboard, variables }) =>
  ofDashboard.map((panel) => ({
    uid,
    place: `${uid}: ${panel.title ?? ''}`,
    panel,
    expressions: ((panel.targets ?? []) as { expr?: string }[]).map(({ expr = '' }) =>
      interpolate(expr, variables, {}, MOMENTARY),
    ),
    alerts: [...(panel.description ?? '').matchAll(/runbooks\/(\w+)\.md/g)].map(([, name = '']) => name),
  })),
);

/** The lines and colours of a panel. */
const drawnIn = ({ fieldConfig }: Panel): readonly number[] =>
  [
    fieldConfig?.defaults.thresholds?.steps ?? [],
    ...(fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
      properties
        .filter(({ id }) => id === 'thresholds')
        .map(({ value }) => (value as ThresholdsConfig).steps),
    ),
  ].flatMap((steps) => steps.flatMap(({ value }) => (value === null ? [] : [value])));

/** What the values of a panel are divided by: burn is counted in budgets. */
const unitOf = (expressions: readonly string[]): number => {
  const [, what] = /\/ \(nexus_mcp:tool_call_(errors|slow):allowed_ratio\{/.exec(expressions[0] ?? '') ?? [];
  if (what === undefined) return 1;
  return valueOf(readPromQL(`nexus_mcp:tool_call_${what}:allowed_ratio`));
};

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;

describe.each(alerts.map((rule) => [rule.alert ?? '', rule] as const))('%s', (name, rule: Rule) => {
  const url = new URL(rule.annotations?.['dashboard_url']?.replaceAll(/\{\{.*?\}\}/g, '') ?? '');
  const uid = url.pathname.replace('/d/', '');
  const dashboard = COMMITTED.find((one) => one.uid === uid);

  it('leads to a dashboard that is there, and chooses only what can be chosen there', () => {
    expect(dashboard).toBeDefined();
    const chosen = [...(rule.annotations?.['dashboard_url'] ?? '').matchAll(/&var-(\w+)=/g)].map(
      ([, one]) => one,
    );
    expect(chosen).toEqual(dashboard?.variables.slice(1).map((variable) => variable.name));
  });

  it('is explained there by a panel of the same series', () => {
    const explaining = panels.filter((one) => one.uid === uid && one.alerts.includes(name));
    const shown = new Set(explaining.flatMap(({ expressions }) => expressions.flatMap(seriesOf)));
    expect(explaining.length).toBeGreaterThan(0);
    expect(seriesOf(rule.expr).filter((series) => shown.has(series)).length).toBeGreaterThan(0);
  });
});

/** Colours that begin where no alert does: what the objective allows, and one of what there should be none of. */
const OWN_LINES: Readonly<Record<string, readonly number[]>> = {
  'nexus-mcp-overview: Is anyone hurt?': [0.005],
  'nexus-mcp-overview: What fires now?': [1],
  'nexus-mcp-overview: How many instances?': [0, 1],
};

/** Alerts whose condition is no line, and why. */
const WITHOUT_LINE: Readonly<Record<string, string>> = {
  NexusMCPTargetDown: 'a state, not a number',
  NexusMCPMetricsMissing: 'two lines that should be one',
  NexusMCPRecordsMissing: 'what is not there has no line',
  NexusMCPTokenFileStale: 'a state, not a number',
  NexusMCPUpstreamDown: 'a state, not a number',
  NexusMCPUpstreamToolsDropped: 'one is too many',
  NexusMCPUpstreamDefinitionChanged: 'one is worth a look',
  NexusMCPSessionsNearLimit: 'to be full is no harm; what comes of it is compared with the places',
  NexusMCPCallsStuck: 'two numbers, in flight and finished',
  NexusMCPToolSilent: 'two days compared',
  NexusMCPToolAlwaysFails: 'no success, and so many failures',
  NexusMCPSeriesGrowing: 'the line is the day before, doubled, and a series of its own',
};

it.each(panels.map((one) => [one.place, one] as const))(
  '%s draws its lines where the alerts are that it explains',
  (place, { panel, alerts: explained, expressions }) => {
    const known = [
      ...explained.flatMap(limitsOf).map((limit) => limit / unitOf(expressions)),
      ...(OWN_LINES[place] ?? []),
    ];
    expect(drawnIn(panel).filter((value) => !known.some((limit) => near(limit, value)))).toEqual([]);
  },
);

/** Panels of the moment, coloured by what a single call may take. */
const OF_THE_MOMENT = ['nexus-mcp-overview: How slow?', 'nexus-mcp-overview: Has latency moved?'];

const withLines = panels
  .filter(({ place, panel }) => drawnIn(panel).length > 0 && !OF_THE_MOMENT.includes(place))
  .map((one) => ({
    ...one,
    reads: one.expressions.flatMap((expr) => readsOf(readPromQL(expr))),
    alertReads: one.alerts
      .filter((name) => !(name in WITHOUT_LINE))
      .map((name) =>
        alerts.filter(({ alert }) => alert === name).flatMap(({ expr }) => readsOf(readPromQL(expr))),
      ),
  }))
  .map((one) => [one.place, one] as const);

it.each(withLines)('%s reads the same windows as the alerts whose lines it draws', (_place, panel) => {
  const known = panel.alertReads.flat();
  const strange = panel.reads.filter(
    ({ name, window }) =>
      known.some((read) => read.name === name) &&
      !known.some((read) => read.name === name && read.window === window),
  );
  expect(strange).toEqual([]);
  const seen = panel.alertReads.filter((reads) =>
    reads.some(({ name, window }) =>
      panel.reads.some((read) => read.name === name && read.window === window),
    ),
  );
  expect(seen).toEqual(panel.alertReads);
});

it.each(withLines.filter(([, { panel }]) => panel.type === 'timeseries'))(
  '%s aggregates as the alerts do whose lines it draws',
  (_place, panel) => {
    const known = panel.alertReads.flat();
    // What is shown beside, of the same series, may be by anything: only what is drawn over the same window.
    const strange = panel.reads.filter(
      ({ name, window, by }) =>
        known.some((read) => read.name === name && read.window === window) &&
        !known.some((read) => read.name === name && read.window === window && read.by === by),
    );
    expect(strange).toEqual([]);
  },
);

it('shares of failures are of the calls that were not refused, as in the alerts', () => {
  const [accepted = '', ...others] = new Set(alerts.flatMap(({ expr }) => denominatorsOf(expr)));
  expect(others).toEqual([]);
  expect(accepted).toMatch(/mcp_tool_calls_total\{status=success\}/);
  const shares = panels.flatMap(({ place, expressions }) =>
    expressions.flatMap(denominatorsOf).map((denominator) => ({ place, denominator })),
  );
  expect(shares.length).toBeGreaterThan(5);
  expect(shares.filter(({ denominator }) => denominator !== accepted)).toEqual([]);
});

it('calls that end are counted in the panel of stuck calls as in the alert', () => {
  const [stuck] = panels.filter((one) => one.alerts.includes('NexusMCPCallsStuck'));
  const shown = new Set((stuck?.expressions ?? []).flatMap((expr) => ownSelectors(readPromQL(expr))));
  const watched = alerts.filter(({ alert }) => alert === 'NexusMCPCallsStuck');
  for (const { expr } of watched)
    // Whether the target is still there is not a matter of calls.
    expect(new Set(ownSelectors(readPromQL(expr)).filter((one) => one !== 'up{}'))).toEqual(shown);
});

it('each alert is drawn by a panel that explains it, unless its condition is no line', () => {
  const names = [...new Set(alerts.map(({ alert = '' }) => alert))];
  const undrawn = names.filter((name) => {
    const limits = limitsOf(name);
    const explaining = panels.filter((one) => one.alerts.includes(name));
    return !explaining.some(({ panel, expressions }) =>
      drawnIn(panel).some((value) => limits.some((limit) => near(limit / unitOf(expressions), value))),
    );
  });
  expect(undrawn.sort()).toEqual(Object.keys(WITHOUT_LINE).sort());
});

it('the burn panels draw every factor of their alert, and no other', () => {
  for (const slo of ['availability', 'latency'] as const) {
    const { page, ticket } = parametersSchema.parse({})[slo];
    const alert = slo === 'availability' ? 'NexusMCPErrorBudgetBurn' : 'NexusMCPLatencyBudgetBurn';
    const [panel] = panels.filter((one) => one.alerts.includes(alert) && unitOf(one.expressions) !== 1);
    const factors = [...page, ...ticket].map(({ factor }) => factor).sort((a, b) => a - b);
    expect(panel && drawnIn(panel.panel)).toEqual(factors);
  }
});

describe('the coverage tables', () => {
  it('have a panel for every metric', () => {
    const rows = metricRows();
    expect(rows.map(([metric]) => metric)).toEqual(Object.keys(METRICS).map((name) => `\`${name}\``));
    expect(rows.filter(([, shown]) => shown === '').map(([metric]) => metric)).toEqual([]);
  });

  it('have a panel for every alert, and no panel for an alert that is not', () => {
    const names = new Set(alerts.map(({ alert }) => alert));
    const rows = alertRows();
    expect(new Set(rows.map(([alert]) => alert))).toEqual(names);
    expect(rows.filter(([, , shown]) => shown === '')).toEqual([]);
    expect(panels.flatMap((one) => one.alerts).filter((name) => !names.has(name))).toEqual([]);
  });
});
