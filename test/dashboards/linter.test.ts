import { VariableRefresh, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, it } from 'vitest';
import { readPromQL, walk } from '../alerts/promql.ts';
import { COMMITTED, labelValuesOf, type Target } from './committed.ts';
import { interpolate } from './interpolate.ts';

/** Series that belong to a service and to none of its instances: what rules record, and alerts. */
const OF_SERVICES = /^(?:nexus_mcp:|ALERTS$)/;

/** Units of Grafana that the linter knows, of those used. */
const UNITS = ['bytes', 'none', 'ops', 'percentunit', 'reqps', 's', 'short'];

const RATES = ['rate', 'irate', 'increase'];

/**
 * The rules of grafana/dashboard-linter, by its names, held without exclusions. One differs: the linter would also
 * have `instance=~"$instance"` where there is no such label, and the panel would stay empty; `$instance|` matches
 * the instances chosen, and what has none.
 */
describe.each(COMMITTED)('dashboard-linter and $uid', ({ dashboard, panels, targets, variables }) => {
  const variable = (name: string) => variables.filter((one) => one.name === name);
  const parsed = targets.map((target) => ({
    target,
    nodes: walk(readPromQL(interpolate(target.expr, variables))),
  }));
  /** With the names of variables in place of values. */
  const selectors = (target: Target): readonly string[] =>
    target.expr.match(/[a-zA-Z_:]\w*(?::\w+)*\{[^}]*\}/g) ?? [];
  const places = (found: readonly Target[]): readonly string[] => found.map(({ place }) => place);

  it('template-datasource-rule', () => {
    expect(variables.filter(({ type }) => type === VariableType.Datasource)).toMatchObject([
      { name: 'datasource', label: 'Data source', query: 'prometheus' },
    ]);
  });

  it.each([
    ['template-job-rule', 'job', 'Job'],
    ['template-instance-rule', 'instance', 'Instance'],
  ])('%s', (_rule, name, label) => {
    expect(variable(name)).toMatchObject([
      { type: 'query', label, multi: true, allValue: '.+', datasource: { uid: '${datasource}' } },
    ]);
  });

  it('template-label-promql-rule', () => {
    for (const one of variables.filter(({ type }) => type === VariableType.Query)) {
      expect(readPromQL(interpolate(labelValuesOf(one).selector, variables))).toMatchObject({
        kind: 'selector',
      });
    }
  });

  it('template-on-time-change-reload-rule', () => {
    expect(
      variables
        .filter(
          ({ type, refresh }) =>
            type === VariableType.Query && refresh !== VariableRefresh.OnTimeRangeChanged,
        )
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('panel-datasource-rule', () => {
    expect(panels.filter(({ datasource }) => datasource?.uid !== '${datasource}')).toEqual([]);
    expect(targets.filter(({ datasource }) => datasource?.uid !== '${datasource}')).toEqual([]);
  });

  it('panel-title-description-rule', () => {
    expect(panels.filter(({ title = '', description = '' }) => title === '' || description === '')).toEqual(
      [],
    );
  });

  it('panel-units-rule', () => {
    const units = panels.map(({ fieldConfig }) => fieldConfig?.defaults.unit ?? '');
    expect(units.filter((unit) => !UNITS.includes(unit))).toEqual([]);
  });

  it('panel-no-targets-rule', () => {
    expect(panels.filter((panel) => (panel.targets ?? []).length === 0)).toEqual([]);
  });

  it('target-logql-rule, target-logql-auto-rule', () => {
    expect(places(targets.filter(({ datasource }) => datasource?.type !== 'prometheus'))).toEqual([]);
  });

  it('target-promql-rule', () => {
    expect(parsed.length).toBe(targets.length);
    expect(parsed.length).toBeGreaterThan(10);
  });

  it('target-rate-interval-rule', () => {
    const rates = targets.flatMap(({ place, expr }) =>
      [...expr.matchAll(/\bi?rate\([^[]*\[([^\]]*)\]/g)].map(([, window]) => ({ place, window })),
    );
    expect(rates.filter(({ window }) => window !== '$__rate_interval')).toEqual([]);
  });

  it('target-job-rule', () => {
    const without = targets.filter((target) => selectors(target).some((one) => !one.includes('job=~"$job"')));
    expect(places(without)).toEqual([]);
  });

  it('target-instance-rule', () => {
    const wrong = targets.flatMap((target) =>
      selectors(target)
        .filter((one) => {
          const name = one.slice(0, one.indexOf('{'));
          const wanted = OF_SERVICES.test(name) ? 'instance=~"$instance|"' : 'instance=~"$instance"';
          return !one.includes(wanted);
        })
        .map((one) => `${target.place}: ${one}`),
    );
    expect(wrong).toEqual([]);
  });

  it('target-counter-agg-rule, of counters with matchers too', () => {
    const raw = parsed.flatMap(({ target, nodes }) =>
      nodes
        .filter(
          ({ node, within }) =>
            node.kind === 'selector' && node.name.endsWith('_total') && !RATES.includes(within ?? ''),
        )
        .map(() => target.place),
    );
    expect(raw).toEqual([]);
  });

  it('uneditable-dashboard', () => {
    expect(dashboard.editable).toBe(false);
  });
});
