import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { onceARun } from './once-a-run.ts';

export const CHART = new URL('../../charts/nexus-mcp/', import.meta.url).pathname;

export type Values = Readonly<Record<string, unknown>>;

/** A Kubernetes object as the chart writes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface RenderOptions {
  readonly helm?: 'helm3' | 'helm4';
  readonly release?: string;
  readonly namespace?: string;
  /** Files below the chart's `ci/`. */
  readonly valuesFiles?: readonly string[];
  readonly values?: Values;
  /** Further arguments, such as `--set`. */
  readonly args?: readonly string[];
  /** Whether the cluster has the APIs of Prometheus Operator; default: yes. */
  readonly operator?: boolean;
  readonly kubeVersion?: string;
}

type Outcome =
  | { readonly ok: true; readonly text: string }
  /** What Helm complained. */
  | { readonly ok: false; readonly error: string };

const OPERATOR = ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'].map(
  (kind) => `monitoring.coreos.com/v1/${kind}`,
);
const execute = promisify(execFile);
const outcomes = new Map<string, Promise<Outcome>>();

/** Without collecting garbage, which a process of a moment need not, Helm takes three quarters of the time. */
const env = { ...process.env, GOGC: 'off' };

/** What all files of the chart are: outcomes are of them. */
const chart = hash(
  'sha256',
  globSync('**/*.*', { cwd: CHART })
    .sort()
    .map((name) => name + readFileSync(join(CHART, name), 'utf8'))
    .join(),
);

/** Runs `helm template`. The same options are rendered once. */
export function template(options: RenderOptions = {}): Promise<Outcome> {
  const { operator = true, kubeVersion = '1.33.0' } = options;
  const apis = operator ? OPERATOR.flatMap((api) => ['--api-versions', api]) : [];
  return helm('template', options, [...apis, '--kube-version', kubeVersion]);
}

/** Runs a subcommand of Helm on the chart. */
export function helm(
  command: 'template' | 'lint' | 'install',
  {
    helm: tool = 'helm4',
    release = 'nexus-mcp',
    namespace = 'tools',
    valuesFiles = [],
    values = {},
    args = [],
  }: RenderOptions,
  more: readonly string[] = [],
): Promise<Outcome> {
  const names = command === 'lint' ? [CHART] : [release, CHART];
  const files = valuesFiles.flatMap((name) => ['--values', join(CHART, 'ci', name)]);
  const all = [command, ...names, '--namespace', namespace, ...files, '--values', '-', ...more, ...args];
  const input = stringify(values, { version: '1.1' });
  const key = JSON.stringify([tool, chart, all, input]);
  const outcome = outcomes.get(key) ?? onceARun(key, () => run(tool, all, input));
  outcomes.set(key, outcome);
  return outcome;
}

async function run(tool: 'helm3' | 'helm4', args: readonly string[], input: string): Promise<Outcome> {
  const command = (await provideKubernetesTools())[tool];
  const running = execute(command, args, { maxBuffer: 64 * 1024 * 1024, cwd: tmpdir(), env });
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }): Outcome => ({ ok: true, text: stdout }),
    (error: unknown): Outcome => ({ ok: false, error: (error as { stderr: string }).stderr }),
  );
}

/** What Helm complained, a line for each mistake; not that of a section in which there are several. Throws where it did not. */
export async function complaints(options: RenderOptions): Promise<readonly string[]> {
  const outcome = await template(options);
  if (outcome.ok) throw new Error('was accepted');
  const lines = outcome.error.split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('- ') && !line.endsWith(': validation failed'));
}

/** The objects of a rendering, which all who render the same share: they must not change. Throws what Helm complained. */
export async function render(options: RenderOptions = {}): Promise<readonly Manifest[]> {
  const outcome = await template(options);
  if (!outcome.ok) throw new Error(outcome.error);
  return readManifests(outcome.text);
}

/** Those on a cluster without Prometheus Operator, whose own take Helm nearly half of its time. */
export const renderPlain = (options: RenderOptions = {}): Promise<readonly Manifest[]> =>
  render({ ...options, operator: false });

const read = new Map<string, readonly Manifest[]>();

/** The objects of a text. Throws on a key that stands twice. What most renderings have in common is read once. */
export const readManifests = (text: string): readonly Manifest[] =>
  text.split(/^---$/m).flatMap((document) => {
    const manifests = read.get(document) ?? readDocuments(document);
    read.set(document, manifests);
    return manifests;
  });

const readDocuments = (text: string): readonly Manifest[] =>
  parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.contents === null ? [] : [document.toJS() as Manifest];
  });

/** The kinds of objects, in order. */
export const kindsOf = (manifests: readonly Manifest[]): readonly string[] =>
  manifests.map(({ kind }) => kind);

/** The one object of a kind, and of a name where there are several. */
export function one(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter(
    (some) => some.kind === kind && (name ?? some.metadata.name) === some.metadata.name,
  );
  const [first] = found;
  if (!first || found.length > 1) throw new Error(`there are ${found.length} objects ${kind} ${name ?? ''}`);
  return first;
}

/** The files in a volume of the server's pods, which the ConfigMap has that the volume names. */
export function mounted(manifests: readonly Manifest[], volume = 'config'): Readonly<Record<string, string>> {
  const volumes = at<readonly { readonly name: string; readonly configMap?: { readonly name: string } }[]>(
    one(manifests, 'Deployment'),
    'spec.template.spec.volumes',
  );
  const { configMap } = volumes.find(({ name }) => name === volume) ?? {};
  return at(one(manifests, 'ConfigMap', configMap?.name ?? ''), 'data');
}

/** What stands at a path such as `spec.ports.0.name`, as the type that the caller knows it has. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- spares a cast at each use
export function at<T>(object: unknown, path: string): T {
  const value = path
    .split('.')
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], object);
  return value as T;
}
