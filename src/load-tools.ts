import type { Settings } from './config/settings.ts';
import type { Tokens } from './config/tokens.ts';
import {
  adviceOnUpstreams,
  namesTakenBy,
  problemsOfUpstreamNames,
  withoutUpstreams,
} from './load-upstreams.ts';
import type { Losses } from './monitoring/losses.ts';
import { problemsOfArguments } from './tools/argument-names.ts';
import { builtinToolsets } from './tools/builtin/index.ts';
import { Catalogue } from './tools/catalogue.ts';
import { toolsetOf } from './tools/exported-tools.ts';
import { limitsOf, offerToolsets, placeOf } from './tools/offered-tool.ts';
import { resolvePublicEntry } from './tools/public-entry.ts';
import { problemsOfRights, selectTools, type NamesByPlace } from './tools/selection.ts';
import { loadToolModules, PATIENCE_SECONDS } from './tools/tool-modules.ts';
import type { Toolset } from './tools/tool.ts';
import { WorkerPool } from './tools/worker-pool.ts';

interface Problems {
  readonly ok: false;
  readonly problems: readonly string[];
}

/** Tools that are well are there as well, so that what else is wrong with them can be told. */
interface LoadingProblems extends Problems {
  readonly toolsets: readonly Toolset[];
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
  | LoadingProblems;

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
 * @returns every problem of tool modules and of the selection
 */
export async function loadTools(settings: Settings, directory: string, tokens: Tokens): Promise<LoadedTools> {
  resolvePublicEntry();
  const modules = await loadToolModules(settings.tools.modules, directory);
  const builtin = builtinToolsets(settings);
  const toolsets = [...builtin, ...modules.toolsets];
  const selected = selectTools(toolsets, {
    ...settings.tools,
    granted: { ...rightsOf(tokens, settings), ...rightsOfIssuers(settings) },
    named: {
      'tools.settings': Object.keys(settings.tools.settings),
      'log.arguments': withoutUpstreams(Object.keys(settings.log.arguments), settings),
      'log.results': withoutUpstreams(settings.log.results, settings),
    },
    // A name that names nothing may be in a module that did not load.
    unloaded: modules.ok ? [] : settings.tools.modules.map(toolsetOf),
    advice: (place) => adviceOnUpstreams(settings, place),
  });
  const taken = namesTakenBy(toolsets);
  const problems = [
    ...(modules.ok ? [] : modules.problems),
    ...modules.toolsets
      .filter(({ name }) => builtin.some((toolset) => toolset.name === name))
      .map(
        (toolset) =>
          `${placeOf(toolset)}: ${toolset.name} is the name of a built-in toolset; rename the file`,
      ),
    ...problemsOfFileNames(modules.toolsets),
    ...selected.problems,
    ...problemsOfUpstreamNames(settings, taken),
  ];
  if (problems.length > 0) return { ok: false, problems, toolsets: selected.toolsets };
  return {
    ok: true,
    toolsets: selected.toolsets,
    taken,
    problemsOf: (others) => problemsOfRights(toolsets, rightsOf(others, settings)),
  };
}

/** Files of one name would be one toolset, and whoever has a right to it would have the tools of both. */
const problemsOfFileNames = (toolsets: readonly Toolset[]): readonly string[] =>
  toolsets.flatMap((toolset) => {
    const { name } = toolset;
    const first = toolsets.find((each) => each.name === name) ?? toolset;
    const problem = `would be the toolset ${name}, as ${placeOf(first)} is; rename one of the files`;
    return first === toolset ? [] : [`${placeOf(toolset)}: ${problem}`];
  });

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
 * @returns every problem of their loading, and of the tools themselves
 */
export async function offerTools(
  settings: Settings,
  loaded: LoadedTools,
  losses: Losses,
): Promise<OfferedTools> {
  const tools = loaded.toolsets.flatMap((toolset) => toolset.tools);
  const isIsolated = loaded.ok && tools.some(({ isolation }) => isolation === 'worker');
  const workers = createWorkers(settings, isIsolated ? 1 : 0, losses);
  const offered = offerToolsets(loaded.toolsets, workers, limitsIn(settings));
  const problems = [loaded, offered].flatMap((part) => (part.ok ? [] : part.problems));
  if (offered.ok)
    problems.push(...problemsOfArguments('log.arguments', settings.log.arguments, offered.tools));
  if (loaded.ok && offered.ok) {
    problems.push(...(await problemsInThreads(loaded.toolsets, workers)));
    const { taken, problemsOf } = loaded;
    if (problems.length === 0)
      return { ok: true, catalogue: new Catalogue(offered.tools), workers, taken, problemsOf };
  }
  await workers.close();
  return { ok: false, problems };
}

/** What is wrong with tool modules in worker threads, which import them again: a start must not leave that to the first call. */
async function problemsInThreads(
  toolsets: readonly Toolset[],
  workers: WorkerPool,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { source, moduleUrl, tools } of toolsets) {
    const isolated = tools.filter(({ isolation }) => isolation === 'worker').map(({ name }) => name);
    if (source !== 'module' || isolated.length === 0) continue;
    // One after the other, so that one thread does.
    const problem = await workers.problemOf({ moduleUrl, tools: isolated }, PATIENCE_SECONDS);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
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
