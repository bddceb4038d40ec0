import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Values } from '../chart/helm.ts';
import { waitFor } from '../support/wait.ts';
import { ClientPod } from './client-pod.ts';
import { deleteNamespaces, kubectl, makeNamespace } from './cluster.ts';
import { Observability, type Alert, type OperatedPrometheus } from './observability.ts';
import { Release } from './release.ts';

const HAS_OPERATOR = inject('kinds').includes('Prometheus.monitoring.coreos.com');
/** What the slowest of these alerts waits for, and what a busy machine adds, in milliseconds. */
const PATIENCE = { timeout: 900_000, interval: 2_000 };
const MODULE = `
import { defineTool, z } from 'nexus-mcp/tools';
export const broken = defineTool({
  name: 'broken', title: 'Broken', description: 'Always throws.',
  input: z.strictObject({}), output: z.string(),
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  handler: () => { throw new Error('as it should'); },
});
`;

/** Something that goes wrong with a release, and whom it tells what. */
interface Fault {
  readonly name: string;
  readonly values?: Values;
  readonly begin: (release: Release) => Promise<unknown>;
  /** `receiver alert` of each notification that comes. */
  readonly notifies: readonly string[];
  /** Alerts that fire as well, or will, and are inhibited. */
  readonly inhibited?: readonly string[];
}

const patch = (release: Release, object: string, change: object): Promise<string> =>
  kubectl(['patch', object, '-n', release.namespace, '--type=merge', '-p', JSON.stringify(change)]);

const FAULTS: readonly Fault[] = [
  { name: 'nothing', begin: () => Promise.resolve(), notifies: [] },
  {
    name: 'scaled-to-zero',
    begin: (release) => kubectl(['scale', '-n', release.namespace, 'deployment/nexus-mcp', '--replicas=0']),
    notifies: ['/pages NexusMCPDown'],
  },
  {
    name: 'crashing-image',
    // It looks back ten minutes, and waits as long: the first is left as it is.
    values: { alerts: { NexusMCPTargetDown: { for: '1m' } } },
    begin: (release) =>
      kubectl([
        ...['patch', 'deployment/nexus-mcp', '-n', release.namespace, '--type=json', '-p'],
        JSON.stringify([
          { op: 'add', path: '/spec/template/spec/containers/0/args', value: ['--no-such-setting'] },
        ]),
      ]),
    notifies: ['/tickets NexusMCPTargetDown'],
  },
  {
    name: 'failing-tool',
    values: { toolModules: { files: { 'broken.ts': MODULE } } },
    begin: ({ namespace }) =>
      ClientPod.start({
        namespace,
        image: inject('image'),
        script: ['busy.ts', `http://nexus-mcp.${namespace}.svc:9999`, 'broken'],
      }),
    notifies: ['/pages NexusMCPOutage'],
    inhibited: ['NexusMCPErrorBudgetBurn', 'NexusMCPToolErrorRateHigh', 'NexusMCPToolAlwaysFails'],
  },
  {
    name: 'selects-nothing',
    begin: (release) =>
      patch(release, 'servicemonitor/nexus-mcp', {
        spec: { selector: { matchLabels: { nothing: 'here' } } },
      }),
    notifies: ['/pages NexusMCPDown'],
  },
];

const TITLE = HAS_OPERATOR ? 'with Prometheus Operator' : 'skipped: the cluster has no Prometheus Operator';

describe.skipIf(!HAS_OPERATOR)(TITLE, () => {
  const releases = new Map<Fault, Release>();
  let shardedRelease: Release;
  let observability: Observability;
  let pair: OperatedPrometheus;
  let sharded: OperatedPrometheus;

  beforeAll(async () => {
    observability = await Observability.start(inject('image'));
    for (const fault of FAULTS) {
      const release = new Release({ namespace: await makeNamespace(fault.name) });
      await release.install({ values: fault.values ?? {} });
      releases.set(fault, release);
    }
    shardedRelease = new Release({ namespace: await makeNamespace('sharded') });
    await shardedRelease.install({ values: { replicas: 2, monitoring: { rules: { mustExist: false } } } });
    const namespaces = [...releases.values()].map(({ namespace }) => namespace);
    pair = await observability.startPrometheus('pair', { replicas: 2 }, namespaces);
    sharded = await observability.startPrometheus('sharded', { shards: 2 }, [shardedRelease.namespace]);
  });
  afterAll(deleteNamespaces);

  const nameOf = ({ labels }: { readonly labels: Readonly<Record<string, string>> }): string =>
    labels['alertname'] ?? '';
  const inNamespace = (alerts: readonly Alert[], release: Release | undefined): readonly string[] =>
    alerts.filter(({ labels }) => labels['namespace'] === release?.namespace).map(nameOf);

  it('each monitor becomes targets that are up, with the labels that rules and dashboards use', async () => {
    await waitFor(async () => {
      const all = await pair.targets();
      expect(all).toHaveLength(2);
      for (const targets of all) {
        expect(targets).toHaveLength(FAULTS.length);
        for (const { health, labels } of targets) {
          expect(health).toBe('up');
          expect(labels['job']).toBe('nexus-mcp');
          expect(labels['namespace']).toContain('nexus-test-');
          expect(labels['pod']).toContain('nexus-mcp-');
          expect(labels['instance']).toContain(':9998');
        }
      }
    }, PATIENCE);
  });

  it('all rules are loaded, and evaluate without an error', async () => {
    await waitFor(async () => {
      for (const groups of [...(await pair.rules()), ...(await sharded.rules())]) {
        const rules = groups.flatMap((group) => group.rules);
        expect(rules.length).toBeGreaterThan(40);
        expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
      }
    }, PATIENCE);
  });

  it('real faults reach Alertmanager by an AlertmanagerConfig, each as exactly the alerts it should, and once', async () => {
    await Promise.all([...releases].map(([fault, release]) => fault.begin(release)));
    const told = async (release: Release): Promise<readonly string[]> =>
      (await observability.notified())
        .filter(({ status, labels }) => status === 'firing' && labels['namespace'] === release.namespace)
        .map((notified) => `${notified.path} ${nameOf(notified)}`);
    await waitFor(async () => {
      for (const [fault, release] of releases)
        expect(await told(release), fault.name).toEqual(fault.notifies);
    }, PATIENCE);
    for (const alerts of await pair.alerts()) {
      for (const [{ name, notifies, inhibited = [] }, release] of releases) {
        const expected = [...notifies.map((each) => each.replace(/.* /, '')), ...inhibited];
        // What is pending would be told later.
        expect(
          inNamespace(alerts, release).filter((alert) => !expected.includes(alert)),
          name,
        ).toEqual([]);
      }
    }
    for (const [fault, release] of releases) expect(await told(release), fault.name).toEqual(fault.notifies);
  });

  it('a sharded Prometheus has each pod once, and no shard takes the others’ pods for lost', async () => {
    const shards = await sharded.targets();
    expect(shards).toHaveLength(2);
    expect(shards.flat().map(({ health }) => health)).toEqual(['up', 'up']);
    expect((await sharded.alerts()).flat()).toEqual([]);
  });
});
