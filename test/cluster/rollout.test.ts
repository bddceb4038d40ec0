import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { ClientPod } from './client-pod.ts';
import { apply, deleteNamespaces, kubectl, makeNamespace, objects } from './cluster.ts';
import { Release } from './release.ts';

const PATIENCE = 180_000;
const VALUES = {
  replicas: 2,
  stateKeySecret: { name: 'state-key' },
  config: {
    // All calls come from one address.
    limits: { callsPerSecond: 0 },
    // No client is idle, however seldom a busy node lets it have its turn.
    shutdown: { idleSeconds: 10, deadlineSeconds: 60 },
  },
  terminationGracePeriodSeconds: 75,
};

let namespace: string;
let release: Release;
let client: ClientPod;
let url: string;

beforeAll(async () => {
  namespace = await makeNamespace('rollout');
  const stringData = { 'state-key': randomBytes(48).toString('base64') };
  await apply(namespace, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'state-key' }, stringData });
  release = new Release({ namespace });
  await release.install({ values: VALUES });
  client = await ClientPod.start({ namespace, image: inject('image') });
  url = `http://nexus-mcp.${namespace}.svc:9999`;
});
afterAll(deleteNamespaces);

const deployment = 'deployment/nexus-mcp';

async function scale(replicas: number): Promise<void> {
  await kubectl(['scale', '-n', namespace, deployment, `--replicas=${replicas}`]);
  await settled(replicas);
}

/** Waits until there are as many pods as there should be, and none that ends. */
const settled = (replicas: number): Promise<void> =>
  waitFor(async () => {
    await release.rolledOut();
    const pods = await kubectl([
      'get',
      'pods',
      '-n',
      namespace,
      '-l',
      'app.kubernetes.io/component=server',
      '-o',
      'name',
    ]);
    expect(pods.trim().split('\n')).toHaveLength(replicas);
  }, PATIENCE);

/** As a drain of its node does: with respect for the disruption budget. */
async function evict(pod: string): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  await waitFor(
    () =>
      kubectl(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, '-f', '-'], {
        input: JSON.stringify(eviction),
      }),
    PATIENCE,
  );
}

it.each([
  [
    'a rollout',
    async () => {
      await kubectl(['rollout', 'restart', '-n', namespace, deployment]);
      await settled(2);
    },
  ],
  [
    'scaling up and down',
    async () => {
      await scale(3);
      await scale(1);
      await scale(2);
    },
  ],
  [
    'the deletion of a pod',
    async () => {
      const [pod = ''] = await release.pods();
      await kubectl(['delete', 'pod', '-n', namespace, pod]);
      await settled(2);
    },
  ],
  [
    'a drain, which evicts one pod after the other',
    async () => {
      for (const pod of await release.pods()) await evict(pod);
      await settled(2);
    },
  ],
])('%s loses no call, of new connections, kept-alive ones, and sessions', async (_what, happens) => {
  const { calls, failures, firstFailures } = await client.during(url, happens);
  expect(firstFailures).toEqual([]);
  expect(failures).toBe(0);
  for (const count of Object.values(calls)) expect(count).toBeGreaterThan(10);
});

interface PodStatus {
  readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
}

async function containerOf(pod: string) {
  const [found] = await objects(['pod', '-n', namespace, pod]);
  return (found?.status as PodStatus | undefined)?.containerStatuses?.[0];
}

it('a configuration that is no good does not reach pods that run, whose containers restart, and is rolled back', async () => {
  const before = await release.pods();
  const config = { ...VALUES.config, tools: { disabled: ['nosuch'] } };
  await release.upgrade({ values: { ...VALUES, config }, wait: false });
  await waitFor(async () => {
    const bad = (await release.pods()).find((pod) => !before.includes(pod)) ?? '';
    expect((await containerOf(bad))?.restartCount).toBeGreaterThan(0);
  }, PATIENCE);
  for (const pod of before) {
    await kubectl(['exec', '-n', namespace, pod, '--', 'node', '-e', 'process.kill(1)']);
    await waitFor(async () => {
      expect(await containerOf(pod)).toMatchObject({ ready: true, restartCount: 1 });
    }, PATIENCE);
  }
  await release.rollback(1);
  await settled(2);
  expect(new Set(await release.pods())).toEqual(new Set(before));
});

it('answers a client of either era through its Service', async () => {
  for (const era of ['2026-07-28', '2025-11-25']) {
    const result = await client.run('call.ts', url, era, 'add', '{"a":20,"b":22}');
    expect(JSON.parse(result)).toMatchObject({ content: [{ text: '42' }] });
  }
});
