import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Settings } from './config/settings.ts';
import { readText } from './config/read-yaml.ts';
import { loadUpstreams as readFiles } from './config/upstream-files.ts';
import type { UpstreamSettings } from './config/upstream-settings.ts';
import type { Discovery, DiscoveryOptions } from './discovery.ts';
import type { WatchPace } from './kubernetes/watch-pace.ts';
import type { Audit } from './monitoring/audit/audit.ts';
import type { Logger } from './monitoring/logging.ts';
import type { Recorder } from './monitoring/metrics/recorder.ts';
import type { Catalogue } from './tools/catalogue.ts';
import type { RelayEnvironment } from './upstream/relay/relay.ts';
import type { Pace } from './upstream/supervisor.ts';
import type { DiscoveryReport } from './upstream/labels.ts';
import type { Upstreams } from './upstream/upstreams.ts';

/** The other MCP servers whose tools are offered. */
export interface UpstreamsHandle extends Pick<
  Upstreams,
  'report' | 'hints' | 'relay' | 'acceptNone' | 'endRelays' | 'stop'
> {
  readonly names: () => readonly string[];
  /** Loads what else is needed, so that nothing is held up by that later. */
  readonly prepare: () => Promise<void>;
  /** Begins to connect to them, and to look for more; waits for none. */
  readonly start: () => void;
  /** How finding them goes; `undefined` where nobody looks for any. */
  readonly discovery: () => DiscoveryReport | undefined;
}

/** What relays to upstreams need besides the settings. */
type Relaying = Pick<RelayEnvironment, 'door' | 'tracing' | 'executor' | 'seal'>;

interface Joining extends Relaying {
  /** With it URLs are hashed for audit events. */
  readonly hashKey: Uint8Array;
}

/** When upstreams are asked and looked for. */
export interface Paces {
  /** When upstreams are looked at. Default: as is good for them. */
  readonly upstreamPace?: Partial<Pace>;
  /** When the Kubernetes API is asked for them. Default: as is good for it. */
  readonly discoveryPace?: Partial<WatchPace>;
}

interface Surroundings extends Paces {
  readonly logger: Logger;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  readonly version: string;
  readonly audit: Pick<Audit, 'changed' | 'sessionOpened'> | undefined;
}

type Loaded =
  | {
      readonly ok: true;
      /**
       * Puts them beside the tools of a catalogue; `undefined` where there can be none.
       * @param taken names that are those of tools or toolsets
       */
      readonly join: (
        catalogue: Catalogue,
        recorder: Recorder,
        taken: ReadonlySet<string>,
        joining: Joining,
      ) => Promise<UpstreamsHandle | undefined>;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

const prefixOf = ({ name, prefix = `${name}_` }: UpstreamSettings): string => prefix;

/** Whether there are upstreams, or may be some. */
export const mayHaveUpstreams = ({ upstreams, discovery }: Settings): boolean =>
  upstreams.length > 0 || discovery.enabled;

/**
 * The names of a list without those that upstreams may have: which tools they have is not known before they say so. Where upstreams
 * are found, any name may be one of theirs.
 */
export const withoutUpstreams = (
  names: readonly string[],
  { upstreams, discovery }: Settings,
): readonly string[] =>
  names.filter(
    (name) =>
      !discovery.enabled && !upstreams.some((each) => each.name === name || name.startsWith(prefixOf(each))),
  );

/** Settings of the server's own tools, with what is said of tools of upstreams there. */
const IN_ENTRIES: ReadonlyMap<string, string> = new Map([
  ['tools.enabled', 'is offered by tools: { include: [NAME] }'],
  ['tools.disabled', 'is left out by tools: { exclude: [NAME] }'],
  ['tools.settings', 'is limited by timeoutSeconds and maxConcurrency'],
]);

/** What to do where a setting of the server's own tools names a tool of an upstream: which they have is not known before they say so. */
export function adviceOnUpstreams(settings: Settings, place: string): string {
  const inEntry = IN_ENTRIES.get(place);
  if (inEntry === undefined || !mayHaveUpstreams(settings)) return '';
  return ` (a tool of an upstream ${inEntry} in the entry of the upstream)`;
}

/** Names that no upstream may have: each is that of a toolset, and may be no other's. */
export const namesTakenBy = (
  toolsets: readonly { readonly name: string; readonly tools: readonly { readonly name: string }[] }[],
): ReadonlySet<string> =>
  new Set(toolsets.flatMap(({ name, tools }) => [name, ...tools.map((tool) => tool.name)]));

/** What is wrong with names of upstreams. */
export const problemsOfUpstreamNames = (
  { upstreams }: Settings,
  taken: ReadonlySet<string>,
): readonly string[] =>
  upstreams
    .filter(({ name }) => taken.has(name))
    .map(({ name }) => `upstreams: ${name} is the name of a tool or toolset here; rename the upstream`);

function problemsOfKubeconfig({ discovery }: Settings, directory: string): readonly string[] {
  if (!discovery.enabled || discovery.kubeconfig === undefined) return [];
  const file = readText(resolve(directory, discovery.kubeconfig));
  return file.ok ? [] : [`discovery.kubeconfig: ${file.problem}`];
}

/** What an upstream's answer may have besides its result, in bytes. */
const ALLOWANCE_BYTES = 65_536;

/**
 * Reads what the settings say of upstreams.
 * @param directory what relative paths in the settings start from
 * @returns every problem of their files
 */
export function loadUpstreams(
  settings: Settings,
  directory: string,
  { logger, now, unixTime, version, audit, upstreamPace, discoveryPace }: Surroundings,
): Loaded {
  const read = readFiles(settings.upstreams, directory);
  const problems = [...(read.ok ? [] : read.problems), ...problemsOfKubeconfig(settings, directory)];
  if (!read.ok || problems.length > 0) return { ok: false, problems };
  const { limits } = settings;
  const specs = read.upstreams.map(
    ({ tokenFile: _token, headersFile: _headers, caFile: _ca, ...upstream }) => ({
      ...upstream,
      prefix: prefixOf(upstream),
      timeoutSeconds: upstream.timeoutSeconds ?? limits.toolTimeoutSeconds,
      maxConcurrency: upstream.maxConcurrency ?? limits.toolConcurrency,
    }),
  );
  return {
    ok: true,
    async join(catalogue, recorder, taken, { hashKey, ...relaying }) {
      if (!mayHaveUpstreams(settings)) return undefined;
      // The client side of the SDK takes a moment to load.
      const [{ Upstreams }, { PACE }] = await Promise.all([
        import('./upstream/upstreams.ts'),
        import('./upstream/supervisor.ts'),
      ]);
      const pace: Pace = { ...PACE, ...upstreamPace };
      const maxBytes = limits.resultBytes + ALLOWANCE_BYTES;
      const upstreams = new Upstreams({
        catalogue,
        recorder: recorder.upstreams,
        logger,
        audit,
        hashKey,
        unixTime,
        maxTools: limits.upstreamTools,
        environment: {
          info: { name: 'nexus-mcp', version },
          now,
          random: Math.random,
          newId: randomUUID,
          pace,
          maxBytes,
          relay: {
            ...relaying,
            audit,
            now,
            maxBytes,
            inputWaitSeconds: limits.inputWaitSeconds,
            keepAliveSeconds: settings.server.streamKeepAliveSeconds,
            sessionNotFound: (reason) => {
              recorder.sessionNotFound(reason);
            },
          },
        },
      });
      const discovery = settings.discovery.enabled
        ? await discover({
            settings,
            directory,
            taken: new Set([...taken, ...specs.map(({ name }) => name)]),
            prefixes: specs.map(({ prefix }) => prefix),
            recorder: recorder.upstreams,
            logger,
            now,
            unixTime,
            pace: discoveryPace ?? {},
            found: (more) => {
              upstreams.want([...specs, ...more]);
            },
          })
        : undefined;
      return {
        prepare: () => discovery?.prepare() ?? Promise.resolve(),
        start: () => {
          upstreams.want(specs);
          discovery?.start();
        },
        report: () => upstreams.report(),
        names: () => upstreams.report().map(({ name }) => name),
        discovery: () => discovery?.report(),
        hints: () => upstreams.hints(),
        relay: (name) => upstreams.relay(name),
        acceptNone: () => {
          upstreams.acceptNone();
        },
        endRelays: () => {
          upstreams.endRelays();
        },
        async stop() {
          await discovery?.stop();
          await upstreams.stop();
        },
      };
    },
  };
}

const discover = async (options: DiscoveryOptions): Promise<Discovery> => {
  const loaded = await import('./discovery.ts');
  return new loaded.Discovery(options);
};
