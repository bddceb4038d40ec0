import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test says of a Service; the rest is as it mostly is. */
export interface GivenService {
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly createdAt?: string;
  readonly spec?: object;
}

export const LABEL = { 'nexus-mcp.io/upstream': 'true' };

type Held = ReturnType<typeof serviceOf>;

/** A Service, as the API has it. */
export const serviceOf = (
  {
    namespace = 'tools',
    name,
    labels = LABEL,
    annotations,
    createdAt = '2026-11-01T00:00:00Z',
    spec,
  }: GivenService,
  resourceVersion = '1',
) => ({
  metadata: { namespace, name, labels, annotations, creationTimestamp: createdAt, resourceVersion },
  spec: {
    type: 'ClusterIP',
    clusterIP: '127.0.0.1',
    ports: [{ name: 'http', port: 8000, protocol: 'TCP' }],
    ...spec,
  },
});

interface Watcher {
  readonly namespace: string;
  readonly selector: string;
  readonly response: ServerResponse;
}

export type Kind = 'list' | 'watch';

/** The Kubernetes API as far as Services go, over real HTTP, in this process. */
export class KubernetesApi {
  /** What it was asked, in order. */
  readonly asked: {
    readonly kind: Kind;
    readonly namespace: string;
    readonly url: URL;
    readonly token: string;
    /** In milliseconds. */
    readonly at: number;
  }[] = [];
  /** Refuses requests of a kind with a status, as long as it is there. */
  readonly refuses = new Map<Kind, number>();
  /** What it wants who is refused to wait, in seconds. */
  retryAfter: number | undefined;
  /** The only token that it knows, where it does not take any. */
  knows: string | undefined;
  /** Begins a watch with an error of this code, as long as it is there. */
  watchError: number | undefined;
  /** Whether watchers hear of nothing, and their watches do not end. */
  isMute = false;
  /** Told of each page of a list that was sent. */
  sent: () => void = () => undefined;
  /** How long a page of a list takes, in milliseconds. */
  pageTakes = 0;
  /** Whether each page of a list says that there is another one. */
  isEndless = false;
  readonly #services = new Map<string, Held>();
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  #port = 0;
  #server = createServer((request, response) => {
    this.#answer(request, response);
  });

  /** Listens, again at the port where it listened before. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Goes away, and cuts all connections. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#server = createServer((request, response) => {
      this.#answer(request, response);
    });
  }

  count(kind: Kind): number {
    return this.asked.filter((each) => each.kind === kind).length;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Open connections. */
  connections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((_error, count) => {
        resolve(count);
      });
    });
  }

  /** Creates a Service, or changes it. */
  put(given: GivenService): void {
    this.#version += 1;
    const service = serviceOf(given, String(this.#version));
    const key = keyOf(service);
    const before = this.#services.get(key);
    this.#services.set(key, service);
    this.#tell(before, service);
  }

  remove(name: string, namespace = 'tools'): void {
    this.#version += 1;
    const before = this.#services.get(`${namespace}/${name}`);
    this.#services.delete(`${namespace}/${name}`);
    this.#tell(before, undefined);
  }

  /** Changes what nobody hears of who watches. */
  silently(change: () => void): void {
    const { isMute } = this;
    this.isMute = true;
    change();
    this.isMute = isMute;
  }

  /** Ends all watches as the API does at their time-out. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
  }

  /** Tells all watchers one thing. */
  say(event: object): void {
    for (const { response } of this.#watchers) response.write(`${JSON.stringify(event)}\n`);
  }

  /** A kubeconfig that leads here. */
  kubeconfig(
    user: object = { token: 'a-token' },
    namespace = 'tools',
    path = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config'),
  ): string {
    const server = `http://127.0.0.1:${this.#port}`;
    writeFileSync(
      path,
      JSON.stringify({
        'current-context': 'here',
        contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace } }],
        clusters: [{ name: 'here', cluster: { server, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'me', user }],
      }),
    );
    return path;
  }

  #tell(before: Held | undefined, after: Held | undefined): void {
    if (this.isMute) return;
    for (const { namespace, selector, response } of this.#watchers) {
      const [was, is] = [before, after].map(
        (each) => each?.metadata.namespace === namespace && isSelected(each, selector),
      );
      const type = is ? (was ? 'MODIFIED' : 'ADDED') : was ? 'DELETED' : undefined;
      if (type !== undefined) response.write(`${JSON.stringify({ type, object: after ?? before })}\n`);
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const namespace = /^\/api\/v1\/namespaces\/([^/]+)\/services$/.exec(url.pathname)?.[1] ?? '';
    const kind = url.searchParams.get('watch') === 'true' ? 'watch' : 'list';
    this.asked.push({
      kind,
      namespace,
      url,
      token: request.headers.authorization ?? '',
      at: performance.now(),
    });
    const isKnown = this.knows === undefined || request.headers.authorization === `Bearer ${this.knows}`;
    const status = isKnown ? (this.refuses.get(kind) ?? (namespace === '' ? 404 : 200)) : 401;
    if (this.retryAfter !== undefined) response.setHeader('retry-after', this.retryAfter);
    response.writeHead(status, { 'content-type': 'application/json' });
    if (status !== 200) response.end(JSON.stringify(statusOf(status)));
    else if (kind === 'watch') this.#watch(namespace, url, response);
    else
      setTimeout(() => {
        response.end(JSON.stringify(this.#list(namespace, url)));
        this.sent();
      }, this.pageTakes);
  }

  #list(namespace: string, { searchParams }: URL): object {
    const selector = searchParams.get('labelSelector') ?? '';
    const from = Number(searchParams.get('continue') ?? 0);
    const limit = Number(searchParams.get('limit') ?? Infinity);
    const all = [...this.#services.values()].filter(
      (each) => each.metadata.namespace === namespace && isSelected(each, selector),
    );
    const next = this.isEndless || from + limit < all.length ? { continue: String(from + limit) } : {};
    return {
      kind: 'ServiceList',
      metadata: { resourceVersion: String(this.#version), ...next },
      items: all.slice(from, from + limit),
    };
  }

  #watch(namespace: string, { searchParams }: URL, response: ServerResponse): void {
    response.flushHeaders();
    if (this.watchError !== undefined) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(this.watchError) })}\n`);
      return;
    }
    const watcher = { namespace, selector: searchParams.get('labelSelector') ?? '', response };
    this.#watchers.add(watcher);
    const end = setTimeout(
      () => {
        if (!this.isMute) response.end();
      },
      Number(searchParams.get('timeoutSeconds')) * 1000,
    );
    response.on('close', () => {
      clearTimeout(end);
      this.#watchers.delete(watcher);
    });
  }
}

const keyOf = ({ metadata }: Held): string => `${metadata.namespace}/${metadata.name}`;

const statusOf = (code: number) => ({ kind: 'Status', code, message: `the API says ${code}` });

/** Selectors of the kind `label=value`. */
function isSelected({ metadata }: Held, selector: string): boolean {
  const [label = '', value] = selector.split('=');
  return metadata.labels[label] === value;
}
