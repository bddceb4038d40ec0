import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { keptLabels, readPromQL, walk, type Expression } from '../alerts/promql.ts';
import { collectGarbage } from '../support/garbage.ts';
import type { Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { ruleGroups } from '../../alerts/source/rules.ts';
import { COMMITTED } from './committed.ts';
import { interpolate } from './interpolate.ts';

/** What Prometheus adds to the series of a target, by its configuration. */
const OF_SERVICE = ['cluster', 'namespace', 'job'];
const OF_TARGETS = [...OF_SERVICE, 'instance'];

/** What Prometheus writes itself: of each target, and of alerts with the labels that ours have. */
const OF_PROMETHEUS: Readonly<Record<string, readonly string[]>> = {
  up: [],
  scrape_duration_seconds: [],
  scrape_samples_post_metric_relabeling: [],
  scrape_samples_scraped: [],
  ALERTS: ['alertname', 'alertstate', 'severity', 'tool_name', 'reason'],
};

const RECORDED = new Set(ruleGroups().flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? [])));

/** Functions that only counters make sense in, and those that only gauges do. */
const OVER_COUNTERS = ['rate', 'increase'];
const OVER_GAUGES = [
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'quantile_over_time',
  'changes',
  'delta',
];

const queries = COMMITTED.flatMap(({ targets, variables }) =>
  targets.map(({ expr, legendFormat = '', place, panel }) => ({
    place,
    panel,
    legend: legendFormat,
    expression: readPromQL(interpolate(expr, variables)),
  })),
);
const nodes = queries.flatMap((query) => walk(query.expression).map((found) => ({ ...query, ...found })));
const selectors = nodes.flatMap((found) =>
  found.node.kind === 'selector' ? [{ ...found, selector: found.node }] : [],
);

describe('the queries and /metrics', () => {
  let server: TestServer;
  let samples: Samples;

  beforeAll(async () => {
    server = await startTestServer();
    await server.execute('echo', { text: 'hi' });
    collectGarbage();
    // A route is measured when it has answered, and a collection when its observer has run.
    samples = await waitFor(async () => {
      const found = await server.scrape();
      expect(found.select('nodejs_gc_duration_seconds_count')).not.toEqual([]);
      expect(
        found.select('http_server_request_duration_seconds_count', { http_route: '/metrics' }),
      ).not.toEqual([]);
      return found;
    });
  });
  afterAll(() => server.stop());

  /** The family of ours that a series is of. */
  const rowOf = (name: string) =>
    Object.entries(METRICS).find(
      ([metric]) => name.replace(/_(?:bucket|count|sum)$/, '') === metric || name === metric,
    )?.[1];

  /** The names of the labels that a family of ours declares. */
  const declaredLabels = (name: string): readonly string[] | undefined => {
    const row = rowOf(name);
    return row && Object.keys(row.labels);
  };

  const labelsOf = (name: string): ReadonlySet<string> => {
    if (RECORDED.has(name)) return new Set(['cluster', 'namespace', 'job']);
    const own = OF_PROMETHEUS[name] ??
      declaredLabels(name) ?? [...new Set(samples.select(name).flatMap(({ labels }) => Object.keys(labels)))];
    return new Set([...OF_TARGETS, ...own, ...(name.endsWith('_bucket') ? ['le'] : [])]);
  };

  const isKnown = (name: string): boolean =>
    RECORDED.has(name) ||
    name in OF_PROMETHEUS ||
    rowOf(name) !== undefined ||
    samples.select(name).length > 0;

  it('agree on the names of metrics', () => {
    expect(selectors.length).toBeGreaterThan(100);
    const unknown = selectors.filter(({ selector }) => !isKnown(selector.name));
    expect(unknown.map(({ place, selector }) => `${place}: ${selector.name}`)).toEqual([]);
  });

  it('agree on the labels that are selected', () => {
    const unknown = selectors.flatMap(({ place, selector }) =>
      selector.matchers
        // Of a service, `instance` is matched where it is missing.
        .filter(
          ({ label, value }) =>
            !labelsOf(selector.name).has(label) && !(label === 'instance' && value.endsWith('|')),
        )
        .map(({ label }) => `${place}: ${selector.name}{${label}}`),
    );
    expect(unknown).toEqual([]);
  });

  it('agree on the labels that aggregations keep and matches compare', () => {
    const within = (expression: Expression): ReadonlySet<string> =>
      new Set(
        walk(expression).flatMap(({ node }) => (node.kind === 'selector' ? [...labelsOf(node.name)] : [])),
      );
    const unknown = nodes.flatMap(({ place, node }) => {
      const labels = node.kind === 'aggregation' ? node.by : node.kind === 'binary' ? (node.on ?? []) : [];
      return labels.filter((label) => !within(node).has(label)).map((label) => `${place}: ${label}`);
    });
    expect(unknown).toEqual([]);
  });

  it('agree on the labels that legends name', () => {
    const unknown = queries.flatMap(({ place, legend, expression }) =>
      [...legend.matchAll(/\{\{(\w+)\}\}/g)]
        .map(([, label = '']) => label)
        .filter((label) => label !== 'le' && !keptLabels(expression, labelsOf).has(label))
        .map((label) => `${place}: ${label}`),
    );
    expect(unknown).toEqual([]);
  });

  it('tell series apart by every label they have', () => {
    const unnamed = queries
      .filter(({ panel }) => panel.type === 'timeseries' || panel.type === 'state-timeline')
      .flatMap(({ place, legend, expression }) =>
        [...keptLabels(expression, labelsOf)]
          .filter((label) => !legend.includes(`{{${label}}}`))
          .map((label) => `${place}: ${label}`),
      );
    expect(unnamed).toEqual([]);
  });

  it('list a tool once for each service that has it', () => {
    const merged = queries
      .filter(({ panel }) => panel.type === 'table')
      .map(({ place, expression }) => ({ place, labels: keptLabels(expression, labelsOf) }))
      .filter(({ labels }) => labels.has('tool_name') && !OF_SERVICE.every((label) => labels.has(label)));
    expect(merged.map(({ place }) => place)).toEqual([]);
  });

  it('never take services of one name in two namespaces or clusters for one', () => {
    const merged = nodes.filter(
      ({ node }) =>
        node.kind === 'aggregation' &&
        node.by.some((label) => OF_TARGETS.includes(label)) &&
        !OF_SERVICE.every((label) => node.by.includes(label)),
    );
    expect(merged.map(({ place }) => place)).toEqual([]);
  });

  it('show of each process what it measures about itself, and add nothing up', () => {
    const ofProcess = queries.filter(({ expression }) =>
      walk(expression).some(
        ({ node }) => node.kind === 'selector' && /^(?:nodejs_|process_|mcp_worker_pool_)/.test(node.name),
      ),
    );
    expect(ofProcess.length).toBeGreaterThan(10);
    const added = ofProcess.filter(({ expression }) => !keptLabels(expression, labelsOf).has('instance'));
    expect(added.map(({ place }) => place)).toEqual([]);
  });

  it('agree on the columns of tables', () => {
    const tables = queries.filter(({ panel }) => panel.type === 'table');
    for (const { place, panel, expression } of tables) {
      const [, organize] = panel.transformations ?? [];
      const { renameByName } = organize?.options as { renameByName: Record<string, string> };
      // Source: grafana/grafana, packages/grafana-prometheus/src/result_transformer.ts, getValueText.
      const refIds = (panel.targets ?? []).map((query) => (query as { refId?: string }).refId ?? '');
      const values = refIds.length === 1 ? ['Value'] : refIds.map((refId) => `Value #${refId}`);
      const columns = [...keptLabels(expression, labelsOf), ...values];
      expect(Object.keys(renameByName).sort(), place).toEqual(columns.sort());
    }
  });

  it('agree on what grows and what goes up and down', () => {
    const wrong = selectors.filter(({ selector: { name }, within = '' }) => {
      const counts = /_(?:total|bucket|count|sum)$/.test(name);
      return counts ? !OVER_COUNTERS.includes(within) : ![...OVER_GAUGES, ''].includes(within);
    });
    expect(wrong.map(({ place, selector, within }) => `${place}: ${within ?? ''} ${selector.name}`)).toEqual(
      [],
    );
  });

  it('divide by nothing that can be 0', () => {
    const unguarded = nodes.filter(({ node }) => {
      if (node.kind !== 'binary' || node.operator !== '/') return false;
      const { right } = node;
      if (right.kind === 'number') return right.value === 0;
      return !(right.kind === 'binary' && right.operator === '>' && right.right.kind === 'number');
    });
    expect(unguarded.map(({ place }) => place)).toEqual([]);
  });
});
