import { describe, expect, it } from 'vitest';
import { NEWEST, OLDER, renderOn, VALUES_FILES } from './clusters.ts';
import { at, helm, kindsOf, one, type Manifest } from './helm.ts';
import { lint } from './kube-linter.ts';
import { schemaProblems } from './strict-schema.ts';

const MATRIX = [NEWEST, OLDER['1.30']].flatMap((cluster) =>
  VALUES_FILES.map((file) => ({
    ...{ file, cluster, version: cluster.kubeVersion, operator: cluster.operator ? 'with' : 'without' },
  })),
);

it('has ten kinds of clusters or more', () => {
  expect(VALUES_FILES.length).toBeGreaterThanOrEqual(10);
});

describe.each(MATRIX)('$file on $version $operator Prometheus Operator', ({ file, cluster }) => {
  const rendered = () => renderOn(cluster, file);

  it('gives objects that have no field that their schema does not know', async () => {
    expect((await rendered()).flatMap(schemaProblems)).toEqual([]);
  });

  it("gives a release that passes KubeLinter's checks", async () => {
    expect(lint(await rendered())).toEqual([]);
  });

  it('gives no null, which server-side apply refuses or takes as a deletion', async () => {
    expect((await rendered()).flatMap((manifest) => nullsIn(manifest, manifest.kind))).toEqual([]);
  });

  it('gives each object, and each entry of a list with keys, once', async () => {
    const manifests = await rendered();
    expect(
      twice(manifests.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name].join(' '))),
    ).toEqual([]);
    expect(manifests.flatMap((manifest) => duplicatesIn(manifest, manifest.kind))).toEqual([]);
  });

  it('leaves the number of pods to the autoscaler where there is one', async () => {
    const manifests = await rendered();
    const scaled = manifests.some(({ kind }) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(kind));
    expect(at(one(manifests, 'Deployment'), 'spec.replicas') === undefined).toBe(scaled);
  });

  it('gives pods that the restricted Pod Security Standard admits', async () => {
    const pods = (await rendered()).flatMap(podSpecOf);
    expect(pods.length).toBeGreaterThan(0);
    for (const { securityContext, containers, automountServiceAccountToken } of pods) {
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('selects the pods it means, by ports they have', async () => {
    const manifests = await rendered();
    const template = at<PodTemplate>(one(manifests, 'Deployment'), 'spec.template');
    const ports = template.spec.containers[0]?.ports?.map(({ name }) => name) ?? [];
    const services = manifests.filter(({ kind }) => kind === 'Service');
    expect(services).toHaveLength(2);
    for (const service of services) {
      expect(template.metadata.labels).toMatchObject(at<object>(service, 'spec.selector'));
      expect(ports).toEqual(
        expect.arrayContaining(at<Port[]>(service, 'spec.ports').map(({ targetPort }) => targetPort)),
      );
    }
    const probes = manifests.flatMap((manifest) =>
      manifest.kind === 'Pod'
        ? [manifest.metadata.labels]
        : manifest.kind === 'CronJob'
          ? [cronLabels(manifest)]
          : [],
    );
    for (const labels of probes) expect(labels).not.toMatchObject(at<object>(services[0], 'spec.selector'));
  });
});

it.each([
  ...VALUES_FILES.map((file) => ({ file, cluster: OLDER['1.30'], operator: 'without' })),
  { file: 'minimal-values.yaml', cluster: NEWEST, operator: 'with' },
])(
  '$file $operator Prometheus Operator gives the same objects with Helm 3 and 4',
  async ({ file, cluster }) => {
    expect(await renderOn(cluster, file, 'helm3')).toEqual(await renderOn(cluster, file, 'helm4'));
  },
);

/** Between them these have all kinds of objects. */
const LINTED = ['everything', 'custom-tools', 'keda', 'pod-monitor'].map((name) => `${name}-values.yaml`);

it('all kinds of objects are among those that are linted', async () => {
  const kindsIn = async (files: readonly string[]) => {
    const found = new Set<string>();
    for (const file of files) for (const kind of kindsOf(await renderOn(NEWEST, file))) found.add(kind);
    return found;
  };
  expect(await kindsIn(LINTED)).toEqual(await kindsIn(VALUES_FILES));
});

it.each([...LINTED.map((file) => ['helm4', file] as const), ['helm3', 'everything-values.yaml'] as const])(
  '%s lint, as strict as it can be, passes %s',
  async (tool, file) => {
    const outcome = await helm('lint', { helm: tool, valuesFiles: [file] }, ['--strict', '--quiet']);
    expect(outcome).toMatchObject({ ok: true });
  },
);

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext: unknown;
  readonly containers: readonly {
    readonly securityContext: unknown;
    readonly ports?: readonly { readonly name: string }[];
  }[];
}
interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}
interface Port {
  readonly targetPort: string;
}

const POD_SPECS: Readonly<Record<string, string>> = {
  Pod: 'spec',
  Deployment: 'spec.template.spec',
  CronJob: 'spec.jobTemplate.spec.template.spec',
};

function podSpecOf(manifest: Manifest): PodSpec[] {
  const path = POD_SPECS[manifest.kind];
  return path === undefined ? [] : [at<PodSpec>(manifest, path)];
}

const cronLabels = (manifest: Manifest): unknown =>
  at(manifest, 'spec.jobTemplate.spec.template.metadata.labels');

type Fields = Readonly<Record<string, unknown>>;

function nullsIn(value: unknown, path: string): string[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  return Object.entries(value as Fields).flatMap(([key, field]) => nullsIn(field, `${path}.${key}`));
}

/** The key by which server-side apply tells the entries of a list apart. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['name', 'containerPort'],
  containers: ['name'],
  imagePullSecrets: ['name'],
  topologySpreadConstraints: ['topologyKey'],
};

function duplicatesIn(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Fields).flatMap(([key, field]) => {
    const own = Array.isArray(field)
      ? (KEYS[key] ?? []).flatMap((name) =>
          twice(
            field
              .map((entry) => (entry as Readonly<Record<string, string | undefined>>)[name])
              .filter((part) => part !== undefined),
          ),
        )
      : [];
    return [...own.map((name) => `${path}.${key}: ${name}`), ...duplicatesIn(field, `${path}.${key}`)];
  });
}

const twice = <T>(values: readonly T[]): T[] =>
  values.filter((value, index) => values.indexOf(value) < index);
