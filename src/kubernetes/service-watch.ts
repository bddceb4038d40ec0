import { connectApi, type Api } from './api.ts';
import type { KubernetesFailure } from './failure.ts';
import type { Verb } from './labels.ts';
import { NamespaceWatch } from './namespace-watch.ts';
import { WATCH_PACE, type WatchPace } from './watch-pace.ts';
import type { Service } from './service.ts';

export interface ServiceWatchOptions {
  /** A file that says where the API is and who asks it; left out, what pods are told by their ServiceAccount. */
  readonly kubeconfig: string | undefined;
  /** Empty for the pod's own. */
  readonly namespaces: readonly string[];
  readonly labelSelector: string;
  /** The annotations that are kept. */
  readonly annotations: readonly string[];
  /** Default: as is good for the API. */
  readonly pace: Partial<WatchPace>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told of the Services there are now, at most once a second; first when each namespace was listed, or could not be. */
  readonly changed: (services: readonly Service[]) => void;
  /** Told of each list and watch that succeeded, of each failure, and of which namespace; empty for the pod's own. */
  readonly succeeded: (verb: Verb, namespace: string) => void;
  readonly failed: (failure: KubernetesFailure, verb: Verb, namespace: string) => void;
}

const CHANGED_AT_MOST_SECONDS = 1;

/** The Services that have a label, in some namespaces. */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  readonly #watches: readonly NamespaceWatch[];
  /** Those that have not been asked for yet. */
  readonly #untried: Set<string>;
  #api: Promise<Api> | undefined;
  #toldAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    const { namespaces, pace, succeeded, failed } = options;
    const all = namespaces.length === 0 ? [''] : [...new Set(namespaces)];
    this.#untried = new Set(all);
    this.#watches = all.map(
      (namespace) =>
        new NamespaceWatch({
          ...options,
          namespace,
          pace: { ...WATCH_PACE, ...pace },
          api: () => this.#connect(),
          listed: () => {
            this.#untried.delete(namespace);
            succeeded('list', namespace);
          },
          watched: () => {
            succeeded('watch', namespace);
          },
          changed: () => {
            this.#changed();
          },
          failed: (failure, verb) => {
            // Who asks, and where, may be written down anew by now.
            if (failure.reason === 'unauthorized' || failure.reason === 'unreachable') this.#api = undefined;
            failed(failure, verb, namespace);
            if (this.#untried.delete(namespace)) this.#changed();
          },
        }),
    );
  }

  /** Seconds since all Services were last listed; of several namespaces, in the one where that is longest ago. */
  get age(): number {
    return Math.max(...this.#watches.map(({ age }) => age));
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  /** Nothing is told after it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  /** One for all; what could not be told, or is of no use any more, is found out anew. */
  #connect(): Promise<Api> {
    this.#api ??= connectApi(this.#options.kubeconfig).catch((error: unknown) => {
      this.#api = undefined;
      throw error;
    });
    return this.#api;
  }

  #changed(): void {
    const { now, changed } = this.#options;
    if (this.#isStopped || this.#untried.size > 0 || this.#timer) return;
    const wait = Math.max(0, this.#toldAt + CHANGED_AT_MOST_SECONDS - now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#toldAt = now();
      changed(this.#watches.flatMap((watch) => [...watch.services]));
    }, wait * 1000);
  }
}
