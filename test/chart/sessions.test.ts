import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadSettings } from '../../src/config/load.ts';
import { at, mounted, one, renderPlain, type Manifest, type RenderOptions, type Values } from './helm.ts';
import { merged } from './merged.ts';
import { schemaProblems } from './strict-schema.ts';

const NAME = 'agents-nexus-mcp';
const SECRET = { stateKeySecret: { name: 'key' } };
const KEY_FILE = { config: { sessions: { stateKeyFile: '/data/key' } } };
const NO_PEERS = { config: { sessions: { peers: [] } } };

const render = (values: readonly Values[], helm?: RenderOptions['helm']): Promise<readonly Manifest[]> =>
  renderPlain({ release: 'agents', namespace: 'prod', values: merged(values), ...(helm && { helm }) });

const affinityOf = (manifests: readonly Manifest[]) =>
  at<string>(one(manifests, 'Service', NAME), 'spec.sessionAffinity');

const annotationsOf = (manifests: readonly Manifest[]) =>
  Object.entries(one(manifests, 'Ingress').metadata.annotations ?? {}).map((entry) => entry.join(': '));

const configOf = (manifests: readonly Manifest[]) => mounted(manifests)['nexus.yaml'] ?? '';

const peersOf = (manifests: readonly Manifest[]): unknown => at(parse(configOf(manifests)), 'sessions.peers');

/** Where a pod has the address from by which the others reach it; `undefined` where it has none. */
const addressOf = (manifests: readonly Manifest[]): unknown =>
  at<readonly { readonly name: string; readonly valueFrom?: object }[]>(
    one(manifests, 'Deployment'),
    'spec.template.spec.containers.0.env',
  ).find(({ name }) => name === 'NEXUS_SESSIONS_ADDRESS')?.valueFrom;
const POD_IP = { fieldRef: { fieldPath: 'status.podIP' } };

/** What the server makes of the file, in a pod that has an address if it is given one. */
function loadedBy(manifests: readonly Manifest[]): ReturnType<typeof loadSettings> {
  const directory = mkdtempSync(join(tmpdir(), 'nexus-config-'));
  const file = join(directory, 'nexus.yaml');
  writeFileSync(file, configOf(manifests));
  const env = addressOf(manifests) === undefined ? {} : { NEXUS_SESSIONS_ADDRESS: '10.1.2.3' };
  return loadSettings({ env, flags: {}, file, directory });
}

describe('the affinity of clients to pods', () => {
  it.each([
    // Without a key a session is where it began.
    [[{ replicas: 3 }], 'ClientIP'],
    [[{ service: { type: 'NodePort' } }], 'ClientIP'],
    // The provider of AWS that is part of Kubernetes refuses ClientIP.
    [[{ service: { type: 'LoadBalancer' } }], 'None'],
    [[{ service: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' } }], 'ClientIP'],
    [[{ service: { sessionAffinity: 'None' } }], 'None'],
    // With one it is wherever its client comes.
    [[SECRET, { replicas: 3 }], 'None'],
    [[KEY_FILE, { service: { type: 'NodePort' } }], 'None'],
    [[SECRET, { service: { sessionAffinity: 'ClientIP' } }], 'ClientIP'],
  ])('of %j is by %s', async (values, affinity) => {
    const manifests = await render(values);
    expect(affinityOf(manifests)).toBe(affinity);
    const config = at(one(manifests, 'Service', NAME), 'spec.sessionAffinityConfig');
    expect(config !== undefined).toBe(affinity === 'ClientIP');
  });

  const STICKY =
    'stickiness.enabled=true,stickiness.type=lb_cookie,stickiness.lb_cookie.duration_seconds=86400';
  it.each([
    ['nginx', ['nginx.ingress.kubernetes.io/upstream-hash-by: $binary_remote_addr'], []],
    ['haproxy', ['haproxy.org/load-balance: source'], []],
    [
      'alb',
      [`alb.ingress.kubernetes.io/target-group-attributes: ${STICKY}`],
      // A load balancer of AWS keeps what it was once told.
      ['alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=false'],
    ],
  ])('is all that %s does for pods without a key and not for others', async (controller, less, more) => {
    const ingress = { replicas: 3, ingress: { enabled: true, hosts: ['a.example.com'], controller } };
    const without = annotationsOf(await render([ingress]));
    const withKey = annotationsOf(await render([ingress, SECRET]));
    expect(without.filter((annotation) => !withKey.includes(annotation))).toEqual(less);
    expect(withKey.filter((annotation) => !without.includes(annotation))).toEqual(more);
  });
});

describe('the pods of a release', () => {
  it.each<[readonly Values[]]>([
    [[SECRET]],
    [[KEY_FILE]],
    [[{ replicas: 2 }]],
    [[{ autoscaling: { enabled: true } }]],
    [[{ keda: { enabled: true, serverAddress: 'http://prometheus:9090' } }]],
  ])('reach one another at the addresses that they have, ready or not: %j', async (values) => {
    const manifests = await render(values);
    expect(peersOf(manifests)).toEqual([`${NAME}-metrics.prod.svc.cluster.local:9998`]);
    expect(addressOf(manifests)).toEqual(POD_IP);
    expect(loadedBy(manifests)).toMatchObject({ ok: true });
    const service = one(manifests, 'Service', `${NAME}-metrics`);
    expect(service['spec']).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
  });

  it('do so in the domain of the cluster, and at the port that probes have', async () => {
    const manifests = await render([
      SECRET,
      { clusterDomain: 'cluster.example', config: { ops: { port: 9001 } } },
    ]);
    expect(peersOf(manifests)).toEqual([`${NAME}-metrics.prod.svc.cluster.example:9001`]);
    expect(at(one(manifests, 'Service', `${NAME}-metrics`), 'spec.ports.0.port')).toBe(9001);
  });

  it.each([
    ['alone without a key', [{}]],
    ['that shall not', [SECRET, NO_PEERS]],
  ])('do not where there is one %s', async (_which, values) => {
    const manifests = await render(values);
    expect(peersOf(manifests) ?? []).toEqual([]);
    expect(addressOf(manifests)).toBeUndefined();
  });

  it('have their addresses where the operator says who the others are', async () => {
    const peers = ['replicas.example.com:9998'];
    const manifests = await render([{ config: { sessions: { peers } } }]);
    expect(peersOf(manifests)).toEqual(peers);
    expect(addressOf(manifests)).toEqual(POD_IP);
    expect(loadedBy(manifests)).toMatchObject({ ok: true });
  });

  it('have the address that the operator gives to all of them, or to each', async () => {
    const all = await render([SECRET, { config: { sessions: { address: '10.0.0.7' } } }]);
    expect(addressOf(all)).toBeUndefined();
    expect(loadedBy(all)).toMatchObject({ ok: true });
    const valueFrom = { fieldRef: { fieldPath: 'status.hostIP' } };
    const extraEnv = [{ name: 'NEXUS_SESSIONS_ADDRESS', valueFrom }];
    expect(addressOf(await render([SECRET, { extraEnv }]))).toEqual(valueFrom);
  });

  it('are not replaced when there come to be more of them, if they had a key from the beginning', async () => {
    const template = async (...values: readonly Values[]) =>
      at(one(await render(values), 'Deployment'), 'spec.template');
    expect(await template(SECRET, { replicas: 3 })).toEqual(await template(SECRET));
    expect(await template({ replicas: 3 })).toEqual(await template({ replicas: 2 }));
  });
});

describe('a network policy', () => {
  const pods = {
    podSelector: {
      matchLabels: {
        'app.kubernetes.io/name': 'nexus-mcp',
        'app.kubernetes.io/instance': 'agents',
        'app.kubernetes.io/component': 'server',
      },
    },
  };
  /** The ports at which the pods are let in from one another, and out to one another. */
  async function portsBetweenPods(...values: readonly Values[]) {
    const prometheus = [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }];
    const policy = { networkPolicy: { enabled: true, prometheus } };
    const manifest = one(await render([policy, ...values]), 'NetworkPolicy');
    expect(schemaProblems(manifest)).toEqual([]);
    const portsOf = (direction: 'ingress' | 'egress', peers: 'from' | 'to') =>
      at<readonly Readonly<Record<string, readonly object[]>>[]>(manifest, `spec.${direction}`)
        .filter((rule) => rule[peers]?.some((peer) => isDeepStrictEqual(peer, pods)))
        .flatMap(({ ports }) => ports);
    return { in: portsOf('ingress', 'from'), out: portsOf('egress', 'to') };
  }

  it.each<[readonly Values[]]>([
    [[SECRET]],
    [[{ replicas: 2, networkPolicy: { egress: 'none' } }]],
    [[{ config: { sessions: { peers: ['replicas.example.com:9998'] } } }]],
  ])('lets pods reach one another: %j', async (values) => {
    expect(await portsBetweenPods(...values)).toEqual({
      in: [{ port: 'metrics', protocol: 'TCP' }],
      out: [{ port: 9998, protocol: 'TCP' }],
    });
  });

  it('does not where they have nothing to say to one another', async () => {
    expect(await portsBetweenPods()).toEqual({ in: [], out: [] });
    expect(await portsBetweenPods(SECRET, NO_PEERS)).toEqual({ in: [], out: [] });
  });
});

describe.each(['helm3', 'helm4'] as const)('an upgrade of a release of several replicas by %s', (helm) => {
  const PRESENT = {
    replicas: 3,
    ingress: { enabled: true, className: 'nginx', controller: 'nginx', hosts: ['mcp.example.com'] },
  };
  const hashOf = (manifests: readonly Manifest[]) =>
    one(manifests, 'Ingress').metadata.annotations?.['nginx.ingress.kubernetes.io/upstream-hash-by'];

  it('goes on as before without a Secret', async () => {
    const manifests = await render([PRESENT], helm);
    expect(affinityOf(manifests)).toBe('ClientIP');
    expect(hashOf(manifests)).toBe('$binary_remote_addr');
  });

  it('ends affinity with one', async () => {
    const manifests = await render([PRESENT, SECRET], helm);
    expect(affinityOf(manifests)).toBe('None');
    expect(hashOf(manifests)).toBeUndefined();
  });

  it('keeps the affinity of the Service that was asked for', async () => {
    const asked = { service: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' } };
    expect(affinityOf(await render([PRESENT, SECRET, asked], helm))).toBe('ClientIP');
  });
});
