import { describe, expect, it } from 'vitest';
import { parametersSchema, SAMPLE_LIMIT } from '../../alerts/source/parameters.ts';
import { samplesOf } from '../../charts/source/samples.ts';
import { createMetrics, METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { OPERATION_ATTRIBUTES } from '../../src/monitoring/metrics/operation-attributes.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { RUNTIME_SAMPLES } from '../../src/monitoring/metrics/runtime.ts';
import { at, complaints, kindsOf, one, render, type Values } from './helm.ts';

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

describe('the limit of samples', () => {
  const most = (tools: number): number => {
    const { others, operations } = samplesOf(tools);
    return others + operations;
  };
  const limitIn = async (config: object): Promise<number> =>
    at(one(await render({ values: { config } }), 'ServiceMonitor'), 'spec.sampleLimit');

  it('holds for 700 tools, and the ticket comes of no fewer than 600', async () => {
    expect(await limitIn({})).toBe(SAMPLE_LIMIT);
    expect(most(700)).toBeLessThan(SAMPLE_LIMIT);
    expect(most(600)).toBeLessThan(SAMPLE_LIMIT * parametersSchema.parse({}).sampleRatio);
  });

  it('holds for few tools however operations are broken down', async () => {
    expect(await limitIn({ metrics: { operationAttributes: [...OPERATION_ATTRIBUTES] } })).toBe(SAMPLE_LIMIT);
  });

  it('may be lower by no bucket that slow tools and large results have', async () => {
    const leastIn = async (config: Values): Promise<number> => {
      const values = {
        config: { ops: { port: 9998 }, ...config },
        monitoring: { monitor: { sampleLimit: 9 } },
      };
      const [line = ''] = await complaints({ values });
      return Number(/can have (\d+) samples/.exec(line)?.[1]);
    };
    const slow = { metrics: { durationBuckets: [30, 45] }, limits: { resultBytes: 5_000_000 } };
    expect((await leastIn(slow)) - (await leastIn({}))).toBe(4);
    const upstreams = [{ name: 'weather', url: 'http://weather.tools.svc/mcp' }];
    const { eachTool, anyUpstream, eachUpstream, eachIssuer } = samplesOf(1);
    const ofTools = anyUpstream + 500 * (eachTool.others + eachTool.operations);
    const ofEach = eachUpstream.others + eachUpstream.operations;
    expect((await leastIn({ upstreams })) - (await leastIn({}))).toBe(ofTools + ofEach);
    const discovery = { enabled: true, maxUpstreams: 7 };
    expect((await leastIn({ upstreams, discovery })) - (await leastIn({}))).toBe(ofTools + 8 * ofEach);
    const issuers = [{ issuer: 'https://a.example' }, { issuer: 'https://b.example' }];
    const auth = { resource: 'https://mcp.example/mcp', issuers };
    expect((await leastIn({ auth })) - (await leastIn({}))).toBe(2 * eachIssuer);
    const names = { metrics: { openTelemetryNames: false } };
    expect((await leastIn({ upstreams, ...names })) - (await leastIn(names))).toBe(
      anyUpstream + 500 * eachTool.others + eachUpstream.others,
    );
    expect((await leastIn({ upstreams, ...slow })) - (await leastIn({ upstreams }))).toBe(4 * 501);
  });

  it('holds for as many tools of upstreams as there may be, and for no more', async () => {
    const upstreams = [{ name: 'weather', url: 'http://weather.tools.svc/mcp' }];
    expect(await limitIn({ upstreams })).toBe(SAMPLE_LIMIT);
    expect(await limitIn({ discovery: { enabled: true } })).toBe(SAMPLE_LIMIT);
    expect(
      (await complaints({ values: { config: { upstreams, limits: { upstreamTools: 2000 } } } })).join(),
    ).toMatch(
      /sampleLimit: 100000 is too low: with one tool, and upstreams with their tools \(config\.discovery\.maxUpstreams, config\.limits\.upstreamTools\), a scrape can have 2\d{5} samples/,
    );
  });

  it('is counted as the server counts', () => {
    const recorder = new Recorder(createMetrics().metrics);
    recorder.addTool({ name: 'one', toolset: 'shop', source: 'module', isolation: 'none' });
    // Of sessions by revision the chart says nothing: they are few.
    expect(recorder.mostSamples() - most(1) + RUNTIME_SAMPLES).toBe(204);
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
    // No data is no reason to scale down.
    expect(triggers.filter(({ metadata }) => metadata.query).map(({ metadata }) => metadata)).toEqual(
      queries.map((query) => expect.objectContaining({ query, ignoreNullValues: 'false' }) as unknown),
    );
  });
});

it('KEDA asks about the targets that the rules are about', async () => {
  const keda = { enabled: true, serverAddress: 'http://prometheus:9090' };
  const values = { keda, monitoring: { rules: { selector: 'job="agents"' } } };
  const [trigger] = at<readonly unknown[]>(one(await render({ values }), 'ScaledObject'), 'spec.triggers');
  expect(at(trigger, 'metadata.query')).toBe('sum(mcp_tool_calls_in_flight{job="agents"})');
});
