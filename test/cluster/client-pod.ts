import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { apply, execute, kubectl } from './cluster.ts';
import type { Outcome } from './in-pod/load.ts';

const SCRIPTS = new URL('in-pod/', import.meta.url);
const FOLDER = '/app/in-pod';
const WAITS = 'setInterval(() => undefined, 2 ** 30)';

export interface ClientPodOptions {
  readonly namespace: string;
  /** The image of the server, which has Node and the SDK. */
  readonly image: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** A script of `in-pod/` that runs in it, and its arguments; default: none, it waits to be told. */
  readonly script?: readonly [file: string, ...args: readonly string[]];
}

/** A pod in the cluster that calls servers as clients do. */
export class ClientPod {
  readonly namespace: string;
  readonly name: string;

  private constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  static async start({
    namespace,
    image,
    name = 'client',
    labels = {},
    script,
  }: ClientPodOptions): Promise<ClientPod> {
    const files = readdirSync(SCRIPTS);
    const data = Object.fromEntries(
      files.map((file) => [file, readFileSync(new URL(file, SCRIPTS), 'utf8')]),
    );
    const container = {
      name: 'client',
      image,
      imagePullPolicy: 'IfNotPresent',
      command: script ? ['node', `${FOLDER}/${script[0]}`, ...script.slice(1)] : ['node', '-e', WAITS],
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      },
      // A client that a busy node starves takes too long to send what it began, and finds its connections closed.
      resources: { requests: { cpu: '200m', memory: '96Mi' } },
      volumeMounts: [{ name: 'scripts', mountPath: FOLDER }],
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels: { app: name, ...labels } },
      spec: {
        containers: [container],
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        volumes: [{ name: 'scripts', configMap: { name } }],
      },
    };
    await apply(namespace, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }, pod);
    await kubectl(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=3m']);
    return new ClientPod(namespace, name);
  }

  /** Runs a script of `in-pod/` to its end, and returns what it printed. */
  run = (script: string, ...args: readonly string[]): Promise<string> =>
    kubectl(['exec', '-n', this.namespace, this.name, '--', 'node', `${FOLDER}/${script}`, ...args]);

  /** The lines that its script has printed. */
  async lines(): Promise<readonly string[]> {
    const printed = await kubectl(['logs', '-n', this.namespace, this.name]);
    return printed.split('\n').filter((line) => line !== '');
  }

  /**
   * Calls a server in all ways that clients do, while something happens to it.
   * @returns what became of the calls
   */
  async during(url: string, happens: () => Promise<unknown>): Promise<Outcome> {
    const child = await execute(this.namespace, this.name, ['node', `${FOLDER}/load.ts`, url]);
    const complaint = text(child.stderr);
    const ended = once(child, 'close');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const line = await lines.next();
      if (line.done) throw new Error(`the load ended: ${await complaint}`);
      return line.value;
    };
    await next();
    try {
      await happens();
    } finally {
      child.stdin.end();
    }
    const outcome = JSON.parse(await next()) as Outcome;
    await ended;
    return outcome;
  }
}
