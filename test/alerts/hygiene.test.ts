import { afterAll, describe, expect, it } from 'vitest';
import { SEVERITIES } from '../../alerts/source/parameters.ts';
import { ALLOWED_TOOL } from '../../alerts/source/records.ts';
import { ruleFile, ruleGroups, type Rule, type RuleGroup } from '../../alerts/source/rules.ts';
import { DURATION_BUCKETS } from '../../src/monitoring/metrics/bounds.ts';
import { COMMITTED } from '../dashboards/committed.ts';
import { COMPARISONS, readPromQL, walk, type Expression } from './promql.ts';
import { promtool, stopPromtool } from './promtool.ts';
import { RULES } from './scenario.ts';
import { secondsOf } from './series.ts';

/** What there is of single tools that have a threshold of their own. */
const OPTIONAL: readonly string[] = Object.values(ALLOWED_TOOL);

const OTHER_WINDOWS = {
  page: [{ long: 1800, short: 120, factor: 10 }],
  ticket: [{ long: 43_200, short: 7200, factor: 2 }],
};

/** The buckets that a server has for a tool whose deadline is 45 s. */
const SLOW = [30, 45];

/** The generated rules, and rules with parameters that change their shape. */
const SETS: Readonly<Record<string, readonly RuleGroup[]>> = {
  'the defaults': RULES,
  'one bad reason, one tool of its own': ruleGroups({
    badReasons: ['exception'],
    tools: { 'a.b': { errorRatio: 0.5 }, c: { latencySeconds: 1 } },
  }),
  'one tool of its own': ruleGroups({ tools: { echo: { errorRatio: 0.5, latencySeconds: 1 } } }),
  'whole thresholds, other windows': ruleGroups({
    latency: { thresholdSeconds: 5, ...OTHER_WINDOWS },
    availability: OTHER_WINDOWS,
  }),
  'slow tools': ruleGroups({
    durationBuckets: SLOW,
    latency: { thresholdSeconds: 30 },
    toolLatencySeconds: 30,
    tools: { report: { latencySeconds: 44 } },
  }),
  'a service that must exist': ruleGroups({ selector: 'job="a", namespace="b"', mustExist: true }),
  'a short time': ruleGroups({ timeScale: 0.001 }),
};

afterAll(stopPromtool);

describe.each(Object.entries(SETS))('the rules: %s', (name, groups) => {
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.filter((rule) => rule.alert !== undefined);
  const expressions = rules.map((rule) => ({ rule, expression: readPromQL(rule.expr) }));
  const nodes = expressions.flatMap(({ rule, expression }) =>
    walk(expression).map((found) => ({ ...found, rule: title(rule) })),
  );

  it('pass every check of promtool', async () => {
    const { output, exitCode } = await promtool(
      ['check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'],
      { 'rules.yaml': ruleFile(groups) },
    );
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(exitCode).toBe(0);
  });

  it('state a condition in every alert', () => {
    const without = expressions.filter(
      ({ rule, expression }) => rule.alert !== undefined && !alternatives(expression).every(hasCondition),
    );
    expect(without.map(({ rule }) => title(rule))).toEqual([]);
  });

  it('divide by nothing that can be 0', () => {
    const unguarded = nodes.filter(
      ({ node }) => node.kind === 'binary' && node.operator === '/' && !cannotBeZero(node.right),
    );
    expect(unguarded.map(({ rule }) => rule)).toEqual([]);
  });

  it('keep cluster, namespace and job in every aggregation and match', () => {
    const losing = nodes.filter(({ node }) => {
      const labels = node.kind === 'aggregation' ? node.by : node.kind === 'binary' ? node.on : undefined;
      return (
        labels !== undefined && !['cluster', 'namespace', 'job'].every((label) => labels.includes(label))
      );
    });
    expect(losing.map(({ rule }) => rule)).toEqual([]);
  });

  it('use regular expressions only where there is a pattern', () => {
    const plain = nodes.flatMap(({ rule, node }) =>
      node.kind === 'selector'
        ? node.matchers
            .filter(({ operator, value }) => operator.endsWith('~') && !/[.*+?()[\]{}|\\^$]/.test(value))
            // Those that count against the objective are a list of any length.
            .filter(({ label }) => label !== 'reason')
            .map(({ label, value }) => `${rule}: ${label} ${value}`)
        : [],
    );
    expect(plain).toEqual([]);
  });

  it('never rank: what enters and leaves a ranking would make the alert flap', () => {
    const names = nodes.map(({ node }) => ('name' in node ? node.name : ''));
    expect(names.filter((name) => ['topk', 'bottomk', 'limitk'].includes(name))).toEqual([]);
  });

  it('look for what is absent only by labels that are exact, which are all that routing gets', () => {
    const exact = nodes
      .filter(({ node }) => node.kind === 'call' && node.name.startsWith('absent'))
      .map(({ node, rule }) => {
        const matchers = walk(node).flatMap((found) => ('matchers' in found.node ? found.node.matchers : []));
        return { rule, operators: matchers.map(({ operator }) => operator) };
      });
    expect(exact.filter(({ operators }) => operators.length === 0)).toEqual([]);
    expect(exact.filter(({ operators }) => operators.some((operator) => operator !== '='))).toEqual([]);
  });

  it('read only series that are recorded, in expressions and in texts', () => {
    const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
    const read = JSON.stringify(
      groups.map((group) => group.rules.map(({ expr, annotations }) => [expr, annotations])),
    );
    const names = [...read.matchAll(/nexus_mcp:\w[\w:]+/g)].map(([name]) => name);
    expect(names.filter((name) => !recorded.has(name) && !OPTIONAL.includes(name))).toEqual([]);
  });

  it('have something else to compare with where a single tool has no threshold of its own', () => {
    const reads = (expression: Expression): number =>
      walk(expression).filter(({ node }) => node.kind === 'selector' && OPTIONAL.includes(node.name)).length;
    const all = expressions.reduce((sum, { expression }) => sum + reads(expression), 0);
    const replaced = nodes.reduce(
      (sum, { node }) =>
        node.kind === 'binary' && node.operator === 'or' ? sum + reads(node.left) - reads(node.right) : sum,
      0,
    );
    expect([all, replaced]).toEqual([2, 2]);
  });

  it('look at latencies only at buckets that exist, below the highest', () => {
    const all: readonly number[] = [...DURATION_BUCKETS, ...(name === 'slow tools' ? SLOW : [])];
    const highest = Math.max(...all);
    const bounds = nodes.flatMap(({ node }) =>
      node.kind === 'selector' ? node.matchers.filter(({ label }) => label === 'le') : [],
    );
    expect(bounds.length).toBeGreaterThan(0);
    for (const { value } of bounds) {
      const bound = Number(value.replace('([.]0)?', '').replace('[.]', '.'));
      expect(all).toContain(bound);
      expect(bound).toBeLessThan(highest);
    }
    const general = nodes.flatMap(({ node }) =>
      node.kind === 'binary' &&
      node.operator === '>' &&
      node.left.kind === 'call' &&
      node.left.name === 'histogram_quantile'
        ? walk(node.right).flatMap((found) => (found.node.kind === 'number' ? [found.node.value] : []))
        : [],
    );
    const own = rules.flatMap(({ record, expr }) =>
      record === ALLOWED_TOOL.latencySeconds ? [Number(/ \+ (\S+)$/.exec(expr)?.[1])] : [],
    );
    // Nothing of the calls, and the limit.
    expect(general).toEqual([0, expect.any(Number)]);
    for (const limit of [...general, ...own]) expect(limit).toBeLessThan(highest);
  });

  it('have no rule twice', () => {
    const names = rules.map(title);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(rules.map(({ expr, labels }) => expr + String(labels?.['tool_name']))).size).toBe(
      rules.length,
    );
  });

  it('have no value in a label', () => {
    for (const { labels = {} } of alerts) expect(JSON.stringify(labels)).not.toContain('{{');
  });

  it('write every number of a text for people', () => {
    for (const rule of alerts) {
      const templates = [
        ...Object.values(rule.annotations ?? {})
          .join(' ')
          .matchAll(/\{\{(.*?)\}\}/g),
      ];
      const raw = templates.filter(
        ([, code = '']) =>
          // In a query and in a condition it is not text yet.
          /\$value|\bvalue\b/.test(code) &&
          !/\| (?:humanize(?:Percentage|Duration)|printf "%\.0f"|query) $|^ (?:else )?if [gl]t \$value \d+\.0 $/.test(
            code,
          ),
      );
      expect(raw, title(rule)).toEqual([]);
    }
  });
});

describe('the generated alerts', () => {
  const alerts = RULES.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);

  it.each(alerts.map((rule) => [title(rule), rule] as const))(
    '%s has everything an alert needs',
    (_title, rule) => {
      const { alert, labels = {}, annotations = {} } = rule;
      expect(alert).toMatch(/^NexusMCP[A-Z]\w+$/);
      expect(SEVERITIES).toContain(labels['severity']);
      expect(secondsOf(rule.for ?? '')).toBeGreaterThanOrEqual(60);
      // Whoever is notified is not notified again because of one good minute.
      if (labels['severity'] !== 'info')
        expect(secondsOf(rule.keep_firing_for ?? '')).toBeGreaterThanOrEqual(120);
      expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url', 'dashboard_url']);
      const [subject = '', what] = (annotations['summary'] ?? '').split(': ');
      expect(subject, 'whose it is').toMatch(/\$labels\.job.*\$labels\.cluster.*\$labels\.tool_name/);
      expect(what, 'what is broken').toMatch(/^[A-Z][^.{}]+\.$/);
      const { description = '' } = annotations;
      const [impact = '', command = ''] = description.split(/(?<=[.:)\d]) First: /);
      expect(command.length, 'a first step').toBeGreaterThan(10);
      expect(impact, 'a number').toMatch(/\$value|\d/);
      expect(impact, 'a window').toMatch(
        /\d+(?:[dhm]\b| (?:minutes|hours)|-day)|(?:within|in) an hour|two hours|a day ago/,
      );
      expect(impact, 'whose it is').toMatch(/\$labels\.job.*\$labels\.cluster/);
    },
  );

  it('page by no more than seven names', () => {
    const names = alerts
      .filter(({ labels }) => labels?.['severity'] === 'critical')
      .map(({ alert }) => alert);
    expect(new Set(names).size).toBeLessThanOrEqual(7);
  });

  it('are one page and one ticket where a name appears twice', () => {
    for (const { alert } of alerts) {
      const severities = alerts
        .filter((rule) => rule.alert === alert)
        .map(({ labels }) => labels?.['severity']);
      if (severities.length > 1) expect(severities).toEqual(['critical', 'warning']);
    }
  });

  it('record nothing that nobody reads', () => {
    const recorded = RULES.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []));
    const read = [
      ...RULES.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
      ...COMMITTED.map(({ text }) => text),
    ].join('\n');
    expect(recorded.filter((name) => !read.includes(name))).toEqual([]);
  });

  it('are evaluated often enough for no gap to appear', () => {
    for (const { interval = '' } of RULES) expect(secondsOf(interval)).toBeLessThanOrEqual(240);
  });
});

const title = ({ alert, record, labels }: Rule): string =>
  `${record ?? alert ?? ''} ${labels?.['tool_name'] ?? labels?.['severity'] ?? ''}`;

const alternatives = (expression: Expression): readonly Expression[] =>
  expression.kind === 'binary' && expression.operator === 'or'
    ? [...alternatives(expression.left), ...alternatives(expression.right)]
    : [expression];

/** Whether a part of it compares, or holds only while something is missing. */
function hasCondition(expression: Expression): boolean {
  if (expression.kind === 'call') return expression.name.startsWith('absent');
  if (expression.kind !== 'binary') return false;
  // What is done to a value leaves what holds.
  if (expression.left.kind === 'number') return hasCondition(expression.right);
  if (expression.operator === 'unless' || COMPARISONS.has(expression.operator)) return true;
  return expression.operator === 'and' && (hasCondition(expression.left) || hasCondition(expression.right));
}

const cannotBeZero = (expression: Expression): boolean =>
  expression.kind === 'number'
    ? expression.value !== 0
    : expression.kind === 'binary' &&
      expression.operator === '>' &&
      expression.right.kind === 'number' &&
      expression.right.value >= 0;
