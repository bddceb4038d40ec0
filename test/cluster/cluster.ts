import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';

/** What a command printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What it reads from stdin. */
  readonly input?: string;
}

/** An object as the cluster has it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Runs a program to its end; throws what it complained when it fails. */
export function run(
  command: string,
  args: readonly string[],
  { input = '' }: RunOptions = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error }));
      else resolve({ stdout, stderr });
    });
    // It may end without reading its input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Runs kubectl on the cluster that the kubeconfig names, and returns what it printed. */
export async function kubectl(args: readonly string[], options?: RunOptions): Promise<string> {
  const { kubectl: command } = await provideKubernetesTools();
  return (await run(command, args, options)).stdout;
}

/** Starts a program in a container, with its stdin open. */
export async function execute(
  namespace: string,
  pod: string,
  args: readonly string[],
): Promise<ChildProcessWithoutNullStreams> {
  const { kubectl: command } = await provideKubernetesTools();
  return spawn(command, ['exec', '-i', '-n', namespace, pod, '--', ...args]);
}

/** @returns the objects that kubectl's `get` selects; none where there is none */
export async function objects(args: readonly string[]): Promise<readonly KubernetesObject[]> {
  const text = await kubectl(['get', ...args, '--ignore-not-found', '-o', 'json']);
  if (text === '') return [];
  const parsed = JSON.parse(text) as KubernetesObject | { readonly items: readonly KubernetesObject[] };
  return 'items' in parsed ? parsed.items : [parsed];
}

/** Makes or changes objects, given as objects. */
export async function apply(namespace: string, ...manifests: readonly object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
  await kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], { input });
}

/** The answer of a pod's port to a GET, passed through the API server. */
export const getFromPod = (namespace: string, pod: string, port: number, path: string): Promise<string> =>
  kubectl(['get', '--raw', `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy${path}`]);

/** `kind.group`; of the core group, the kind alone. */
export const groupedKind = (kind: string, apiVersion: string): string =>
  apiVersion.includes('/') ? `${kind}.${apiVersion.replace(/\/.*/, '')}` : kind;

/** `kind.group` of all kinds that the cluster has. */
export async function kinds(): Promise<ReadonlySet<string>> {
  const lines = (await kubectl(['api-resources', '--no-headers'])).trim().split('\n');
  return new Set(
    lines.map((line) => {
      const [kind = '', , version = ''] = line.split(/\s+/).reverse();
      return groupedKind(kind, version);
    }),
  );
}

/** @param path as `kubectl explain` takes it, such as `pods.spec.hostUsers` */
export const hasField = (path: string): Promise<boolean> =>
  kubectl(['explain', path]).then(
    () => true,
    (error: unknown) => {
      if (String(error).includes('does not exist')) return false;
      throw error;
    },
  );

const made: string[] = [];

/** Makes a namespace under the restricted Pod Security Standard, which is deleted with all that is in it. */
export async function makeNamespace(purpose: string): Promise<string> {
  const name = `nexus-test-${purpose}-${randomBytes(3).toString('hex')}`;
  await kubectl(['create', 'namespace', name]);
  made.push(name);
  await kubectl(['label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted']);
  return name;
}

/** Deletes the namespaces that this file made. With `NEXUS_KEEP=1` they stay, to look at. */
export async function deleteNamespaces(): Promise<void> {
  const names = made.splice(0);
  if (names.length > 0 && process.env['NEXUS_KEEP'] !== '1')
    await kubectl(['delete', 'namespace', ...names, '--wait=false']);
}
