import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { at, kindsOf, one, render } from './helm.ts';

describe('objects of Prometheus Operator', () => {
  const STATES = [
    [{ enabled: 'auto' }, true, true],
    [{ enabled: 'auto' }, false, false],
    [{ enabled: true }, false, true],
    [{ enabled: false }, true, false],
  ] as const;

  it.each(STATES)('of %o on a cluster that has them: %s, are there: %s', async (state, operator, there) => {
    const values = { monitoring: { monitor: state, rules: state } };
    const found = kindsOf(await render({ operator, values }));
    expect(found.includes('ServiceMonitor')).toBe(there);
    expect(found.includes('PrometheusRule')).toBe(there);
  });

  it('are found by the group alone, as some tools give it', async () => {
    const args = ['--api-versions', 'monitoring.coreos.com/v1'];
    expect(kindsOf(await render({ operator: false, args }))).toContain('PrometheusRule');
  });

  it('are those that the cluster has, where it lacks some', async () => {
    const args = ['v1', 'v1/ServiceMonitor', 'v1/PodMonitor'].flatMap((api) => [
      '--api-versions',
      `monitoring.coreos.com/${api}`,
    ]);
    const found = kindsOf(await render({ operator: false, args }));
    expect(found).toContain('ServiceMonitor');
    expect(found).not.toContain('PrometheusRule');
  });

  it('are of another API where there is another', async () => {
    const apiVersion = 'azmonitoring.coreos.com/v1';
    const args = ['--api-versions', apiVersion];
    const manifests = await render({ operator: false, args, values: { monitoring: { apiVersion } } });
    expect(one(manifests, 'ServiceMonitor').apiVersion).toBe(apiVersion);
    expect(kindsOf(await render({ values: { monitoring: { apiVersion } } }))).not.toContain('ServiceMonitor');
  });

  it('are not there where there are no metrics', async () => {
    const found = kindsOf(await render({ values: { config: { metrics: { endpoint: false } } } }));
    expect(found.filter((kind) => kind.startsWith('Prom') || kind === 'ServiceMonitor')).toEqual([]);
  });

  it('all have the labels that Prometheus selects by', async () => {
    const labels = { release: 'kube-prometheus-stack' };
    const manifests = await render({ values: { monitoring: { labels, namespace: 'monitoring' } } });
    for (const kind of ['ServiceMonitor', 'PrometheusRule']) {
      expect(one(manifests, kind).metadata).toMatchObject({ labels, namespace: 'monitoring' });
    }
    const monitor = one(manifests, 'ServiceMonitor');
    expect(at(monitor, 'spec.namespaceSelector.matchNames')).toEqual(['tools']);
  });
});

describe('KEDA', () => {
  it("asks for metrics of the release's own pods, which the server has", async () => {
    const values = { keda: { activeSessions: 200 } };
    const manifests = await render({ release: 'agents', valuesFiles: ['keda-values.yaml'], values });
    const triggers = at<readonly { metadata: { query?: string } }[]>(
      one(manifests, 'ScaledObject'),
      'spec.triggers',
    );
    const queries = triggers.flatMap(({ metadata }) => metadata.query ?? []);
    expect(queries).toHaveLength(2);
    for (const query of queries) {
      const [, metric = ''] = /^sum\((\w+)\{job="agents-nexus-mcp", namespace="tools"\}\)$/.exec(query) ?? [];
      expect(METRICS).toHaveProperty(metric);
    }
  });
});

it('KEDA asks about the targets that the rules are about', async () => {
  const keda = { enabled: true, serverAddress: 'http://prometheus:9090' };
  const values = { keda, monitoring: { rules: { selector: 'job="agents"' } } };
  const [trigger] = at<readonly unknown[]>(one(await render({ values }), 'ScaledObject'), 'spec.triggers');
  expect(at(trigger, 'metadata.query')).toBe('sum(mcp_tool_calls_in_flight{job="agents"})');
});
