import { expect, it } from 'vitest';
import { at, one, render } from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

const everything = () => render({ valuesFiles: ['everything-values.yaml'] });

/** A mistake in an object: where, and what the check says. */
const MISTAKES: readonly (readonly [kind: string, path: string, value: unknown, problem: RegExp])[] = [
  ['Deployment', 'speck', {}, /\/speck is unknown/],
  ['Deployment', 'spec.template.spec.containers.0.imagePullPolice', 'Always', /imagePullPolice is unknown/],
  ['Deployment', 'spec.template.spec.containers.0.readinessProbe.httpGet.url', '/', /url is unknown/],
  ['Deployment', 'spec.template.spec.volumes.0.configMap.names', 'x', /names is unknown/],
  // A field that came with Kubernetes 1.37, which is newer than the schemas.
  ['Deployment', 'spec.template.spec.evictionResponders', [], /evictionResponders is unknown/],
  ['Deployment', 'spec.replicas', 'three', /replicas/],
  ['Deployment', 'metadata.label', {}, /\/metadata\/label is unknown/],
  ['Service', 'spec.ports.0.targetport', 1, /targetport is unknown/],
  ['Ingress', 'spec.rules.0.http.paths.0.backend.service.port.nam', 'x', /nam is unknown/],
  ['NetworkPolicy', 'spec.egress.0.froms', [], /froms is unknown/],
  ['HorizontalPodAutoscaler', 'spec.metrics.0.resource.targets', {}, /targets is unknown/],
  ['CronJob', 'spec.jobTemplate.spec.template.spec.restartpolicy', 'Never', /restartpolicy is unknown/],
  ['ClusterRole', 'rules.0.verb', ['get'], /verb is unknown/],
  ['ServiceMonitor', 'spec.endpoints.0.intervall', '30s', /intervall is unknown/],
  ['ServiceMonitor', 'spec.endpoints.0.interval', 'soon', /interval/],
  ['ServiceMonitor', 'spec.endpoints.0.tlsConfig.insecure', true, /insecure is unknown/],
  ['PrometheusRule', 'spec.groups.0.rules.0.keepFiringFor', '1m', /keepFiringFor is unknown/],
  ['GrafanaDashboard', 'spec.folders', 'x', /must NOT have additional properties/],
  ['HTTPRoute', 'spec.rules.0.timeout', '1s', /timeout is unknown/],
];

it.each(MISTAKES)('a %s with %s is refused', async (kind, path, value, problem) => {
  const manifest = one(
    (await everything()).filter(({ metadata }) => !/-(?:metrics|fleet|runtime|tools)$/.test(metadata.name)),
    kind,
  );
  expect(schemaProblems(manifest)).toEqual([]);
  const wrong = structuredClone(manifest);
  const [parent, last] = /^(?:(.*)\.)?([^.]+)$/.exec(path)?.slice(1) ?? [];
  at<Record<string, unknown>>({ wrong }, parent === undefined ? 'wrong' : `wrong.${parent}`)[last ?? ''] =
    value;
  expect(schemaProblems(wrong).join('\n')).toMatch(problem);
});

it('a KEDA trigger with an unknown field is refused', async () => {
  const manifests = structuredClone(await render({ valuesFiles: ['keda-values.yaml'] }));
  const scaled = one(manifests, 'ScaledObject');
  at<Record<string, string>>(scaled, 'spec.triggers.0')['metricsType'] = 'Value';
  expect(schemaProblems(scaled)).toEqual(['ScaledObject nexus-mcp: /spec/triggers/0/metricsType is unknown']);
});

it('an object of an unknown kind is refused', () => {
  const manifest = { apiVersion: 'v2', kind: 'Pod', metadata: { name: 'x', labels: {} } };
  expect(schemaProblems(manifest)).toEqual(['Pod x: there is no schema of v2']);
});
