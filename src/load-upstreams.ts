import type { Settings } from './config/settings.ts';
import { loadUpstreams as readFiles } from './config/upstream-files.ts';
import type { UpstreamSettings } from './config/upstream-settings.ts';
import type { Logger } from './monitoring/logging.ts';
import type { Recorder } from './monitoring/metrics/recorder.ts';
import type { Catalogue } from './tools/catalogue.ts';
import type { RelayEnvironment } from './upstream/relay/relay.ts';
import type { Pace } from './upstream/supervisor.ts';
import type { Upstreams } from './upstream/upstreams.ts';

/** The other MCP servers whose tools are offered. */
export interface UpstreamsHandle extends Pick<
  Upstreams,
  'report' | 'hints' | 'relay' | 'acceptNone' | 'endRelays' | 'stop'
> {
  /** Begins to connect to them; waits for none. */
  readonly start: () => void;
}

/** What relays to upstreams need besides the settings. */
type Relaying = Pick<RelayEnvironment, 'door' | 'tracing' | 'executor' | 'seal'>;

interface Surroundings {
  readonly logger: Logger;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  readonly version: string;
  /** When upstreams are looked at. Default: as is good for them. */
  readonly upstreamPace?: Partial<Pace>;
}

type Loaded =
  | {
      readonly ok: true;
      /** Puts them beside the tools of a catalogue; `undefined` where there are none. */
      readonly join: (
        catalogue: Catalogue,
        recorder: Recorder,
        relaying: Relaying,
      ) => Promise<UpstreamsHandle | undefined>;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

const prefixOf = ({ name, prefix = `${name}_` }: UpstreamSettings): string => prefix;

/** The names of a list without those that upstreams may have: which tools they have is not known before they say so. */
export const withoutUpstreams = (names: readonly string[], { upstreams }: Settings): readonly string[] =>
  names.filter((name) => !upstreams.some((each) => each.name === name || name.startsWith(prefixOf(each))));

/** What is wrong with names of upstreams: each is that of a toolset, and may be no other's. */
export const problemsOfUpstreamNames = (
  { upstreams }: Settings,
  toolsets: readonly { readonly name: string; readonly tools: readonly { readonly name: string }[] }[],
): readonly string[] => {
  const taken = new Set(toolsets.flatMap(({ name, tools }) => [name, ...tools.map((tool) => tool.name)]));
  return upstreams
    .filter(({ name }) => taken.has(name))
    .map(({ name }) => `upstreams: ${name} is the name of a tool or toolset here; rename the upstream`);
};

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
  { logger, now, unixTime, version, upstreamPace }: Surroundings,
): Loaded {
  const read = readFiles(settings.upstreams, directory);
  if (!read.ok) return read;
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
    async join(catalogue, recorder, relaying) {
      if (specs.length === 0) return undefined;
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
        unixTime,
        maxTools: limits.upstreamTools,
        environment: {
          info: { name: 'nexus-mcp', version },
          now,
          random: Math.random,
          pace,
          maxBytes,
          relay: {
            ...relaying,
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
      return {
        start: () => {
          upstreams.want(specs);
        },
        report: () => upstreams.report(),
        hints: () => upstreams.hints(),
        relay: (name) => upstreams.relay(name),
        acceptNone: () => {
          upstreams.acceptNone();
        },
        endRelays: () => {
          upstreams.endRelays();
        },
        stop: () => upstreams.stop(),
      };
    },
  };
}
