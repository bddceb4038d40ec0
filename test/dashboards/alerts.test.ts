import type { Panel, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, it } from 'vitest';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { ruleGroups, type Rule } from '../../alerts/source/rules.ts';
import { alertRows, metricRows } from '../../dashboards/source/coverage.ts';
import { METRICS } from '../../src/monitoring/metrics.ts';
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
        return node.matchers.filter(({ label }) => label === 'le').map(({ value }) => Number(value));
      return node.kind === 'binary' && COMPARISONS.has(node.operator) && node.right.kind === 'number'
        ? [node.right.value]
        : [];
    });

/** Panels with the alerts whose runbooks they link. */
const panels = COMMITTED.flatMap(({ uid, panels: ofDashboard, variables }) =>
  ofDashboard.map((panel) => ({
    uid,
    place: `${uid}: ${panel.title ?? ''}`,
    panel,
    expressions: ((panel.targets ?? []) as { expr?: string }[]).map(({ expr = '' }) =>
      interpolate(expr, variables),
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
  const rule = RULES.find(({ record }) => record === `nexus_mcp:tool_call_${what}:allowed_ratio`);
  return Number(/ \+ ([\d.]+)$/.exec(rule?.expr ?? '')?.[1]);
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
  'nexus-mcp-overview: How many instances?': [1],
};

/** Alerts whose condition is no line, and why. */
const WITHOUT_LINE: Readonly<Record<string, string>> = {
  NexusMCPDown: 'a state, not a number',
  NexusMCPTargetDown: 'a state, not a number',
  NexusMCPMetricsMissing: 'two lines that should be one',
  NexusMCPCallsStuck: 'two numbers, in flight and finished',
  NexusMCPToolSilent: 'two days compared',
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
