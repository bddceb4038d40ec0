import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolved, valuesJsonSchema, valuesSchema } from '../../charts/source/values.ts';
import { at, complaints, one, render, renderPlain, type Values } from './helm.ts';
import { merged } from './merged.ts';
import { schemaProblems } from './strict-schema.ts';

type Schema = ReturnType<typeof valuesJsonSchema>;

/** What null takes away is stated with the value. */
const STATED = '; null for none';

/** The paths of all values and sections, the server's settings left out. */
const PATHS: string[] = [];
const REMOVABLE: string[] = [];
const WHOLE = valuesJsonSchema();
findPaths(WHOLE, valuesSchema.parse({}), '');

function findPaths({ properties = {} }: Schema, defaults: object, above: string): void {
  for (const [name, byDefault] of Object.entries(defaults) as [string, unknown][]) {
    const path = `${above}${name}`;
    const schema = resolved(properties[name] as Schema, WHOLE);
    (schema.description?.endsWith(STATED) ? REMOVABLE : PATHS).push(path);
    if (schema.properties && path !== 'config') findPaths(schema, byDefault as object, `${path}.`);
  }
}

const nullsAt = (paths: readonly string[]): Values =>
  merged(paths.map((path) => path.split('.').reduceRight<unknown>(inSection, null) as Values));
const inSection = (inside: unknown, name: string): Values => ({ [name]: inside });

/** The values that Helm says it lacks: `- at '/image': missing properties 'tag', 'digest'`, and Helm 3 `- image: tag is required`. */
const missing = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => {
    const [, four, names = ''] = /^- at '\/?(.*)': missing propert(?:y|ies) (.+)$/.exec(line) ?? [];
    const [, three = '', name = ''] = /^- (.+): (\w+) is required$/.exec(line) ?? [];
    if (four === undefined && name === '') return [line];
    const section = four?.replaceAll('/', '.') ?? three.replace('(root)', '');
    const all = four === undefined ? [name] : [...names.matchAll(/'(\w+)'/g)].map(([, one = '']) => one);
    return all.map((one) => (section === '' ? one : `${section}.${one}`));
  });

describe.each(['helm3', 'helm4'] as const)('null, by %s,', (helm) => {
  const levels = [...Map.groupBy(PATHS, (path) => path.split('.').length)];

  it.each(levels)(
    'is refused for every value that states nothing of it, at level %d',
    async (_level, paths) => {
      const lines = await complaints({ helm, operator: false, values: nullsAt(paths) });
      expect(missing(lines).toSorted()).toEqual(paths.toSorted());
    },
  );

  it('takes away what states it, and nothing else', async () => {
    const ofResources = REMOVABLE.filter((path) => path.startsWith('resources'));
    const others = REMOVABLE.filter((path) => !ofResources.includes(path));
    expect(ofResources).toEqual(['resources', 'resources.requests', 'resources.limits']);
    const values = { canary: { enabled: true }, autoscaling: { enabled: true, memoryUtilization: 80 } };
    const of = async (paths: readonly string[]) => {
      const manifests = await render({ helm, values: merged([values, nullsAt(paths)]), operator: false });
      expect(manifests.flatMap(schemaProblems)).toEqual([]);
      const pod = at<object>(one(manifests, 'Deployment'), 'spec.template.spec');
      const scaler = at<object>(one(manifests, 'HorizontalPodAutoscaler'), 'spec');
      return { pod, container: at<object>(pod, 'containers.0'), scaler };
    };
    const fieldsOf = ({ pod, container, scaler }: Awaited<ReturnType<typeof of>>): readonly string[] =>
      [pod, container, scaler].flatMap((object) => Object.keys(object));

    const taken = [
      ...['startupProbe', 'livenessProbe', 'readinessProbe', 'behavior'],
      // Of the pod and of the container.
      ...['securityContext', 'securityContext'],
    ];
    const all = fieldsOf(await of([]));
    expect([...fieldsOf(await of(others)), ...taken].toSorted()).toEqual(all.toSorted());
    const { container } = await of(['resources.limits']);
    expect(Object.keys(at<object>(container, 'resources'))).toEqual(['requests']);
  });

  it('takes back a bound of the disruption budget, so that an overlay can set the other one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'values-'));
    const file = (name: string, values: Values): string => {
      const path = join(directory, name);
      writeFileSync(path, JSON.stringify({ podDisruptionBudget: values }));
      return path;
    };
    const most = file('most.json', { maxUnavailable: 1 });
    const least = file('least.json', { minAvailable: '50%' });
    const overMost = file('over-most.json', { maxUnavailable: null, minAvailable: '50%' });
    const overLeast = file('over-least.json', { minAvailable: null, maxUnavailable: 2 });
    const neither = file('neither.json', { minAvailable: null, maxUnavailable: null });
    for (const [below, above, bound] of [
      [most, overMost, { minAvailable: '50%' }],
      [least, overLeast, { maxUnavailable: 2 }],
      [least, neither, { maxUnavailable: 1 }],
    ] as const) {
      const args = ['--values', below, '--values', above, '--set', 'replicas=3'];
      const { minAvailable, maxUnavailable } = at<Values>(
        one(await renderPlain({ helm, args }), 'PodDisruptionBudget'),
        'spec',
      );
      expect({ minAvailable, maxUnavailable }).toEqual(bound);
    }
  });

  it('is refused for labels, in lists, and below config', async () => {
    const values = {
      podLabels: { team: null },
      networkPolicy: { clients: [{ podSelector: null }] },
      config: { limits: { queue: null }, tracing: null },
    };
    const lines = await complaints({ helm, operator: false, values });
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/got null, want|given: null/);
  });

  it('takes single fields out of objects of Kubernetes', async () => {
    const values = { strategy: { type: 'Recreate', rollingUpdate: null } };
    const deployment = one(await renderPlain({ helm, values }), 'Deployment');
    expect(at(deployment, 'spec.strategy')).toEqual({ type: 'Recreate' });
  });
});
