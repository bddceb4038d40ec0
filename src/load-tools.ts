import type { Settings } from './config/settings.ts';
import type { Tokens } from './config/tokens.ts';
import { namesTakenBy, problemsOfUpstreamNames, withoutUpstreams } from './load-upstreams.ts';
import type { Losses } from './monitoring/losses.ts';
import { builtinToolsets } from './tools/builtin/index.ts';
import { Catalogue } from './tools/catalogue.ts';
import { limitsOf, offerToolsets } from './tools/offered-tool.ts';
import { resolvePublicEntry } from './tools/public-entry.ts';
import { problemsOfRights, selectTools, type NamesByPlace } from './tools/selection.ts';
import { loadToolModules } from './tools/tool-modules.ts';
import type { Toolset } from './tools/tool.ts';
import { WorkerPool } from './tools/worker-pool.ts';

interface Problems {
  readonly ok: false;
  readonly problems: readonly string[];
}

/** The toolsets that are to be offered, or what is wrong with their modules or with the names that select them. */
export type LoadedTools =
  | {
      readonly ok: true;
      readonly toolsets: readonly Toolset[];
      /** The names of all toolsets and tools, whether they are to be offered or not. */
      readonly taken: ReadonlySet<string>;
      /** What is wrong with the rights of other tokens, by the rules for those of the start. */
      readonly problemsOf: (tokens: Tokens) => readonly string[];
    }
  | Problems;

export type OfferedTools =
  | {
      readonly ok: true;
      readonly catalogue: Catalogue;
      readonly workers: WorkerPool;
      readonly taken: ReadonlySet<string>;
      readonly problemsOf: (tokens: Tokens) => readonly string[];
    }
  | Problems;

/**
 * Loads the tools that the settings name.
 * @param directory what relative paths in the settings start from
 * @param tokens whose rights must name tools or toolsets that there are
 * @returns every problem of tool modules, or of the selection
 */
export async function loadTools(settings: Settings, directory: string, tokens: Tokens): Promise<LoadedTools> {
  resolvePublicEntry();
  const modules = await loadToolModules(settings.tools.modules, directory);
  if (!modules.ok) return modules;
  const toolsets = [...builtinToolsets(settings), ...modules.toolsets];
  const selected = selectTools(toolsets, {
    ...settings.tools,
    granted: { ...rightsOf(tokens, settings), ...rightsOfIssuers(settings) },
    named: {
      'tools.settings': Object.keys(settings.tools.settings),
      'log.arguments': withoutUpstreams(Object.keys(settings.log.arguments), settings),
      'log.results': withoutUpstreams(settings.log.results, settings),
    },
  });
  if (!selected.ok) return selected;
  const taken = namesTakenBy(toolsets);
  const problems = problemsOfUpstreamNames(settings, taken);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ...selected,
    taken,
    problemsOf: (others) => problemsOfRights(toolsets, rightsOf(others, settings)),
  };
}

/**
 * The longest that a call may take, in seconds: the longest deadline of the tools to be offered, and of those that settings state,
 * which hold for tools that come later, such as those of upstreams.
 */
export function longestDeadline(settings: Settings, loaded: LoadedTools): number {
  const limits = limitsIn(settings);
  const tools = loaded.ok ? loaded.toolsets.flatMap((toolset) => toolset.tools) : [];
  return Math.max(
    limits.defaults.timeoutSeconds,
    ...Object.values(limits.overrides).map(({ timeoutSeconds = 0 }) => timeoutSeconds),
    ...tools.map((tool) => limitsOf(tool, limits).timeoutSeconds),
    ...settings.upstreams.map(({ timeoutSeconds = 0 }) => timeoutSeconds),
    settings.discovery.enabled ? (settings.discovery.timeoutSeconds ?? 0) : 0,
  );
}

/**
 * Starts the worker threads of tools that are isolated, and has all of them offered.
 * @param losses told of threads that are lost
 * @returns every problem of the tools themselves, or those of their loading
 */
export async function offerTools(
  settings: Settings,
  loaded: LoadedTools,
  losses: Losses,
): Promise<OfferedTools> {
  if (!loaded.ok) return loaded;
  const { toolsets, taken, problemsOf } = loaded;
  const tools = toolsets.flatMap((toolset) => toolset.tools);
  const isIsolated = tools.some(({ isolation }) => isolation === 'worker');
  const workers = createWorkers(settings, isIsolated ? 1 : 0, losses);
  const offered = offerToolsets(toolsets, workers, limitsIn(settings));
  if (offered.ok) return { ok: true, catalogue: new Catalogue(offered.tools), workers, taken, problemsOf };
  await workers.close();
  return offered;
}

const limitsIn = ({ limits, tools }: Settings) => ({
  defaults: { timeoutSeconds: limits.toolTimeoutSeconds, maxConcurrency: limits.toolConcurrency },
  overrides: tools.settings,
});

const rightsOf = (tokens: Tokens, settings: Settings): NamesByPlace =>
  Object.fromEntries(
    tokens.map(({ name, tools = [] }) => [
      `auth.tokensFile: tools of ${name}`,
      withoutUpstreams(tools, settings),
    ]),
  );

const rightsOfIssuers = (settings: Settings): NamesByPlace =>
  Object.fromEntries(
    settings.auth.issuers.flatMap(({ issuer, scopes = {}, groups = {} }) =>
      Object.entries({ scope: scopes, group: groups }).flatMap(([kind, grants]) =>
        Object.entries(grants).map(([name, tools]) => [
          `auth.issuers: tools of the ${kind} ${name} of ${issuer}`,
          withoutUpstreams(tools, settings),
        ]),
      ),
    ),
  );

const createWorkers = (settings: Settings, minThreads: 0 | 1, losses: Losses) =>
  new WorkerPool({ ...settings.workers, minThreads, restarted: losses.thread });
