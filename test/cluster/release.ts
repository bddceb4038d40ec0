import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { CHART, readManifests, type Manifest, type Values } from '../chart/helm.ts';
import { kubectl, objects, run, type KubernetesObject, type Output } from './cluster.ts';

export type HelmVersion = 'helm3' | 'helm4';

export interface ReleaseOptions {
  readonly namespace: string;
  readonly name?: string;
  readonly helm?: HelmVersion;
  /** Default: this one. */
  readonly chart?: string;
}

/** How Helm is to take values. */
export interface Given {
  /** A file below the chart's `ci/`. */
  readonly file?: string;
  readonly values?: Values;
  /** Whether to wait until the pods are ready; default: yes. */
  readonly wait?: boolean;
}

/** A release of the chart, as its user would install it. */
export class Release {
  readonly namespace: string;
  readonly name: string;
  readonly #helm: HelmVersion;
  chart: string;

  constructor({ namespace, name = 'nexus-mcp', helm = 'helm4', chart = CHART }: ReleaseOptions) {
    this.namespace = namespace;
    this.name = name;
    this.#helm = helm;
    this.chart = chart;
  }

  install = (given?: Given): Promise<Output> => this.#apply('install', given);

  upgrade = (given?: Given): Promise<Output> => this.#apply('upgrade', given);

  rollback = (revision: number): Promise<Output> =>
    this.#run(['rollback', this.name, String(revision), '--wait', '--timeout', '5m']);

  uninstall = (): Promise<Output> => this.#run(['uninstall', this.name, '--wait', '--timeout', '5m']);

  test = (): Promise<Output> => this.#run(['test', this.name, '--logs', '--timeout', '3m']);

  /** What Helm says that it has put into the cluster. */
  async manifests(): Promise<readonly Manifest[]> {
    return readManifests((await this.#run(['get', 'manifest', this.name])).stdout);
  }

  /** Those objects, as the cluster has them. */
  async objects(): Promise<readonly KubernetesObject[]> {
    const found = await Promise.all(
      (await this.manifests()).map(({ kind, apiVersion, metadata }) => {
        const [version = '', group] = apiVersion.split('/').reverse();
        const resource = group ? `${kind}.${version}.${group}` : kind;
        return objects([resource, metadata.name, '-n', metadata.namespace ?? this.namespace]);
      }),
    );
    return found.flat();
  }

  /** What tells whether an object was changed, by its name. */
  async versions(): Promise<Readonly<Record<string, string>>> {
    const all = await this.objects();
    return Object.fromEntries(
      all.map((each) => [
        `${each.kind} ${each.metadata.namespace ?? ''}/${each.metadata.name}`,
        // What controllers write, such as a status, raises only the resource version.
        `${each.metadata.uid} ${isScaled(each) ? contentOf(each) : (each.metadata.generation ?? contentOf(each))}`,
      ]),
    );
  }

  /** The names of the pods that run it. */
  async pods(): Promise<readonly string[]> {
    const pods = await objects(['pods', '-n', this.namespace, '-l', this.#selector('server')]);
    return living(pods).map(({ metadata }) => metadata.name);
  }

  /** `kind/name` of all that carries its labels in a namespace, and does not end. */
  async left(namespace: string): Promise<readonly string[]> {
    const resources = (
      await kubectl(['api-resources', '--verbs=list,delete', '--namespaced', '-o', 'name'])
    ).trim();
    const kinds = resources.split('\n').filter((name) => !/^events\b|\.metrics\.k8s\.io$/.test(name));
    const all = await objects([
      ...[kinds.join(), '-n', namespace],
      ...['-l', `app.kubernetes.io/instance=${this.name}`],
    ]);
    return living(all).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  }

  /** Runs kubectl's `rollout status` until the Deployment is as it should be. */
  async rolledOut(): Promise<void> {
    await kubectl(['rollout', 'status', `deployment/${this.name}`, '-n', this.namespace, '--timeout', '5m']);
  }

  #selector = (component: string): string =>
    `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=${component}`;

  #apply(command: 'install' | 'upgrade', { file, values = {}, wait = true }: Given = {}): Promise<Output> {
    const files = file ? ['--values', join(CHART, 'ci', file)] : [];
    const waiting = wait ? ['--wait', '--timeout', '5m'] : [];
    return this.#run(
      [command, this.name, this.chart, ...files, '--values', '-', ...waiting],
      stringify(values, { version: '1.1' }),
    );
  }

  async #run(args: readonly string[], input = ''): Promise<Output> {
    const tools = await provideKubernetesTools();
    return run(tools[this.#helm], [...args, '--namespace', this.namespace], { input });
  }
}

const living = (all: readonly KubernetesObject[]): readonly KubernetesObject[] =>
  all.filter(({ metadata }) => !metadata.deletionTimestamp);

/** Of an object without a generation. */
/** Whether an autoscaler may write into it, which raises its generation. */
const isScaled = ({ kind }: KubernetesObject): boolean => kind === 'Deployment';

function contentOf({ metadata, status: _status, ...content }: KubernetesObject): string {
  const text = JSON.stringify([metadata.labels, content], (key, value: unknown) =>
    key === 'replicas' ? undefined : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
