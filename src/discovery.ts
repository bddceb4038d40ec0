import { resolve } from 'node:path';
import type { Settings } from './config/settings.ts';
import { chooseUpstreams, OWN_ANNOTATIONS, type Chosen } from './found-upstreams.ts';
import { loadClient } from './kubernetes/api.ts';
import type { KubernetesFailure } from './kubernetes/failure.ts';
import type { Verb } from './kubernetes/labels.ts';
import type { WatchPace } from './kubernetes/watch-pace.ts';
import type { Service } from './kubernetes/service.ts';
import { ServiceWatch } from './kubernetes/service-watch.ts';
import type { Logger } from './monitoring/logging.ts';
import type { UpstreamRecorder } from './monitoring/metrics/upstream-recorder.ts';
import type { DiscoveryReport, RefusedService, ServiceOutcome } from './upstream/labels.ts';
import type { UpstreamSpec } from './upstream/upstream.ts';

export interface DiscoveryOptions {
  readonly settings: Settings;
  /** What relative paths in the settings start from. */
  readonly directory: string;
  /** Names that no upstream may have that is found. */
  readonly taken: ReadonlySet<string>;
  /** What the names of tools of the upstreams in the settings begin with. */
  readonly prefixes: readonly string[];
  readonly recorder: UpstreamRecorder;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  readonly pace: Partial<WatchPace>;
  /** Told of the upstreams that are found, whenever they may have changed. */
  readonly found: (specs: readonly UpstreamSpec[]) => void;
}

/** How many of those that are refused are told. */
const SHOWN = 20;

/** So many of them the log names, at most, in so many seconds. */
const NAMED = 20;
const NAMED_SECONDS = 10;

const NONE: ReadonlySet<string> = new Set();
const NOTHING: Chosen = { specs: [], refused: [] };

/** Finds upstreams among the Services of Kubernetes, and says how well that goes. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #watch: ServiceWatch;
  readonly #startedAt: number;
  #chosen = NOTHING;
  /** Those that the log has named, of those that are refused now; and how many of them since when. */
  #named: ReadonlySet<string> = NONE;
  #namedSince = -Infinity;
  #namedLately = 0;
  /** Why a namespace cannot be asked something, by what and which. */
  readonly #problems = new Map<string, KubernetesFailure>();

  constructor(options: DiscoveryOptions) {
    const { settings, directory, recorder, now, unixTime, pace } = options;
    const { kubeconfig, resyncSeconds, ...discovery } = settings.discovery;
    this.#options = options;
    this.#startedAt = now();
    this.#watch = new ServiceWatch({
      kubeconfig: kubeconfig === undefined ? undefined : resolve(directory, kubeconfig),
      namespaces: discovery.namespaces,
      labelSelector: discovery.labelSelector,
      annotations: OWN_ANNOTATIONS,
      pace: { resync: resyncSeconds, ...pace },
      now,
      random: Math.random,
      changed: (services) => {
        this.#choose(services);
      },
      succeeded: (verb, namespace) => {
        this.#succeeded(verb, namespace);
      },
      failed: (failure, verb, namespace) => {
        this.#failed(failure, verb, namespace);
      },
    });
    recorder.bindLastSync(() => unixTime() - this.#age);
    this.#count(NOTHING);
  }

  /** Loads what it needs: that takes a moment in which nothing else is done. */
  async prepare(): Promise<void> {
    await loadClient();
  }

  /** Begins to look; waits for nothing. */
  start(): void {
    this.#watch.start();
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  report(): DiscoveryReport {
    const { specs, refused } = this.#chosen;
    // That changes are not told of matters less than that nothing is.
    const [problem] = [...this.#problems].sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      upstreams: specs.length,
      refused: refused.slice(0, SHOWN),
      refused_count: refused.length,
      age_seconds: this.#age,
      why: problem?.[1].message ?? '',
    };
  }

  get #age(): number {
    return Math.min(this.#watch.age, this.#options.now() - this.#startedAt);
  }

  #choose(services: readonly Service[]): void {
    const { settings, taken, prefixes, found } = this.#options;
    const { discovery, limits, server } = settings;
    const chosen = chooseUpstreams(services, {
      taken,
      prefixes,
      ownHosts: server.allowedHosts,
      most: discovery.maxUpstreams,
      timeoutSeconds: discovery.timeoutSeconds ?? limits.toolTimeoutSeconds,
      maxConcurrency: discovery.maxConcurrency ?? limits.toolConcurrency,
    });
    this.#chosen = chosen;
    this.#tell(chosen.refused);
    this.#count(chosen);
    found(chosen.specs);
  }

  /** Names in the log those that it has not named; where they are too many, the others when they are looked at later. */
  #tell(refused: readonly RefusedService[]): void {
    const { logger, now } = this.#options;
    if (now() - this.#namedSince >= NAMED_SECONDS) {
      this.#namedSince = now();
      this.#namedLately = 0;
    }
    const fresh = refused.filter((each) => !this.#named.has(keyOf(each)));
    const named = fresh.slice(0, Math.max(0, NAMED - this.#namedLately));
    for (const each of named) logger.warn(each, 'a Service with the label is no upstream');
    this.#namedLately += named.length;
    const more = fresh.length - named.length;
    if (more > 0 && this.#namedLately <= NAMED) {
      logger.warn({ more }, 'more Services with the label are no upstreams');
      this.#namedLately += 1;
    }
    const keys = new Set(named.map(keyOf));
    this.#named = new Set(refused.map(keyOf).filter((key) => this.#named.has(key) || keys.has(key)));
  }

  #count({ specs, refused }: Chosen): void {
    const of = (outcome: ServiceOutcome): number => refused.filter((each) => each.outcome === outcome).length;
    this.#options.recorder.services({
      upstream: specs.length,
      own: of('own'),
      address: of('address'),
      port: of('port'),
      annotation: of('annotation'),
      name: of('name'),
      name_taken: of('name_taken'),
      limit: of('limit'),
    });
  }

  #succeeded(verb: Verb, namespace: string): void {
    if (this.#problems.delete(`${verb} ${namespace}`))
      this.#options.logger.info({ namespace }, SAID[verb].again);
  }

  #failed(failure: KubernetesFailure, verb: Verb, namespace: string): void {
    const { recorder, logger } = this.#options;
    const { reason, message } = failure;
    const key = `${verb} ${namespace}`;
    recorder.discoveryFailed(reason);
    const isKnown = this.#problems.get(key)?.reason === reason;
    this.#problems.set(key, failure);
    // Each is counted; one line of the log tells until something else is wrong.
    if (!isKnown) logger.warn({ namespace, reason, why: message }, SAID[verb].not);
  }
}

/** What the log says of a namespace when it cannot be asked, and when it can again. */
const SAID = {
  list: {
    not: 'the Kubernetes API does not list the Services; the known upstreams stay',
    again: 'the Kubernetes API lists the Services again',
  },
  watch: {
    not: 'the Kubernetes API does not report changes of Services; the next full list will show them',
    again: 'the Kubernetes API reports changes of Services again',
  },
} as const;

const keyOf = ({ service, why }: RefusedService): string => `${service} ${why}`;
