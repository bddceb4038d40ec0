import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CHART, render, type Values } from '../chart/helm.ts';
import { waitFor } from '../support/wait.ts';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { BLOCKS } from '../support/runbook-blocks.ts';
import { deleteNamespaces, groupedKind, hasField, makeNamespace, run, type Output } from './cluster.ts';
import { Release, type HelmVersion } from './release.ts';

const HELMS: readonly HelmVersion[] = ['helm3', 'helm4'];
const FILES = globSync('*-values.yaml', { cwd: join(CHART, 'ci') }).sort();
const KINDS = new Set(inject('kinds'));
/** How long a node may take to end pods, in milliseconds. */
const PATIENCE = 180_000;
const OPERATOR = KINDS.has('ServiceMonitor.monitoring.coreos.com');

/** A second namespace, for what a release puts elsewhere. */
let other: string;

beforeAll(async () => {
  other = await makeNamespace('other');
});
afterAll(deleteNamespaces);

/** What a file names of a cluster that is not this one. */
const HERE: Readonly<Record<string, (namespace: string) => Values>> = {
  'custom-tools-values.yaml': (namespace) => ({ rbac: { namespaces: [namespace, other] } }),
  'discovery-values.yaml': (namespace) => ({ config: { discovery: { namespaces: [namespace, other] } } }),
  'everything-values.yaml': () => ({
    service: { clusterIP: '', nodePort: 0 },
    resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'gpu' }],
  }),
  // Most clusters have one family.
  'gateway-values.yaml': () => ({ service: { ipFamilies: [] } }),
  'pod-monitor-values.yaml': () => ({ monitoring: { namespace: other } }),
  'production-values.yaml': () => ({ monitoring: { dashboards: { namespace: other } } }),
};

/** A field that only some releases of a kind have, by the file that sets it. */
const FIELDS: Readonly<Record<string, string>> = {
  // Of the experimental channel of the Gateway API.
  'gateway-values.yaml': 'httproutes.spec.rules.sessionPersistence',
};

/** Kinds of a file's objects that the cluster does not have, or the field. */
async function missingIn(file: string): Promise<readonly string[]> {
  const manifests = await render({ valuesFiles: [file], operator: OPERATOR });
  const all = manifests.map(({ kind, apiVersion }) => groupedKind(kind, apiVersion));
  const missing = [...new Set(all)].filter((kind) => !KINDS.has(kind));
  const field = FIELDS[file];
  return missing.length > 0 || field === undefined || (await hasField(field)) ? missing : [field];
}

/** Pastes what the runbooks need, and types what most of them type. */
async function answersRunbooks({ namespace }: Release): Promise<void> {
  const { kubectl, helm4 } = await provideKubernetesTools();
  const [names = '', kubernetes = ''] = BLOCKS;
  const typed = [
    ...[`kubectl() { "${kubectl}" "$@"; }`, `helm() { "${helm4}" "$@"; }`, names],
    ...[`NS=${namespace}`, kubernetes, 'deployed', 'status | jq -r .verdict.level', 'metrics mcp_build_info'],
    ...[`call '{"tool_name":"add","arguments":{"a":5,"b":3}}'`, 'check', 'logs', 'failures'],
  ];
  const { stdout, stderr } = await run('bash', ['-c', typed.join('\n')]);
  for (const shown of ['DESIRED', 'Running', 'good', 'mcp_build_info{', '"result":8', '"msg":"ready"'])
    expect(stdout).toContain(shown);
  expect(stderr.match(/^(?:error|Error|jq|awk|bash|no ).*/gm)).toBeNull();
}

describe.each(HELMS)('%s', (helm) => {
  it('installs, upgrades, rolls back and uninstalls a release without values, and pods run', async () => {
    const namespace = await makeNamespace('zero');
    const release = new Release({ namespace, helm });
    expect(warnings(await release.install())).toEqual([]);
    const [pod] = await release.pods();
    const before = await release.versions();
    expect(warnings(await release.upgrade())).toEqual([]);
    expect(await release.versions()).toEqual(before);
    expect(await release.pods()).toEqual([pod]);

    expect(warnings(await release.upgrade({ values: { replicas: 2 } }))).toEqual([]);
    await hasPods(release, 2);
    expect(warnings(await release.rollback(1))).toEqual([]);
    await hasPods(release, 1);

    const { stdout } = await release.test();
    expect(stdout).toContain('Succeeded');
    if (helm === 'helm4') await answersRunbooks(release);
    expect(warnings(await release.uninstall())).toEqual([]);
    // Helm leaves the pods of its tests, for their logs.
    await waitFor(async () => {
      expect(await release.left(namespace)).toEqual(['Pod/nexus-mcp-test']);
    }, PATIENCE);
  });

  it.for(FILES)(
    'takes ci/%s: all is accepted, an upgrade changes nothing, nothing is left',
    async (file, { skip }) => {
      const missing = await missingIn(file);
      skip(missing.length > 0, `the cluster has no ${missing.join(', ')}`);
      const namespace = await makeNamespace(basename(file, '-values.yaml').slice(0, 20));
      const release = new Release({ namespace, helm });
      const given = { file, values: HERE[file]?.(namespace) ?? {}, wait: false };
      expect(warnings(await release.install(given))).toEqual([]);
      const before = await release.versions();
      expect(Object.keys(before).length).toBeGreaterThan(2);
      expect(warnings(await release.upgrade(given))).toEqual([]);
      expect(await release.versions()).toEqual(before);
      await release.uninstall();
      await waitFor(async () => {
        expect([...(await release.left(namespace)), ...(await release.left(other))]).toEqual([]);
      }, PATIENCE);
    },
  );

  it('upgrades a release of the last published chart', async ({ skip }) => {
    const [tag = ''] = git('tag', '--list', 'v*', '--sort=-version:refname').split('\n');
    skip(tag === '', 'nothing is published yet: the repository has no tag');
    const folder = mkdtempSync(join(tmpdir(), 'nexus-mcp-chart-'));
    execFileSync('tar', ['-x', '-C', folder], {
      input: execFileSync('git', ['archive', tag, 'charts/nexus-mcp'], { maxBuffer: 64 * 1024 * 1024 }),
    });
    const namespace = await makeNamespace('older');
    const release = new Release({ namespace, helm, chart: join(folder, 'charts/nexus-mcp') });
    await release.install({ values: { image: { tag: inject('image').split(':').at(-1) } } });
    release.chart = CHART;
    expect(warnings(await release.upgrade())).toEqual([]);
    expect((await release.test()).stdout).toContain('Succeeded');
    await release.uninstall();
    rmSync(folder, { recursive: true });
  });
});

it(`${OPERATOR ? 'makes a monitor and rules' : 'makes no monitor and no rules, and says so'}, as the cluster has the kinds`, async () => {
  const namespace = await makeNamespace('kinds');
  const release = new Release({ namespace });
  const { stdout } = await release.install({ wait: false });
  const kinds = (await release.manifests()).map(({ kind }) => kind);
  for (const kind of ['ServiceMonitor', 'PrometheusRule']) {
    expect(kinds.includes(kind)).toBe(OPERATOR);
    expect(stdout.includes(`SKIPPED ${kind}`)).toBe(!OPERATOR);
  }
});

/** Waits until those of its last revision have taken over. */
const hasPods = (release: Release, count: number): Promise<void> =>
  waitFor(async () => {
    await release.rolledOut();
    expect(await release.pods()).toHaveLength(count);
  }, PATIENCE);

/** What Helm and the API server have to say besides. */
const warnings = ({ stderr }: Output): readonly string[] => stderr.split('\n').filter((line) => line !== '');

const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
