import type { Settings } from './config/settings.ts';
import type { Tokens } from './config/tokens.ts';
import type { Losses } from './monitoring/losses.ts';
import { builtinToolsets } from './tools/builtin/index.ts';
import { Catalogue } from './tools/catalogue.ts';
import { offerToolsets } from './tools/offered-tool.ts';
import { resolvePublicEntry } from './tools/public-entry.ts';
import { problemsOfRights, selectTools, type NamesByPlace } from './tools/selection.ts';
import { loadToolModules } from './tools/tool-modules.ts';
import { WorkerPool } from './tools/worker-pool.ts';

export type LoadedTools =
  | {
      readonly ok: true;
      readonly catalogue: Catalogue;
      readonly workers: WorkerPool;
      /** What is wrong with the rights of other tokens, by the rules for those of the start. */
      readonly problemsOf: (tokens: Tokens) => readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Loads the tools that the settings name, and starts the worker threads of those that are isolated.
 * @param directory what relative paths in the settings start from
 * @param tokens whose rights must name tools or toolsets that there are
 * @param losses told of threads that are lost
 * @returns every problem of tool modules, of the selection, or of the tools themselves
 */
export async function loadTools(
  settings: Settings,
  directory: string,
  tokens: Tokens,
  losses: Losses,
): Promise<LoadedTools> {
  resolvePublicEntry();
  const modules = await loadToolModules(settings.tools.modules, directory);
  if (!modules.ok) return modules;
  const toolsets = [...builtinToolsets(settings), ...modules.toolsets];
  const selected = selectTools(toolsets, {
    ...settings.tools,
    granted: rightsOf(tokens),
    named: {
      'tools.settings': Object.keys(settings.tools.settings),
      'log.arguments': Object.keys(settings.log.arguments),
      'log.results': settings.log.results,
    },
  });
  if (!selected.ok) return selected;
  const tools = selected.toolsets.flatMap((toolset) => toolset.tools);
  const isIsolated = tools.some(({ isolation }) => isolation === 'worker');
  const workers = createWorkers(settings, isIsolated ? 1 : 0, losses);
  const { toolTimeoutSeconds: timeoutSeconds, toolConcurrency: maxConcurrency } = settings.limits;
  const offered = offerToolsets(selected.toolsets, workers, {
    defaults: { timeoutSeconds, maxConcurrency },
    overrides: settings.tools.settings,
  });
  if (offered.ok)
    return {
      ok: true,
      catalogue: new Catalogue(offered.tools),
      workers,
      problemsOf: (others) => problemsOfRights(toolsets, rightsOf(others)),
    };
  await workers.close();
  return offered;
}

const rightsOf = (tokens: Tokens): NamesByPlace =>
  Object.fromEntries(tokens.map(({ name, tools = [] }) => [`auth.tokensFile: tools of ${name}`, tools]));

const createWorkers = (settings: Settings, minThreads: 0 | 1, losses: Losses) =>
  new WorkerPool({ ...settings.workers, minThreads, restarted: losses.thread });
