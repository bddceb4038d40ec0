import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { problemsOfTool } from './definition-problems.ts';
import { toolsetOf, toolsIn } from './exported-tools.ts';
import * as publicEntry from './index.ts';
import { didYouMean } from './near-names.ts';
import { nameOf } from './strict-json.ts';
import type { ToolDefinition, Toolset } from './tool.ts';

export type ToolModulesResult =
  | { readonly ok: true; readonly toolsets: readonly Toolset[] }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      /** The tools without a problem, so that what else is wrong with them can be told as well. */
      readonly toolsets: readonly Toolset[];
    };

/** How long a module may take to load, in seconds: one that waits forever must not keep the server from saying so. */
export const PATIENCE_SECONDS = 30;

/**
 * Imports the tool modules an operator named, each a file that exports `defineTool` values.
 * @param paths file paths, relative ones from `directory`; one that is named twice is loaded once
 * @param seconds how long each may take to load
 * @returns every problem of every module, with its file, when one of them is broken
 */
export async function loadToolModules(
  paths: readonly string[],
  directory: string,
  seconds = PATIENCE_SECONDS,
): Promise<ToolModulesResult> {
  const files = new Set(paths.map((path) => resolve(directory, path)));
  const loaded = await Promise.all([...files].map((file) => loadToolModule(file, seconds)));
  const problems = loaded.flatMap((module) => module.problems);
  const toolsets = loaded.flatMap(({ toolset }) => toolset ?? []);
  return problems.length > 0 ? { ok: false, problems, toolsets } : { ok: true, toolsets };
}

interface LoadedModule {
  readonly problems: readonly string[];
  readonly toolset?: Toolset;
}

const MODULE_FILE = /\.[cm]?[jt]s$/;
const NO_MODULE =
  'is no tool module, which is a .ts, .mts, .js or .mjs file; a data file is read by the module that needs it';

const ONLY_A_NAME =
  'holds only the name of a file, and not its text; with Helm, use --set-file in place of --set';

function holdsOnlyAName(file: string): boolean {
  try {
    return /^\s*[\w./\\-]+\.[cm]?[jt]s\s*$/.test(readFileSync(file, 'utf8'));
  } catch {
    // The import says why it cannot be read.
    return false;
  }
}

async function loadToolModule(file: string, seconds: number): Promise<LoadedModule> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found)
    return { problems: [`${file}: there is no such file${didYouMean(basename(file), besides(file))}`] };
  if (found.isDirectory())
    return { problems: [`${file}: is a directory; name the files of the tool modules`] };
  if (!MODULE_FILE.test(file)) return { problems: [`${file}: ${NO_MODULE}`] };
  if (holdsOnlyAName(file)) return { problems: [`${file}: ${ONLY_A_NAME}`] };
  const moduleUrl = pathToFileURL(file).href;
  const late = new AbortController();
  let tools: ToolDefinition[];
  let exported: Record<string, unknown> | undefined;
  try {
    exported = await Promise.race([
      import(moduleUrl) as Promise<Record<string, unknown>>,
      // Keeps the process until then, which otherwise ends at once where nothing else is left to do.
      setTimeout(seconds * 1000, undefined, { signal: late.signal }),
    ]);
    if (exported === undefined)
      return {
        problems: [`${file}: has not loaded within ${seconds} s; does it await something that never comes?`],
      };
    tools = toolsIn(exported);
  } catch (error) {
    return { problems: [`${file}: ${reasonOf(error, file)}`] };
  } finally {
    late.abort();
  }
  if (tools.length === 0)
    return {
      problems: [
        `${file}: exports no tool${exportedInstead(exported)}; export what defineTool({...}) returns. A file that modules import does not belong in tools.modules`,
      ],
    };
  const examined = tools.map((tool) => ({ tool, problems: problemsOfTool(tool) }));
  return {
    problems: examined.flatMap(({ problems }) => problems.map((problem) => `${file}: ${problem}`)),
    toolset: {
      name: toolsetOf(file),
      source: 'module',
      moduleUrl,
      tools: examined.filter(({ problems }) => problems.length === 0).map(({ tool }) => tool),
    },
  };
}

/** The tool modules of the directory where a file would be. */
function besides(file: string): readonly string[] {
  try {
    return readdirSync(dirname(file)).filter((name) => MODULE_FILE.test(name));
  } catch {
    return [];
  }
}

/** Why an import failed, and what to do where that is known. */
function reasonOf(error: unknown, file: string): string {
  const place = placeOf(error);
  const isCommonJs =
    /outside a module|Unexpected token 'export'/.test(String(error)) && /\.[cm]?[jt]s:/.test(place);
  const advice = [
    isCommonJs ? COMMONJS : '',
    otherEnding(error),
    otherEntry(error),
    otherPackage(error),
    otherName(error, place),
    howToFind(error, file),
  ];
  return `cannot be imported: ${String(error)}${place}${advice.join('')}`;
}

/** The advice on an import that names what a compiler would make of a file of TypeScript, such as `./helper.js` or `./helper`. */
function otherEnding(error: unknown): string {
  // Node sets it where an import has a path, and not a package's name.
  const { url } = Object(error) as { readonly url?: unknown };
  if (typeof url !== 'string' || !url.startsWith('file:')) return '';
  const source = fileURLToPath(url).replace(/(?:\.([cm]?)js)?$/, '.$1ts');
  return existsSync(source) ? `; ${basename(source)} is there: import it by that name` : '';
}

/** The advice on an import of this package by its own name, which has no entry, installed or not. */
const otherEntry = (error: unknown): string =>
  /Cannot find package 'nexus-mcp'|No "exports" main defined in \S*\bnexus-mcp\b/.test(String(error))
    ? '; a tool module imports nexus-mcp/tools'
    : '';

/** What a module without a tool exports, as far as that says what went wrong. */
function exportedInstead(exported: Readonly<Record<string, unknown>>): string {
  const [first] = Object.entries(exported);
  return first === undefined ? '' : `, but ${first[0]}, which is ${nameOf(first[1])}`;
}

/** The advice on an import of a name that a module does not export: where TypeScript is only stripped, types are none. */
function otherName(error: unknown, place: string): string {
  const [, module, name = ''] =
    /module '([^']*)' does not provide an export named '([^']*)'/.exec(String(error)) ?? [];
  if (module === undefined) return '';
  const near = module === 'nexus-mcp/tools' ? didYouMean(name, Object.keys(publicEntry)) : '';
  return near || (/\.[cm]?ts:/.test(place) ? `; if ${name} is a type, import { type ${name} }` : '');
}

/** The advice on an import of a package that is not there. */
function otherPackage(error: unknown): string {
  const [, name] = /Cannot find package '([^'/.][^']*)' imported from/.exec(String(error)) ?? [];
  return name === undefined || name === 'nexus-mcp' ? '' : `; run npm install ${name} where the module is`;
}

/** Node keeps to itself where JavaScript could not be parsed. */
const howToFind = (error: unknown, file: string): string =>
  error instanceof SyntaxError && /^ +at compileSourceTextModule /m.test(error.stack ?? '')
    ? `; node --check ${file} prints the line, if it is not in a file that this one imports`
    : '';

const COMMONJS =
  '; it was loaded as CommonJS: the nearest package.json needs "type": "module", or name the file .mts or .mjs';

/** Where an import failed, which may be in a file that the module imports; empty when the error does not say. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  // Before the message where TypeScript could not be read, else in the first frame, if that is somebody's own.
  const [, place] =
    /^(?:file:\/\/)?(\/\S+:\d+)\n/.exec(stack) ??
    /(?:^|[ (]|file:\/\/)(\/[^\s()]+:\d+:\d+)\)?$/.exec(/^ +at .*$/m.exec(stack)?.[0] ?? '') ??
    [];
  return place === undefined ? '' : ` (at ${place})`;
}
