import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { OLDER, renderOn, VALUES_FILES } from './clusters.ts';
import { at, CHART, one, type Manifest } from './helm.ts';
import { isOfKubernetes, olderSchemaProblems } from './older-schema.ts';

it('the oldest version is the oldest that the chart takes', () => {
  const { kubeVersion } = parse(readFileSync(`${CHART}Chart.yaml`, 'utf8')) as { kubeVersion: string };
  expect(kubeVersion).toBe(`>=${OLDER['1.28'].kubeVersion}-0`);
});

/** Mistakes in a Deployment: where, what, and words of the problem. */
const MISTAKES: readonly (readonly [what: string, path: string, value: unknown, problem: string])[] = [
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
];
const SLEEP = 'spec.template.spec.containers.0.lifecycle.preStop';

describe.each([
  {
    version: '1.28',
    mistakes: [...MISTAKES, ['the sleep of 1.30', SLEEP, { sleep: { seconds: 5 } }, 'sleep']],
  },
  { version: '1.30', mistakes: MISTAKES },
] as const)('on Kubernetes $version', ({ version, mistakes }) => {
  it('no object has a field that this version does not know', async () => {
    const manifests: Manifest[] = [];
    for (const file of VALUES_FILES) manifests.push(...(await renderOn(OLDER[version], file)));
    expect(manifests.filter(isOfKubernetes).length).toBeGreaterThan(100);
    expect(await olderSchemaProblems(version, manifests)).toEqual([]);
  });

  it.each(mistakes)('%s is refused', async (what, _path, _value, problem) => {
    const problems = await problemsOfMistakes();
    expect(problems.filter((text) => text.startsWith(`Deployment ${what}: `)).join()).toContain(problem);
  });

  let found: ReturnType<typeof olderSchemaProblems> | undefined;
  /** Of all mistakes at once, because the compiler takes its time. */
  const problemsOfMistakes = () =>
    (found ??= renderOn(OLDER[version], 'minimal-values.yaml').then((manifests) => {
      const deployment = one(manifests, 'Deployment');
      return olderSchemaProblems(
        version,
        mistakes.map(([what, path, value]) => withMistake(deployment, what, path, value)),
      );
    }));

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

/** A Deployment with a mistake, by which it is called. */
function withMistake(deployment: Manifest, what: string, path: string, value: unknown): Manifest {
  const wrong = structuredClone(deployment);
  const [parent = '', last = ''] = /^(.*)\.([^.]+)$/.exec(path)?.slice(1) ?? [];
  at<Record<string, unknown>>(wrong, parent)[last] = value;
  return { ...wrong, metadata: { ...wrong.metadata, name: what } };
}
