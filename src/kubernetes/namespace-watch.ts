import { textOf, type Api } from './api.ts';
import { asFailure, forbidden, KubernetesFailure, refusal } from './failure.ts';
import { fieldsOf, linesOf, parse, textIn } from './json.ts';
import type { Verb } from './labels.ts';
import { readService, type Service } from './service.ts';
import type { WatchPace } from './watch-pace.ts';

/** A watch that ends sooner, in seconds, is tried again as one that failed. */
const SHORT_WATCH = 10;

/** Most Services of a namespace; where more are found, the last set is kept. */
const MAX_SERVICES = 1000;

/** Of one page, and how large one may be, in bytes: so many objects of the largest there are fit into it. */
const PAGE = 20;
const MAX_PAGE_BYTES = 33_554_432;

/** Of a list: so many as the most Services have, and some, because a page may be short. */
const MAX_PAGES = MAX_SERVICES / PAGE + 10;

export interface NamespaceWatchOptions {
  readonly api: () => Promise<Api>;
  /** Empty for the pod's own. */
  readonly namespace: string;
  readonly labelSelector: string;
  /** The annotations that are kept. */
  readonly annotations: readonly string[];
  readonly pace: WatchPace;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told when Services came, changed or went. */
  readonly changed: () => void;
  /** Told of each list, before; of each watch that has begun; and of what failed. */
  readonly listed: () => void;
  readonly watched: () => void;
  readonly failed: (failure: KubernetesFailure, verb: Verb) => void;
}

/**
 * Keeps the Services of a namespace: lists them, hears of changes until the next list is due, and lists them again. Whatever fails,
 * what was last known stays, and is tried again.
 */
export class NamespaceWatch {
  readonly #options: NamespaceWatchOptions;
  readonly #stop = new AbortController();
  /** By name. */
  #services = new Map<string, Service>();
  /** What it is asking, and where. */
  #verb: Verb = 'list';
  #namespace = '';
  #listedAt = -Infinity;
  #listDueAt = -Infinity;
  /** From where changes are watched; missing before a list, and when that is too old. */
  #version: string | undefined;
  #failuresInARow = 0;
  /** Before it the API does not want to be asked. */
  #notBefore = -Infinity;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: NamespaceWatchOptions) {
    this.#options = options;
  }

  get services(): Iterable<Service> {
    return this.#services.values();
  }

  /** Seconds since all of them were last listed. */
  get age(): number {
    return this.#options.now() - this.#listedAt;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Ends what is being asked; nothing is told after it. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.#ended;
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#ask().catch((error: unknown) => {
        this.#fail(error);
      });
      await sleep(this.#pause(), this.#stop.signal);
    }
  }

  #fail(error: unknown): void {
    // What is asked ends with an error then, too.
    if (this.#isStopped) return;
    const { now, pace, failed } = this.#options;
    const failure = asFailure(error);
    this.#failuresInARow += 1;
    this.#notBefore = now() + Math.min(failure.retryAfter, pace.retryAfterAtMost);
    if (failure.reason === 'gone') this.#version = undefined;
    failed(
      failure.reason === 'forbidden' ? forbidden(this.#verb, this.#namespace, failure) : failure,
      this.#verb,
    );
  }

  /** Lists, or watches until the next list is due. */
  async #ask(): Promise<void> {
    const { now, api } = this.#options;
    const version = this.#listDueAt <= now() ? undefined : this.#version;
    this.#verb = version === undefined ? 'list' : 'watch';
    if (version === undefined) {
      await this.#list(await api());
      return;
    }
    const since = now();
    await this.#watch(await api(), version);
    if (now() - since < SHORT_WATCH && this.#listDueAt > now()) this.#failuresInARow += 1;
    else this.#failuresInARow = 0;
  }

  /** Seconds until it is asked again. */
  #pause(): number {
    return Math.max(this.#dueIn(), this.#notBefore - this.#options.now());
  }

  #dueIn(): number {
    const { now, random, pace } = this.#options;
    const failures = this.#failuresInARow;
    const again =
      failures === 0
        ? 0
        : Math.min(pace.againAtMost, pace.again * 2 ** (failures - 1)) * (0.5 + random() / 2);
    // A list that is due waits for no watch that fails.
    if (this.#version !== undefined && this.#listDueAt > now())
      return Math.min(again, this.#listDueAt - now());
    return Math.max(again, this.#listedAt + pace.listAtLeast - now());
  }

  #path({ namespace: own }: Api): string {
    const namespace = this.#options.namespace || own;
    if (namespace === '')
      throw new KubernetesFailure(
        'other',
        'the namespace of this pod is not known: set discovery.namespaces',
      );
    this.#namespace = namespace;
    return `/api/v1/namespaces/${encodeURIComponent(namespace)}/services`;
  }

  /** A signal that ends a request after some time, or when nobody wants it any more. */
  #within(seconds: number): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(Math.ceil(seconds * 1000))]);
  }

  /** Reads all pages of the list. */
  async #list(api: Api): Promise<void> {
    const { labelSelector, annotations, now, random, pace } = this.#options;
    const services = new Map<string, Service>();
    let version = '';
    let next = '';
    let pages = 0;
    do {
      pages += 1;
      if (pages > MAX_PAGES)
        throw new KubernetesFailure('other', `its list has more than ${MAX_PAGES} pages of ${PAGE}`);
      const signal = this.#within(pace.patience);
      const query = { labelSelector, limit: String(PAGE), ...(next !== '' && { continue: next }) };
      const page = parse(await textOf(api.read(this.#path(api), query, signal), MAX_PAGE_BYTES));
      const about = fieldsOf(page['metadata']);
      for (const item of Array.isArray(page['items']) ? (page['items'] as unknown[]) : []) {
        const service = readService(item, annotations);
        if (service) services.set(service.name, service);
      }
      if (services.size > MAX_SERVICES) throw tooMany();
      version = textIn(about['resourceVersion']);
      next = textIn(about['continue']);
    } while (next !== '');
    if (version === '') throw new KubernetesFailure('other', 'its answer is no list of Kubernetes');
    // Its last page may have been there already when that ended the rest.
    this.#stop.signal.throwIfAborted();
    this.#services = services;
    this.#version = version;
    this.#listedAt = now();
    // A tenth more or less, so that not all replicas ask at once.
    this.#listDueAt = now() + pace.resync * (0.9 + 0.2 * random());
    this.#failuresInARow = 0;
    this.#options.listed();
    this.#options.changed();
  }

  /** Hears of changes until the next list is due, or the API ends the watch. A silent one is ended, too. */
  async #watch(api: Api, version: string): Promise<void> {
    const { labelSelector, now, pace, watched } = this.#options;
    const seconds = this.#listDueAt - now();
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      labelSelector,
      timeoutSeconds: String(Math.max(1, Math.ceil(seconds))),
    };
    const due = AbortSignal.timeout(Math.ceil((seconds + pace.patience) * 1000));
    const ended = AbortSignal.any([this.#stop.signal, due]);
    const chunks = api.read(this.#path(api), query, ended, watched);
    try {
      for await (const line of linesOf(chunks)) {
        this.#stop.signal.throwIfAborted();
        if (line !== '') this.#take(parse(line));
      }
    } catch (error) {
      // The next list tells whether anything was missed.
      if (!due.aborted) throw error;
    }
  }

  /** Takes an event of a watch. */
  #take({ type, object }: Readonly<Record<string, unknown>>): void {
    const about = fieldsOf(object);
    if (type === 'ERROR')
      throw refusal(typeof about['code'] === 'number' ? about['code'] : 500, textIn(about['message']));
    this.#version = textIn(fieldsOf(about['metadata'])['resourceVersion']) || this.#version;
    const service = type === 'BOOKMARK' ? undefined : readService(object, this.#options.annotations);
    if (!service) return;
    if (type === 'DELETED') this.#services.delete(service.name);
    else this.#services.set(service.name, service);
    if (this.#services.size > MAX_SERVICES) {
      this.#version = undefined;
      throw tooMany();
    }
    this.#options.changed();
  }
}

const tooMany = (): KubernetesFailure =>
  new KubernetesFailure('other', `more than ${MAX_SERVICES} Services of a namespace have the label`);

/** Waits for some seconds, or until a signal aborts. */
function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  if (seconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done);
  });
}
