import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { run } from '../../scripts/stand-in-images/run.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { ANNOTATION, chooseUpstreams, OWN_ANNOTATIONS } from '../../src/found-upstreams.ts';
import { readService } from '../../src/kubernetes/service.ts';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { at, mounted, one, readManifests, render, renderPlain, type Manifest } from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

const PROJECT = new URL('../../', import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${PROJECT}${path}`, 'utf8');

async function kustomize(path: string): Promise<readonly Manifest[]> {
  const { kubectl } = await provideKubernetesTools();
  return readManifests(await run(kubectl, ['kustomize', path], PROJECT));
}

/** What comes of a kustomization of one's own that begins with k8s/. */
async function kustomized(fields: object, ...components: readonly string[]): Promise<readonly Manifest[]> {
  const directory = mkdtempSync(join(tmpdir(), 'nexus-kustomize-'));
  const [base, ...added] = ['k8s', ...components].map((path) => relative(directory, PROJECT + path));
  const kustomization = { resources: [base], components: added, ...fields };
  writeFileSync(join(directory, 'kustomization.yaml'), stringify(kustomization));
  return kustomize(directory);
}

/** The Deployment of each, with one name for the configuration: Helm and Kustomize put a hash of their own behind it. */
const deployments = (...both: readonly (readonly Manifest[])[]): readonly Manifest[] =>
  both.map((manifests) => {
    const text = JSON.stringify(one(manifests, 'Deployment'));
    return JSON.parse(text.replaceAll(/"nexus-mcp-[a-z0-9]{10}"/g, '"nexus-mcp-hash"')) as Manifest;
  });

const plain = kustomize('k8s');
const monitoring = kustomize('k8s/monitoring');

interface Matcher {
  readonly name: string;
  readonly matchType: string;
  readonly value: string;
}
interface Inhibition {
  readonly sourceMatch: readonly Matcher[];
  readonly targetMatch: readonly Matcher[];
  readonly equal: readonly string[];
}

describe('k8s/', () => {
  it('is built by kubectl into objects that their schemas know', async () => {
    const manifests = [...(await plain), ...(await monitoring)];
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'Namespace',
      'PrometheusRule',
      'Service',
      'Service',
      'ServiceAccount',
      'ServiceMonitor',
    ]);
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
  });

  it('runs the pod that the chart runs', async () => {
    const annotations = { monitoring: { scrapeAnnotations: true } };
    const charted = await renderPlain({ namespace: 'nexus-mcp', values: annotations });
    const [ours, theirs] = deployments(await plain, charted);
    expect(ours?.['spec']).toEqual(theirs?.['spec']);
    const [file, chartFile] = [await plain, charted].map((all) => mounted(all)['nexus.yaml'] ?? '');
    expect(parse(file ?? '')).toEqual(parse(chartFile ?? ''));
  });

  it('shows a configuration that answers to every name of the Service', async () => {
    const [, shown = ''] = /^```yaml\n(# nexus\.yaml[^]*?)```$/m.exec(read('k8s/README.md')) ?? [];
    const hostsIn = (text: string) => settingsSchema.parse(parse(text)).server.allowedHosts;
    const ours = hostsIn(mounted(await plain)['nexus.yaml'] ?? '');
    expect(hostsIn(shown)).toEqual([...ours, 'mcp.example.com']);
  });

  it('has the configuration in a ConfigMap that does not change: another one is another ConfigMap', async () => {
    const map = one(await plain, 'ConfigMap');
    expect(map['immutable']).toBe(true);
    expect(one(await plain, 'Deployment').metadata.labels).toMatchObject(map.metadata.labels);
    const [, shown = ''] = /^```yaml\n(# kustomization[^]*?)```$/m.exec(read('k8s/README.md')) ?? [];
    const { configMapGenerator, namespace } = parse(shown) as Record<string, [{ files: object }]>;
    const generator = configMapGenerator?.map(({ files: _files, ...each }) => ({
      ...each,
      literals: ['nexus.yaml={}'],
    }));
    const changed = await kustomized({ namespace, configMapGenerator: generator });
    expect(mounted(changed)).toEqual({ 'nexus.yaml': '{}' });
    expect(one(changed, 'ConfigMap').metadata.name).not.toBe(map.metadata.name);
  });

  it('has a ServiceMonitor that selects its Service, and rules about its job', async () => {
    const service = one(await plain, 'Service', 'nexus-mcp-metrics');
    expect(service.metadata.labels).toMatchObject(
      at<object>(one(await monitoring, 'ServiceMonitor'), 'spec.selector.matchLabels'),
    );
    expect(JSON.stringify(one(await monitoring, 'PrometheusRule'))).toContain(
      'job=\\"nexus-mcp\\", namespace=\\"nexus-mcp\\"',
    );
  });
});

describe('the README of k8s/', () => {
  const README = read('k8s/README.md');
  /** The block of code that has a text. */
  const block = (part: string): string =>
    [...README.matchAll(/^```\w+\n([^]*?)^```$/gm)]
      .map(([, text = '']) => text)
      .find((text) => text.includes(part)) ?? '';
  /** A folder with the k8s/ of this project, in which commands run as in a clone. */
  const clone = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'nexus-clone-'));
    cpSync(join(PROJECT, 'k8s'), join(directory, 'k8s'), { recursive: true });
    return directory;
  };

  it('shows a command that moves all into another namespace, as the chart would have it there', async () => {
    const directory = clone();
    await run('sh', ['-ec', block('NAMESPACE=agents')], directory);
    const copy = join(directory, 'my-k8s');
    const fields = { namespace: undefined, resources: ['./my-k8s', './my-k8s/monitoring'] };
    const components = [
      './my-k8s/several-replicas',
      './my-k8s/discovery',
      './my-k8s/examples/tokens-and-tools',
    ];
    writeFileSync(join(directory, 'kustomization.yaml'), stringify({ ...fields, components }));
    const moved = await kustomize(directory);
    expect(moved.flatMap(schemaProblems)).toEqual([]);
    for (const { kind, metadata } of moved)
      expect([kind, kind === 'Namespace' ? metadata.name : metadata.namespace]).toEqual([kind, 'agents']);

    const enabled = { enabled: true };
    const charted = await render({
      namespace: 'agents',
      values: { monitoring: { monitor: enabled, rules: enabled, scrapeAnnotations: true } },
    });
    for (const kind of ['PrometheusRule', 'ServiceMonitor'])
      expect(one(moved, kind)['spec'], kind).toEqual(one(charted, kind)['spec']);
    const [ours, theirs] = [moved, charted].map((all) => mounted(all)['nexus.yaml'] ?? '');
    expect(parse(ours ?? '')).toEqual(parse(theirs ?? ''));
    expect(JSON.stringify(one(moved, 'Deployment'))).toContain(
      'nexus-mcp-metrics.agents.svc.cluster.local:9998',
    );
    const examples = ['alertmanagerconfig', 'labelled-service'].flatMap((name) =>
      readManifests(readFileSync(join(copy, 'examples', `${name}.yaml`), 'utf8')),
    );
    expect(examples.map(({ metadata }) => metadata.namespace)).toEqual(['agents', 'agents']);
  });

  it("shows how rules with parameters of one's own replace those of k8s/monitoring", async () => {
    const directory = clone();
    const overlay = join(directory, 'overlay');
    cpSync(join(directory, 'k8s/examples'), overlay, { recursive: true });
    symlinkSync(directory, join(directory, 'nexus-mcp'));
    const [parameters, file] = ['my-alerts.yaml', 'nexus-mcp.prometheusrule.yaml'].map((name) =>
      join(overlay, name),
    );
    writeFileSync(parameters ?? '', block('# my-alerts.yaml'));
    const [, flag = ''] = /ARGS="(\S+) my-alerts\.yaml"/.exec(README) ?? [];
    await run(process.execPath, ['scripts/alert-rules.ts', flag, parameters ?? '', file ?? ''], PROJECT);
    writeFileSync(join(overlay, 'kustomization.yaml'), block('nexus-mcp.prometheusrule.yaml, target'));

    const made = await kustomize(overlay);
    expect(made.flatMap(schemaProblems)).toEqual([]);
    expect(made.map(({ metadata }) => metadata.labels['release'])).toEqual(['prometheus', 'prometheus']);
    const expressions = (manifests: readonly Manifest[]): readonly string[] =>
      at<{ rules: { alert?: string; expr: string }[] }[]>(
        one(manifests, 'PrometheusRule'),
        'spec.groups',
      ).flatMap(({ rules }) =>
        rules.flatMap(({ alert, expr }) => (alert === undefined ? [] : [`${alert}: ${expr}`])),
      );
    const [ours, theirs] = [expressions(made), expressions(await monitoring)];
    expect(theirs.length - ours.length).toBe(1);
    expect(ours.join()).not.toContain('NexusMCPToolSilent');
    const down = (all: readonly string[]) =>
      all.find((each) => each.startsWith('NexusMCPDown:'))?.replaceAll(/\s+/g, ' ');
    expect(down(ours)).toBe(down(theirs));
    expect(JSON.stringify(one(made, 'PrometheusRule'))).toContain('(100 - 99.9) / 100');
  });

  it('shows how tokens and a tool module get in, as the chart mounts them', async () => {
    const component = 'k8s/examples/tokens-and-tools';
    const manifests = await kustomized({}, component);
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
    const module = read('examples/tools/hello.ts');
    expect(read(`${component}/hello.ts`)).toBe(module);
    const values = {
      auth: { tokensSecret: { name: 'nexus-mcp-tokens' } },
      toolModules: { files: { 'hello.ts': module } },
    };
    const charted = await renderPlain({ namespace: 'nexus-mcp', values });

    const pod = 'spec.template.spec';
    const withoutHash = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/(nexus-mcp(?:-modules)?)-[a-z0-9]{10}"/g, '$1"'));
    const [ours, theirs] = deployments(manifests, charted);
    for (const path of [`${pod}.volumes`, `${pod}.containers.0.volumeMounts`])
      expect(withoutHash(at(ours, path)), path).toEqual(
        expect.arrayContaining(withoutHash(at<unknown[]>(theirs, path)) as unknown[]),
      );
    const { auth, tools } = parse(mounted(charted)['nexus.yaml'] ?? '') as {
      auth: { tokensFile: string };
      tools: { modules: string[] };
    };
    expect(at(ours, `${pod}.containers.0.env`)).toEqual(
      expect.arrayContaining([
        { name: 'NEXUS_AUTH_TOKENS_FILE', value: auth.tokensFile },
        { name: 'NEXUS_TOOLS_MODULES', value: tools.modules.join(',') },
      ]),
    );
    const map = manifests.find(({ metadata }) => metadata.name.startsWith('nexus-mcp-modules-'));
    expect(map?.['data']).toEqual({ 'hello.ts': module });
    expect(JSON.stringify(at(ours, `${pod}.volumes`))).toContain(map?.metadata.name);
  });
});

describe('k8s/several-replicas', () => {
  it('gives each pod the key, the others and its address, as the chart does, and needs no affinity', async () => {
    const replicas = [{ name: 'nexus-mcp', count: 3 }];
    const manifests = await kustomized({ replicas }, 'k8s/several-replicas');
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
    const charted = await renderPlain({
      namespace: 'nexus-mcp',
      values: { replicas: 3, stateKeySecret: { name: 'nexus-mcp-state-key' } },
    });

    const pod = 'spec.template.spec';
    const [ours, theirs] = deployments(manifests, charted);
    for (const path of ['spec.replicas', `${pod}.volumes`, `${pod}.containers.0.volumeMounts`]) {
      const [own, chart] = [at<unknown>(ours, path), at<unknown>(theirs, path)];
      expect([own].flat(), path).toEqual(expect.arrayContaining([chart].flat()));
    }
    const service = at(one(charted, 'Service', 'nexus-mcp'), 'spec');
    expect(one(manifests, 'Service', 'nexus-mcp')['spec']).toEqual(service);

    const env = at<readonly { name: string; value?: string; valueFrom?: object }[]>(
      ours,
      `${pod}.containers.0.env`,
    );
    const { sessions } = parse(mounted(charted)['nexus.yaml'] ?? '') as {
      sessions: { stateKeyFile: string; peers: string[] };
    };
    expect(env).toEqual(
      expect.arrayContaining([
        { name: 'NEXUS_SESSIONS_STATE_KEY_FILE', value: sessions.stateKeyFile },
        { name: 'NEXUS_SESSIONS_PEERS', value: sessions.peers.join(',') },
        { name: 'NEXUS_SESSIONS_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ]),
    );
  });
});

describe('k8s/discovery', () => {
  it('gives the server what the chart gives it: the token, the role and the setting', async () => {
    const manifests = await kustomized({}, 'k8s/discovery');
    expect(manifests.flatMap(schemaProblems)).toEqual([]);
    const config = { ops: { port: 9998 }, discovery: { enabled: true } };
    const charted = await renderPlain({ namespace: 'nexus-mcp', values: { config } });

    const pod = 'spec.template.spec';
    const [ours, theirs] = deployments(manifests, charted);
    for (const path of [`${pod}.volumes`, `${pod}.containers.0.volumeMounts`])
      expect(at(ours, path), path).toEqual(expect.arrayContaining(at<unknown[]>(theirs, path)));
    expect(at(ours, `${pod}.containers.0.env`)).toContainEqual({
      name: 'NEXUS_DISCOVERY_ENABLED',
      value: 'true',
    });
    expect(one(manifests, 'Role')['rules']).toEqual(one(charted, 'Role')['rules']);
    const [binding, chartedBinding] = [one(manifests, 'RoleBinding'), one(charted, 'RoleBinding')];
    expect(binding['roleRef']).toEqual(chartedBinding['roleRef']);
    expect(binding['subjects']).toEqual(chartedBinding['subjects']);
  });
});

describe('the worked examples', () => {
  it('have a Service that is an upstream', () => {
    const [service] = readManifests(read('k8s/examples/labelled-service.yaml'));
    if (!service) throw new Error('there is none');
    expect(schemaProblems(service)).toEqual([]);
    const [label, value] = settingsSchema.parse({}).discovery.labelSelector.split('=');
    expect(service.metadata.labels).toEqual({ [label ?? '']: value });
    const inCluster = { ...service, spec: { ...(service['spec'] as object), clusterIP: '10.96.0.7' } };
    const found = readService(inCluster, OWN_ANNOTATIONS);
    const rules = {
      taken: new Set<string>(),
      prefixes: [],
      ownHosts: [],
      most: 1,
      timeoutSeconds: 1,
      maxConcurrency: 1,
    };
    expect(chooseUpstreams(found ? [found] : [], rules)).toMatchObject({
      specs: [{ name: 'weather', prefix: 'weather_', url: 'http://10.96.0.7:80/mcp' }],
      refused: [],
    });
    for (const annotation of Object.values(ANNOTATION))
      expect(read('k8s/examples/labelled-service.yaml')).toContain(annotation);
  });

  it('have an AlertmanagerConfig whose fields are known, that routes and inhibits as the sample file', () => {
    const [config] = readManifests(read('k8s/examples/alertmanagerconfig.yaml'));
    if (!config) throw new Error('there is none');
    // The schema leaves open what child routes are, which is the same as their parent.
    const spec = at<{ route: { routes: readonly object[] } }>(config, 'spec');
    const { routes, ...parent } = spec.route;
    for (const route of [parent, ...routes]) {
      expect(schemaProblems({ ...config, spec: { ...spec, route } })).toEqual([]);
    }
    const sample = parse(read('alerts/alertmanager.example.yaml')) as {
      route: { routes: readonly [{ group_by: string[]; group_wait: string }] };
      inhibit_rules: readonly { source_matchers: string[]; target_matchers: string[]; equal: string[] }[];
    };
    const written = (matchers: readonly Matcher[]): readonly string[] =>
      matchers.map(({ name, matchType, value }) => `${name} ${matchType} "${value}"`);
    const inhibitions = at<readonly Inhibition[]>(config, 'spec.inhibitRules');
    expect(
      inhibitions.map(({ sourceMatch, targetMatch, equal }) => ({
        source_matchers: written(sourceMatch),
        target_matchers: written(targetMatch),
        equal,
      })),
    ).toEqual(sample.inhibit_rules);
    const [ours] = sample.route.routes;
    expect(at(config, 'spec.route')).toMatchObject({ groupBy: ours.group_by, groupWait: ours.group_wait });
    const selector = parse(read('k8s/examples/kube-prometheus-stack-values.yaml')) as unknown;
    expect(config.metadata.labels).toEqual(
      at(selector, 'alertmanager.alertmanagerSpec.alertmanagerConfigSelector.matchLabels'),
    );
  });

  it('have a rule for each custom metric that the autoscaler asks for', async () => {
    const [rule] = at<readonly [{ seriesQuery: string }]>(
      parse(read('k8s/examples/prometheus-adapter-values.yaml')),
      'rules.custom',
    );
    const values = { autoscaling: { enabled: true, callsInFlight: 5, activeSessions: 5 } };
    const scaler = one(await renderPlain({ values }), 'HorizontalPodAutoscaler');
    const asked = at<readonly { pods?: { metric: { name: string } } }[]>(scaler, 'spec.metrics').flatMap(
      ({ pods }) => pods?.metric.name ?? [],
    );
    expect(asked).toHaveLength(2);
    for (const name of asked) {
      expect(METRICS).toHaveProperty(name);
      expect(rule.seriesQuery).toMatch(new RegExp(`[|"]${name}[|"]`));
    }
  });

  it('have the label by which the dashboards are found', async () => {
    const values = parse(read('k8s/examples/kube-prometheus-stack-values.yaml')) as unknown;
    const { label, labelValue } = at<Record<string, string>>(values, 'grafana.sidecar.dashboards');
    const boards = (await render()).filter(({ metadata }) => metadata.name.includes('-dashboard-'));
    expect(boards).toHaveLength(4);
    for (const { metadata } of boards) expect(metadata.labels[label ?? '']).toBe(labelValue);
  });
});

describe('a dashboard of the chart', () => {
  it('links the runbooks where the values say that they are, as alerts do', async () => {
    const monitoring = { rules: { runbookUrl: 'https://wiki.example.com/runbooks/' } };
    const boards = (await render({ values: { monitoring } })).filter(({ metadata }) =>
      metadata.name.includes('-dashboard-'),
    );
    for (const board of boards) {
      const text = JSON.stringify(board['data']);
      expect(text).toMatch(/\(https:\/\/wiki\.example\.com\/runbooks\/NexusMCP\w+\.md\)/);
      expect(text).not.toContain('github.com');
    }
  });

  it('is the file with the names of its set, and small enough for an annotation', async () => {
    const boards = (await render()).filter(({ metadata }) => metadata.name.includes('-dashboard-'));
    expect(boards).toHaveLength(4);
    for (const board of boards) {
      const [[file, content]] = Object.entries(board['data'] as object) as [[string, string]];
      const { uid, panels } = JSON.parse(content) as Readonly<Record<string, unknown>>;
      const plain = JSON.parse(
        read(`dashboards/${file.replace('tools.nexus-mcp-', 'nexus-mcp-')}`),
      ) as Readonly<Record<string, unknown>>;
      const [suffix = ''] = /-[0-9a-f]{12}$/.exec(uid as string) ?? [];
      expect(uid).toBe(`${plain['uid'] as string}${suffix}`);
      // Links lead to the runbooks of the release that the chart installs.
      const linked = JSON.stringify(plain['panels']).replaceAll(
        '/blob/main/',
        `/blob/v${packageJson.version}/`,
      );
      expect(JSON.stringify(panels).replaceAll(suffix, '')).toBe(linked);
      expect(content).not.toMatch(/@[a-z]+@/i);
      expect(content.length).toBeLessThan(200 * 1024);
    }
  });
});
