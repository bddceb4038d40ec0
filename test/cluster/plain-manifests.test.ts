import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { ClientPod } from './client-pod.ts';
import { kubectl, objects, run } from './cluster.ts';

const K8S = new URL('../../k8s', import.meta.url).pathname;
const HAS_OPERATOR = inject('kinds').includes('ServiceMonitor.monitoring.coreos.com');
/** The namespace that the manifests name. */
const NAMESPACE = 'nexus-mcp';
const made = { namespace: false };

afterAll(async () => {
  if (made.namespace) await kubectl(['delete', 'namespace', NAMESPACE]);
});

it('kubectl applies the manifests of k8s/, and their pods answer; applied again they change nothing', async ({
  skip,
}) => {
  skip((await objects(['namespace', NAMESPACE])).length > 0, `there is a namespace ${NAMESPACE} already`);
  made.namespace = true;
  const { kubectl: command } = await provideKubernetesTools();
  const folders = ['k8s', ...(HAS_OPERATOR ? ['k8s/monitoring'] : [])];
  for (const folder of folders) {
    expect((await run(command, ['apply', '--server-side', '-k', folder])).stderr).toBe('');
  }
  await kubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/nexus-mcp', '--timeout=3m']);
  const client = await ClientPod.start({ namespace: NAMESPACE, image: inject('image') });
  const url = `http://nexus-mcp.${NAMESPACE}.svc:9999`;
  expect(JSON.parse(await client.run('call.ts', url, '2025-11-25', 'add', '{"a":20,"b":22}'))).toMatchObject({
    content: [{ text: '42' }],
  });
  const generations = async (): Promise<unknown> =>
    (await objects(['deployments,services,configmaps', '-n', NAMESPACE])).map(({ metadata }) => [
      metadata.name,
      metadata.generation ?? metadata.resourceVersion,
    ]);
  const before = await generations();
  for (const folder of folders) await kubectl(['apply', '--server-side', '-k', folder]);
  expect(await generations()).toEqual(before);
});

it.for(['several-replicas', 'discovery', 'examples/tokens-and-tools'])(
  'the cluster takes k8s/%s',
  async (component, { skip }) => {
    skip(!made.namespace, `there is a namespace ${NAMESPACE} already`);
    const folder = mkdtempSync(join(tmpdir(), 'nexus-mcp-k8s-'));
    const resources = [relative(folder, K8S)];
    const components = [relative(folder, join(K8S, component))];
    writeFileSync(join(folder, 'kustomization.yaml'), stringify({ resources, components }));
    const { kubectl: command } = await provideKubernetesTools();
    const { stdout, stderr } = await run(command, [
      'apply',
      '--server-side',
      '--dry-run=server',
      '-k',
      folder,
    ]);
    expect(stderr).toBe('');
    expect(stdout).toContain('deployment.apps/nexus-mcp serverside-applied (server dry run)');
    rmSync(folder, { recursive: true });
  },
);

it.for(['labelled-service', ...(HAS_OPERATOR ? ['alertmanagerconfig'] : [])])(
  'the cluster takes k8s/examples/%s.yaml',
  async (example, { skip }) => {
    skip(!made.namespace, `there is a namespace ${NAMESPACE} already`);
    const { kubectl: command } = await provideKubernetesTools();
    const file = join(K8S, 'examples', `${example}.yaml`);
    const { stdout, stderr } = await run(command, ['apply', '--server-side', '--dry-run=server', '-f', file]);
    expect(stderr).toBe('');
    expect(stdout).toContain('serverside-applied (server dry run)');
  },
);
