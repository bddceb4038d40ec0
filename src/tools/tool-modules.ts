import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toolsIn } from './module-tools.ts';
import type { ToolDefinition, Toolset } from './tool.ts';

export type ToolModulesResult =
  | { readonly ok: true; readonly toolsets: readonly Toolset[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Imports the tool modules an operator named, each a file that exports `defineTool` values.
 * @param paths file paths, relative ones from `directory`
 * @returns every module's problem, with its file, when one of them is broken
 */
export async function loadToolModules(
  paths: readonly string[],
  directory: string,
): Promise<ToolModulesResult> {
  const loaded = await Promise.all(paths.map((path) => loadToolModule(resolve(directory, path))));
  const problems = loaded.filter((result) => typeof result === 'string');
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, toolsets: loaded.filter((result) => typeof result !== 'string') };
}

async function loadToolModule(file: string): Promise<Toolset | string> {
  const moduleUrl = pathToFileURL(file).href;
  let tools: ToolDefinition[];
  try {
    tools = toolsIn((await import(moduleUrl)) as Record<string, unknown>);
  } catch (error) {
    return `${file}: cannot be imported: ${String(error)}`;
  }
  if (tools.length === 0) return `${file}: exports no tool; export what defineTool({...}) returns`;
  const problem = tools.map(shapeProblem).find((found) => found !== undefined);
  if (problem !== undefined) return `${file}: ${problem}`;
  return { name: basename(file, extname(file)), source: 'module', moduleUrl, tools };
}

/** What TypeScript would have said, for modules written in JavaScript. */
function shapeProblem(tool: ToolDefinition): string | undefined {
  const { name, title, description, input, annotations, handler } = tool as Partial<ToolDefinition>;
  const missing = [
    typeof name === 'string' ? '' : 'name (string)',
    typeof title === 'string' ? '' : 'title (string)',
    typeof description === 'string' ? '' : 'description (string)',
    typeof input === 'object' ? '' : 'input (schema)',
    typeof annotations === 'object' ? '' : 'annotations (object)',
    typeof handler === 'function' ? '' : 'handler (function)',
  ].filter((part) => part !== '');
  return missing.length === 0
    ? undefined
    : `tool ${String(name)}: missing or of the wrong type: ${missing.join(', ')}`;
}
