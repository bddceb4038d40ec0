import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { ClientPod } from './client-pod.ts';
import { apply, getFromPod, kubectl, makeNamespace, objects } from './cluster.ts';
import type { Notified } from './in-pod/receiver.ts';

const EXAMPLE = new URL('../../k8s/examples/alertmanagerconfig.yaml', import.meta.url);
/** Of namespaces whose monitors and rules are taken. */
const WATCHED_BY = 'nexus-test-watched-by';
const READ = ['get', 'list', 'watch'];
const SECURITY = {
  runAsNonRoot: true,
  runAsUser: 65534,
  fsGroup: 65534,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** An alert as Prometheus has it. */
export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
}
export interface Target {
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
}
export interface RuleGroup {
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

/** A Prometheus of Prometheus Operator, which may be several pods. */
export class OperatedPrometheus {
  readonly #namespace: string;
  readonly #name: string;

  constructor(namespace: string, name: string) {
    this.#namespace = namespace;
    this.#name = name;
  }

  pods = async (): Promise<readonly string[]> => {
    const pods = await objects(['pods', '-n', this.#namespace, '-l', `prometheus=${this.#name}`]);
    return pods.map(({ metadata }) => metadata.name);
  };

  /** Of each pod. */
  alerts = async (): Promise<readonly (readonly Alert[])[]> =>
    (await this.#ask<{ readonly alerts: readonly Alert[] }>('alerts')).map(({ alerts }) => alerts);

  targets = async (): Promise<readonly (readonly Target[])[]> =>
    (await this.#ask<{ readonly activeTargets: readonly Target[] }>('targets?state=active')).map(
      ({ activeTargets }) => activeTargets,
    );

  rules = async (): Promise<readonly (readonly RuleGroup[])[]> =>
    (await this.#ask<{ readonly groups: readonly RuleGroup[] }>('rules')).map(({ groups }) => groups);

  async #ask<Data>(path: string): Promise<readonly Data[]> {
    const answers = (await this.pods()).map((pod) =>
      getFromPod(this.#namespace, pod, 9090, `/api/v1/${path}`),
    );
    return (await Promise.all(answers)).map((text) => (JSON.parse(text) as { readonly data: Data }).data);
  }
}

/** Prometheus, Alertmanager and who is told, in a namespace of their own. */
export class Observability {
  readonly namespace: string;
  readonly #receiver: ClientPod;

  private constructor(namespace: string, receiver: ClientPod) {
    this.namespace = namespace;
    this.#receiver = receiver;
  }

  static async start(image: string): Promise<Observability> {
    const namespace = await makeNamespace('observability');
    const receiver = await ClientPod.start({ namespace, image, name: 'receiver', script: ['receiver.ts'] });
    await apply(
      namespace,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'receiver' },
        spec: { selector: { app: 'receiver' }, ports: [{ port: 8080 }] },
      },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'prometheus' } },
      {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'Alertmanager',
        metadata: { name: 'test' },
        spec: {
          ...(await imageOf('alertmanagers')),
          externalUrl: `http://alertmanager-operated.${namespace}.svc:9093`,
          securityContext: SECURITY,
          alertmanagerConfigSelector: {},
          alertmanagerConfigNamespaceSelector: { matchLabels: { [WATCHED_BY]: namespace } },
        },
      },
    );
    return new Observability(namespace, receiver);
  }

  /** @param spec such as how many replicas and shards, and which namespaces by a label besides */
  async startPrometheus(
    name: string,
    spec: { readonly replicas?: number; readonly shards?: number },
    watched: readonly string[],
  ): Promise<OperatedPrometheus> {
    const selector = { matchLabels: { [WATCHED_BY]: this.namespace, 'nexus-test-prometheus': name } };
    await apply(this.namespace, {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'Prometheus',
      metadata: { name },
      spec: {
        ...(await imageOf('prometheuses')),
        ...spec,
        serviceAccountName: 'prometheus',
        securityContext: SECURITY,
        resources: { requests: { memory: '100Mi' } },
        serviceMonitorSelector: {},
        serviceMonitorNamespaceSelector: selector,
        ruleSelector: {},
        ruleNamespaceSelector: selector,
        alerting: {
          alertmanagers: [
            { name: 'alertmanager-operated', namespace: this.namespace, port: 'web', apiVersion: 'v2' },
          ],
        },
      },
    });
    await this.#mayFindAlertmanager();
    await Promise.all(watched.map((namespace) => this.#watch(namespace, name)));
    return new OperatedPrometheus(this.namespace, name);
  }

  /** What has been sent so far, by the Alertmanager of its own: the cluster may have others that take every configuration. */
  async notified(): Promise<readonly Notified[]> {
    const all = (await this.#receiver.lines()).map((line) => JSON.parse(line) as Notified);
    return all.filter(({ sender }) => sender.includes(this.namespace));
  }

  #mayFindAlertmanager = (): Promise<void> => this.#mayRead(this.namespace);

  async #watch(namespace: string, prometheus: string): Promise<void> {
    const labels = [`${WATCHED_BY}=${this.namespace}`, `nexus-test-prometheus=${prometheus}`];
    await kubectl(['label', 'namespace', namespace, ...labels]);
    await this.#mayRead(namespace);
    const url = (path: string): string =>
      Buffer.from(`http://receiver.${this.namespace}.svc:8080/${path}`).toString('base64');
    await apply(
      namespace,
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'nexus-mcp-receivers' },
        data: { pages: url('pages'), tickets: url('tickets') },
      },
      alertmanagerConfig(namespace),
    );
  }

  async #mayRead(namespace: string): Promise<void> {
    const name = 'prometheus';
    await apply(
      namespace,
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name },
        rules: [
          { apiGroups: [''], resources: ['services', 'endpoints', 'pods'], verbs: READ },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
        ],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: this.namespace }],
      },
    );
  }
}

/** The example, which tells of tickets at once. */
function alertmanagerConfig(namespace: string): object {
  const example = parse(readFileSync(EXAMPLE, 'utf8')) as {
    readonly metadata: object;
    readonly spec: { readonly route: { readonly routes: readonly object[] } };
  };
  const { metadata, spec } = example;
  const routes = spec.route.routes.map((route) => ({ ...route, groupWait: '5s' }));
  return {
    ...example,
    metadata: { ...metadata, namespace },
    spec: { ...spec, route: { ...spec.route, groupWait: '5s', routes } },
  };
}

/** The image of one that is there: where nothing can be pulled, it is the one that can be had. Else the Operator's default. */
async function imageOf(resource: 'prometheuses' | 'alertmanagers'): Promise<object> {
  const all = await objects([`${resource}.monitoring.coreos.com`, '-A']);
  const images = all.map(({ spec }) => (spec as { readonly image?: string }).image);
  const image = images.find((each) => each !== undefined);
  return image === undefined ? {} : { image, version: image.split(':').at(-1) };
}
