import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  at,
  kindsOf,
  mounted,
  one,
  render,
  renderPlain,
  type Manifest,
  type RenderOptions,
  type Values,
} from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

const CONTAINER = 'spec.template.spec.containers.0';

const deployment = async (values: Values, options: RenderOptions = {}): Promise<Manifest> =>
  one(await renderPlain({ ...options, values }), 'Deployment');
const envOf = (manifest: Manifest): readonly Readonly<Record<string, unknown>>[] =>
  at(manifest, `${CONTAINER}.env`);
const env = async (values: Values): Promise<Readonly<Record<string, unknown>>> =>
  Object.fromEntries(envOf(await deployment(values)).map(({ name, value }) => [String(name), value]));

describe('helm install with no values', () => {
  it.each([
    [true, ['ServiceMonitor', 'PrometheusRule']],
    [false, []],
  ])('with Prometheus Operator (%s) needs no edit', async (operator, monitoring) => {
    const found = new Set(kindsOf(await render({ operator })));
    const always = ['ServiceAccount', 'ConfigMap', 'Service', 'Deployment', 'Pod'];
    expect(found).toEqual(new Set([...always, ...monitoring]));
  });

  it('gives a pod that a Prometheus without the Operator finds, and only there', async () => {
    const annotations = 'spec.template.metadata.annotations';
    const plain = at(await deployment({}), annotations);
    const expected = {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9998',
      'prometheus.io/path': '/metrics',
    };
    expect(plain).toMatchObject(expected);
    expect(at(one(await render(), 'Deployment'), annotations)).toBeUndefined();
  });
});

it('every object of a namespace names it, so that kubectl applies objects of several at once', async () => {
  const config = { ops: { port: 9998 }, discovery: { enabled: true, namespaces: ['a'] } };
  const manifests = await render({
    valuesFiles: ['production-values.yaml'],
    values: { config, rbac: { profile: 'readonly' }, monitoring: { dashboards: { enabled: true } } },
  });
  const namespaces = manifests.map(({ kind, metadata }) => metadata.namespace ?? `none, for ${kind}`);
  expect([...new Set(namespaces)].sort()).toEqual(['a', 'monitoring', 'tools']);
});

it('why a container failed is in the status of its pod, where it outlives the log of the container', async () => {
  const manifests = await renderPlain({ values: { canary: { enabled: true } } });
  const pods = [
    at(one(manifests, 'Deployment'), 'spec.template.spec'),
    at(one(manifests, 'CronJob'), 'spec.jobTemplate.spec.template.spec'),
    at(one(manifests, 'Pod'), 'spec'),
  ];
  for (const pod of pods)
    expect(at(pod, 'containers.0.terminationMessagePolicy')).toBe('FallbackToLogsOnError');
});

it('a run of the canary is deleted, so that what alerts on failed Jobs does not fire for ever', async () => {
  const job = one(await renderPlain({ values: { canary: { enabled: true } } }), 'CronJob');
  expect(at(job, 'spec.jobTemplate.spec.ttlSecondsAfterFinished')).toBe(3600);
});

describe('the pod', () => {
  it('runs an image by its digest, whatever the tag', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const image = { registry: 'registry.example.com', repository: 'a/b', tag: '1', digest };
    expect(at(await deployment({ image }), `${CONTAINER}.image`)).toBe(`registry.example.com/a/b@${digest}`);
  });

  it('comes from the registry of a parent chart, and is pulled with its Secrets, too', async () => {
    const global = { imageRegistry: 'mirror.example.com', imagePullSecrets: ['theirs', { name: 'both' }] };
    const image = {
      registry: 'registry.example.com',
      repository: 'a/b',
      tag: '1',
      pullSecrets: [{ name: 'both' }],
    };
    const manifests = await renderPlain({ values: { global, image, canary: { enabled: true } } });
    const pods = [
      at(one(manifests, 'Deployment'), 'spec.template.spec'),
      at(one(manifests, 'CronJob'), 'spec.jobTemplate.spec.template.spec'),
    ];
    for (const pod of pods) {
      expect(at(pod, 'containers.0.image')).toBe('mirror.example.com/a/b:1');
      expect(at(pod, 'imagePullSecrets')).toEqual([{ name: 'both' }, { name: 'theirs' }]);
    }
  });

  it('counts the pods of its own ReplicaSet when it is spread, and is not asked before it can answer', async () => {
    const manifest = await deployment({ topologySpread: 'hard' });
    const spread = at<readonly object[]>(manifest, 'spec.template.spec.topologySpreadConstraints');
    for (const constraint of spread)
      expect(constraint).toHaveProperty('matchLabelKeys', ['pod-template-hash']);
    expect(at(manifest, `${CONTAINER}.startupProbe.initialDelaySeconds`)).toBeGreaterThan(0);
    expect(at(manifest, `${CONTAINER}.resources.requests`)).toHaveProperty('ephemeral-storage');
  });

  it('has each variable once, and those of the operator win', async () => {
    const values = {
      extraEnv: [
        { name: 'NODE_OPTIONS', value: '--inspect' },
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    };
    const variables = envOf(await deployment(values));
    expect(variables.map(({ name }) => name)).toEqual([
      'NEXUS_CONFIG',
      'NEXUS_SERVER_HOST',
      'NODE_OPTIONS',
      'A',
    ]);
    expect(variables.slice(2).map(({ value }) => value)).toEqual(['--inspect', '2']);
  });

  it.each([
    [{ limits: { memory: '1000M' } }, {}, 459],
    [{ limits: { memory: 1_073_741_824 } }, { workers: { maxThreads: 1 } }, 640],
    [{ limits: { memory: '1.5Gi' } }, { workers: { maxThreads: 4, maxHeapMegabytes: 64 } }, 896],
  ])(
    'has a heap that its memory %o and its threads %o leave: %d MB',
    async (resources, config, megabytes) => {
      expect(await env({ resources, config })).toMatchObject({
        NODE_OPTIONS: `--max-old-space-size=${megabytes}`,
      });
    },
  );

  it('has no limit of the heap where there is none of memory', async () => {
    expect(Object.keys(await env({ resources: { limits: { memory: null } } }))).not.toContain('NODE_OPTIONS');
  });

  it('is replaced when its configuration or a tool module changes, and else not', async () => {
    const template = async (values: Values) => at(await deployment(values), 'spec.template');
    const first = await template({});
    expect(await template({ minReadySeconds: 9 })).toEqual(first);
    expect(await template({ config: { log: { level: 'debug' } } })).not.toEqual(first);
    const module = async (code: string) => template({ toolModules: { files: { 'a.ts': code } } });
    expect(await module('1')).toEqual(await module('1'));
    expect(await module('1')).not.toEqual(await module('2'));
  });

  it('keeps the configuration that it was started with: another one is another ConfigMap', async () => {
    const maps = async (level: string, code: string): Promise<readonly Manifest[]> => {
      const values = { config: { log: { level } }, toolModules: { files: { 'a.ts': code } } };
      return (await renderPlain({ values })).filter(({ kind }) => kind === 'ConfigMap');
    };
    const [before, after] = [await maps('info', '1'), await maps('debug', '2')];
    const names = [...before, ...after].map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(4);
    for (const map of before) expect(map['immutable']).toBe(true);
    expect(await maps('info', '1')).toEqual(before);
  });

  it('has a token of the Kubernetes API only where its tools may use it', async () => {
    const mounts = async (values: Values) =>
      at<{ mountPath: string }[]>(await deployment(values), `${CONTAINER}.volumeMounts`).map(
        ({ mountPath }) => mountPath,
      );
    const path = '/var/run/secrets/kubernetes.io/serviceaccount';
    expect(await mounts({})).not.toContain(path);
    expect(await mounts({ rbac: { profile: 'readonly' } })).toContain(path);
  });

  it('sleeps before it stops, by a command where the cluster is too old', async () => {
    const sleep = async (kubeVersion: string) =>
      at(await deployment({ preStopSleepSeconds: 7 }, { kubeVersion }), `${CONTAINER}.lifecycle.preStop`);
    expect(await sleep('1.30.0')).toEqual({ sleep: { seconds: 7 } });
    expect(await sleep('1.29.9')).toEqual({
      exec: { command: ['node', '-e', 'setTimeout(() => {}, 7000)'] },
    });
  });

  it('lets a cluster that gives out user numbers choose one', async () => {
    const values = { podSecurityContext: { runAsUser: null, runAsGroup: null, fsGroup: null } };
    const context = at(await deployment(values), 'spec.template.spec.securityContext');
    expect(context).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  });
});

describe('access to the Kubernetes API', () => {
  it('is never to Secrets in the readonly profile, and in the namespaces named', async () => {
    const values = { rbac: { profile: 'readonly', namespaces: ['a', 'b'] } };
    const roles = (await renderPlain({ values })).filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
    expect(JSON.stringify(roles)).not.toMatch(/secrets|\*|create|delete|patch|update/);
  });

  it('is of the whole cluster under a name no other release has', async () => {
    const manifests = await renderPlain({ values: { rbac: { profile: 'readonly', clusterWide: true } } });
    expect(one(manifests, 'ClusterRole').metadata).toMatchObject({ name: 'tools-nexus-mcp' });
    expect(one(manifests, 'ClusterRole').metadata.namespace).toBeUndefined();
  });
});

describe('the configuration file', () => {
  const POD_IP = '10.1.2.3';

  /** The settings that the server reads from what the chart mounts. */
  async function settingsOf(values: Values): Promise<ReturnType<typeof loadSettings>> {
    const manifests = await renderPlain({ release: 'agents', namespace: 'tools', values });
    const directory = mkdtempSync(join(tmpdir(), 'nexus-config-'));
    const file = join(directory, 'nexus.yaml');
    writeFileSync(file, mounted(manifests)['nexus.yaml'] ?? '');
    return loadSettings({ env: { NEXUS_SESSIONS_ADDRESS: POD_IP }, flags: {}, file, directory });
  }

  it('is one that the server takes, with the names clients use', async () => {
    const values = {
      config: {
        server: { bodyBytes: 2_097_152, allowedHosts: ['mcp.internal'] },
        limits: { callsPerSecond: 0.5 },
      },
      ingress: { enabled: true, hosts: ['mcp.example.com', '*.example.org'] },
      auth: { tokensSecret: { name: 'tokens' } },
      stateKeySecret: { name: 'key' },
      toolModules: {
        files: { 'b.ts': '', 'a.ts': '', 'data.json': '{}' },
        configMaps: [{ name: 'more', files: ['c.ts'] }],
      },
    };
    const loaded = await settingsOf(values);
    expect(loaded).toMatchObject({ ok: true });
    const hosts = [
      'mcp.internal',
      'agents-nexus-mcp',
      'agents-nexus-mcp.tools',
      'agents-nexus-mcp.tools.svc',
    ];
    expect(loaded.ok && loaded.settings).toEqual({
      ...settingsSchema.parse({}),
      ...settingsSchema.parse({
        server: {
          bodyBytes: 2_097_152,
          allowedHosts: [
            ...hosts,
            'agents-nexus-mcp.tools.svc.cluster.local',
            'mcp.example.com',
            '*.example.org',
          ],
        },
        ops: { port: 9998 },
        limits: { callsPerSecond: 0.5 },
        auth: { tokensFile: '/etc/nexus-mcp/auth/tokens.yaml' },
        sessions: {
          stateKeyFile: '/etc/nexus-mcp/state/state-key',
          peers: ['agents-nexus-mcp-metrics.tools.svc.cluster.local:9998'],
          address: POD_IP,
        },
        tools: {
          modules: [
            '/etc/nexus-mcp/tools/a.ts',
            '/etc/nexus-mcp/tools/b.ts',
            '/etc/nexus-mcp/tools-more/c.ts',
          ],
        },
      }),
    });
  });
});

describe('helm test', () => {
  const podOf = async (values: Values = {}): Promise<Manifest> => one(await renderPlain({ values }), 'Pod');

  it('leaves its pod until the next time, so that Helm 3 can show its log', async () => {
    expect((await podOf()).metadata.annotations).toEqual({
      'helm.sh/hook': 'test',
      'helm.sh/hook-delete-policy': 'before-hook-creation',
    });
  });

  it('has no access to the Kubernetes API, also where tools have', async () => {
    const pod = JSON.stringify(await podOf({ rbac: { profile: 'readonly' } }));
    expect(pod).toContain('"automountServiceAccountToken":false');
    expect(pod).not.toMatch(/kubernetes-token|serviceAccountName/);
  });

  it('leaves metrics out where there are none, as the canary does', async () => {
    const values = { config: { metrics: { enabled: false } }, canary: { enabled: true } };
    const ready = 'http://nexus-mcp-metrics.tools.svc:9998/readyz';
    const args = at<readonly string[]>(await podOf(values), 'spec.containers.0.args');
    expect(args.slice(2)).toEqual(['--no-metrics', '--ready-url', ready]);
    expect(
      at(
        one(await renderPlain({ values }), 'CronJob'),
        'spec.jobTemplate.spec.template.spec.containers.0.args',
      ),
    ).toContain('--no-metrics');
  });
});

describe('values that are unset', () => {
  const MEMORY = { enabled: true, cpuUtilization: 0, memoryUtilization: 80 };
  it.each([
    [{ resources: { limits: null } }, ['requests']],
    [{ resources: { requests: null }, autoscaling: MEMORY }, ['limits']],
    [{ resources: null }, []],
  ])('(%o) are left out, and others kept', async (values, kept) => {
    for (const tool of ['helm3', 'helm4'] as const) {
      const manifest = await deployment(values, { helm: tool });
      expect(Object.keys(at<object | undefined>(manifest, `${CONTAINER}.resources`) ?? {})).toEqual(kept);
    }
  });
});

it("objects of one's own are as they are, or with Helm's templates expanded", async () => {
  const of = (name: string, text: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { text },
  });
  const values = {
    extraObjects: [of('expanded', 'of {{ .Release.Name }}')],
    extraObjectsAsIs: [of('as-is', '{{ range .Alerts }}{{ .Labels.job }}{{ end }}')],
  };
  for (const tool of ['helm3', 'helm4'] as const) {
    const manifests = await renderPlain({ values, helm: tool });
    expect(at(one(manifests, 'ConfigMap', 'expanded'), 'data.text')).toBe('of nexus-mcp');
    expect(at(one(manifests, 'ConfigMap', 'as-is'), 'data.text')).toBe(
      '{{ range .Alerts }}{{ .Labels.job }}{{ end }}',
    );
  }
});

describe('a disruption budget', () => {
  it('is there where there can be several pods', async () => {
    const there = async (values: Values) =>
      kindsOf(await renderPlain({ values })).includes('PodDisruptionBudget');
    expect(await there({})).toBe(false);
    expect(await there({ replicas: 2 })).toBe(true);
    expect(await there({ autoscaling: { enabled: true } })).toBe(true);
    expect(await there({ replicas: 2, podDisruptionBudget: { enabled: false } })).toBe(false);
  });
});

describe('as a part of another chart', () => {
  it('takes what its parent passes on', async () => {
    expect(await renderPlain({ values: { global: { anything: 1 }, enabled: true } })).not.toEqual([]);
  });
});

describe('a name of digits', () => {
  it('is a text everywhere', async () => {
    const names = { release: '123', namespace: '456', valuesFiles: ['everything-values.yaml'] };
    const values = {
      fullnameOverride: '123',
      nameOverride: '789',
      serviceAccount: { name: '7' },
      monitoring: { monitor: { jobLabel: '' } },
    };
    for (const tool of ['helm3', 'helm4'] as const) {
      const manifests = await render({ ...names, values, helm: tool });
      expect(manifests.flatMap(schemaProblems)).toEqual([]);
      const text = JSON.stringify(manifests);
      expect(text).not.toMatch(/:(123|456|789|7)[,}]/);
      expect(at(one(manifests, 'ServiceMonitor'), 'spec.namespaceSelector.matchNames')).toEqual(['456']);
      expect(at(one(manifests, 'ServiceMonitor'), 'spec.endpoints.0.relabelings.0.replacement')).toBe('123');
    }
  });
});

describe('a long name of a release', () => {
  it('leaves every name and label short enough', async () => {
    const release = 'a-release-with-the-longest-name-that-helm-will-take-x';
    expect(release).toHaveLength(53);
    const manifests = await render({ release, valuesFiles: ['everything-values.yaml'] });
    /** Those whose names become neither labels nor names in DNS. */
    const longer = ['ConfigMap', 'GrafanaDashboard'];
    for (const { kind, metadata } of manifests) {
      const most = longer.includes(kind) ? 253 : kind === 'CronJob' ? 52 : 63;
      expect(metadata.name.length, metadata.name).toBeLessThanOrEqual(most);
      for (const [label, value] of Object.entries(metadata.labels)) {
        expect(value, label).toMatch(/^$|^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/);
      }
    }
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});
