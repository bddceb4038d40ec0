import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, CHART, one, render, type Manifest } from './helm.ts';
import { isOfKubernetes, olderSchemaProblems } from './older-schema.ts';
import { schemaProblems } from './strict-schema.ts';

const FILES = readdirSync(`${CHART}ci`).filter((name) => name.endsWith('-values.yaml'));
const VERSIONS = ['1.28', '1.30'] as const;

it('the oldest version is the oldest that the chart takes', () => {
  const { kubeVersion } = parse(readFileSync(`${CHART}Chart.yaml`, 'utf8')) as { kubeVersion: string };
  expect(kubeVersion).toBe(`>=${VERSIONS[0]}.0-0`);
});

/** All that the matrix gives on a version of Kubernetes. */
async function matrixOn(kubeVersion: string): Promise<readonly Manifest[]> {
  const all = FILES.flatMap((file) =>
    [true, false].map((operator) => render({ valuesFiles: [file], operator, kubeVersion })),
  );
  return (await Promise.all(all)).flat();
}

describe.each(VERSIONS)('on Kubernetes %s', (version) => {
  it('the matrix has no field that this version does not know', async () => {
    const manifests = await matrixOn(`${version}.0`);
    expect(manifests.filter(isOfKubernetes).length).toBeGreaterThan(100);
    expect(await olderSchemaProblems(version, manifests)).toEqual([]);
    expect(manifests.filter((manifest) => !isOfKubernetes(manifest)).flatMap(schemaProblems)).toEqual([]);
  });

  it.each([
    ['a misspelt field', 'spec.template.spec.containers.0.imagePullPolice', 'Always', 'imagePullPolice'],
    ['a value of another type', 'spec.replicas', 'three', "'string' is not assignable to type 'number'"],
    [
      'a field that came with 1.33',
      'spec.template.spec.containers.0.lifecycle.stopSignal',
      'SIGINT',
      'stopSignal',
    ],
    [
      'a field that came with 1.31',
      'spec.template.spec.securityContext.supplementalGroupsPolicy',
      'Strict',
      'supplementalGroupsPolicy',
    ],
  ])('%s is refused', async (_what, path, value, problem) => {
    const manifest = structuredClone(one(await render({ kubeVersion: `${version}.0` }), 'Deployment'));
    const [parent = '', last = ''] = /^(.*)\.([^.]+)$/.exec(path)?.slice(1) ?? [];
    at<Record<string, unknown>>(manifest, parent)[last] = value;
    expect((await olderSchemaProblems(version, [manifest])).join('\n')).toContain(problem);
  });

  it('an object without what its kind requires, and one of an unknown kind, are refused', async () => {
    const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', spec: { egress: {} } };
    const unknown = { apiVersion: 'v1', kind: 'Pot' };
    const metadata = { name: 'x', labels: {} };
    expect(await olderSchemaProblems(version, [{ ...policy, metadata }])).toHaveLength(1);
    expect((await olderSchemaProblems(version, [{ ...unknown, metadata }])).join('\n')).toMatch(
      /^Pot x: .*$/,
    );
  });
});

it('1.28 does not know the sleep that 1.30 knows', async () => {
  const manifests = await render({ kubeVersion: '1.30.0' });
  expect(await olderSchemaProblems('1.30', manifests)).toEqual([]);
  expect((await olderSchemaProblems('1.28', manifests)).join('\n')).toContain('"sleep"');
});
