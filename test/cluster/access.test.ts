import { readFileSync } from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { ClientPod } from './client-pod.ts';
import { apply, deleteNamespaces, kubectl, makeNamespace } from './cluster.ts';
import { Release } from './release.ts';

/** For what happens within seconds, and a `kubectl exec` that asks. */
const SECONDS = 30_000;
const TOKEN = 'a-token-of-the-tests-1234';
const ADD = ['add', '{"a":20,"b":22}'] as const;

let namespace: string;
let client: ClientPod;

beforeAll(async () => {
  namespace = await makeNamespace('access');
  client = await ClientPod.start({ namespace, image: inject('image') });
});
afterAll(deleteNamespaces);

const urlOf = (name: string): string => `http://${name}.${namespace}.svc:9999`;

/** The statuses that the Kubernetes API answers the pods of a release with. */
async function statuses(release: Release, paths: readonly string[]): Promise<readonly number[]> {
  const script = readFileSync(new URL('in-pod/ask-kubernetes.ts', import.meta.url), 'utf8');
  const answer = await kubectl([
    ...['exec', '-n', namespace, `deployment/${release.name}`, '--'],
    ...['node', '--input-type=module-typescript', '-e', script, '--', ...paths],
  ]);
  return JSON.parse(answer) as readonly number[];
}

it('the profile readonly reads workloads, events and logs from inside a pod, and no Secret; none has no token', async () => {
  const reader = new Release({ namespace, name: 'reader' });
  await reader.install({ values: { fullnameOverride: 'reader', rbac: { profile: 'readonly' } } });
  const [pod = ''] = await reader.pods();
  const of = `/api/v1/namespaces/${namespace}`;
  expect(
    await statuses(reader, [
      `${of}/pods`,
      `${of}/events`,
      `${of}/pods/${pod}/log?tailLines=1`,
      `/apis/apps/v1/namespaces/${namespace}/deployments`,
      `${of}/secrets`,
      '/api/v1/namespaces/kube-system/pods',
    ]),
  ).toEqual([200, 200, 200, 200, 403, 403]);
  await reader.upgrade({ values: { fullnameOverride: 'reader' } });
  await expect(statuses(reader, [`${of}/pods`])).rejects.toThrow('ENOENT');
  await reader.uninstall();
});

it('reads the tokens of a Secret as the user that it runs as, and asks for them', async () => {
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'tokens' },
    stringData: { 'tokens.yaml': `- { name: tests, token: ${TOKEN} }`, token: TOKEN },
  });
  const guarded = new Release({ namespace, name: 'guarded' });
  const values = {
    fullnameOverride: 'guarded',
    auth: { tokensSecret: { name: 'tokens' } },
    probe: { tokenSecret: { name: 'tokens' } },
  };
  await guarded.install({ values });
  expect((await guarded.test()).stdout).toContain('Succeeded');
  for (const era of ['2026-07-28', '2025-11-25']) {
    const result = await client.run('call.ts', urlOf('guarded'), era, ...ADD, TOKEN);
    expect(JSON.parse(result)).toMatchObject({ content: [{ text: '42' }] });
  }
  await expect(client.run('call.ts', urlOf('guarded'), '2026-07-28', ...ADD)).rejects.toThrow('401');
  await guarded.uninstall();
});

it('a Service that gets the label is among the tools, and leaves them when it loses it', async () => {
  const other = new Release({ namespace, name: 'other' });
  await other.install({ values: { fullnameOverride: 'other' } });
  const finder = new Release({ namespace, name: 'finder' });
  const config = { discovery: { enabled: true }, upstreams: [] };
  await finder.install({ values: { fullnameOverride: 'finder', config } });
  const call = (): Promise<string> =>
    client.run('call.ts', urlOf('finder'), '2026-07-28', 'other_add', ADD[1]);
  await expect(call()).rejects.toThrow('other_add');
  await kubectl(['label', '-n', namespace, 'service/other', 'nexus-mcp.io/upstream=true']);
  await waitFor(async () => {
    expect(JSON.parse(await call())).toMatchObject({ content: [{ text: '42' }] });
  }, SECONDS);
  await kubectl(['label', '-n', namespace, 'service/other', 'nexus-mcp.io/upstream-']);
  await waitFor(() => expect(call()).rejects.toThrow('other_add'), SECONDS);
  await Promise.all([other.uninstall(), finder.uninstall()]);
});

it('a network policy lets the named clients in, and no others', async ({ skip }) => {
  const fenced = new Release({ namespace, name: 'fenced' });
  const clients = [{ podSelector: { matchLabels: { app: 'client' } } }];
  await fenced.install({ values: { fullnameOverride: 'fenced', networkPolicy: { enabled: true, clients } } });
  const stranger = await ClientPod.start({ namespace, image: inject('image'), name: 'stranger' });
  const refused = await stranger.run('call.ts', urlOf('fenced'), '2026-07-28', ...ADD).then(
    () => false,
    () => true,
  );
  expect(JSON.parse(await client.run('call.ts', urlOf('fenced'), '2026-07-28', ...ADD))).toHaveProperty(
    'content',
  );
  // The pod of the test is one of those that the policy names.
  expect((await fenced.test()).stdout).toContain('Succeeded');
  await fenced.uninstall();
  skip(!refused, 'the network of this cluster does not enforce network policies: a stranger was let in');
});

it('an autoscaler reads the custom metric of calls in flight', async ({ skip }) => {
  const apis = await kubectl(['get', 'apiservices', '-o', 'name']);
  skip(!apis.includes('custom.metrics.k8s.io'), 'the cluster has no custom metrics API (prometheus-adapter)');
  const scaled = new Release({ namespace, name: 'scaled' });
  const autoscaling = { enabled: true, cpuUtilization: 0, callsInFlight: 20 };
  await scaled.install({ values: { fullnameOverride: 'scaled', autoscaling } });
  await becomes('horizontalpodautoscaler', 'scaled', 'ScalingActive');
  await scaled.uninstall();
});

it('KEDA takes its ScaledObject', async ({ skip }) => {
  skip(!inject('kinds').includes('ScaledObject.keda.sh'), 'the cluster has no KEDA');
  const serverAddress = process.env['PROMETHEUS_URL'] ?? '';
  skip(serverAddress === '', 'PROMETHEUS_URL does not say where KEDA finds a Prometheus');
  const scaled = new Release({ namespace, name: 'keda' });
  await scaled.install({ values: { fullnameOverride: 'keda', keda: { enabled: true, serverAddress } } });
  await becomes('scaledobject', 'keda', 'Ready');
  await scaled.uninstall();
});

/** Waits until an object has a condition. */
const becomes = (kind: string, name: string, condition: string): Promise<string> =>
  kubectl(['wait', '-n', namespace, `${kind}/${name}`, `--for=condition=${condition}`, '--timeout=3m']);
