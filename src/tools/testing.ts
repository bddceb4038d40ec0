/** The public entry `nexus-mcp/testing`: calls a tool in a unit test as the server would. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { trustedCaller } from '../authorization/caller.ts';
import { createLane } from './admission.ts';
import type { Outcome } from './call.ts';
import type { Catalogue } from './catalogue.ts';
import { problemsOfTool } from './definition-problems.ts';
import { Executor } from './executor.ts';
import { toolsIn } from './exported-tools.ts';
import { didYouMean } from './near-names.ts';
import { offerToolsets, type Workers } from './offered-tool.ts';
import { nameOf } from './strict-json.ts';
import type { ToolContext, ToolDefinition } from './tool.ts';
import { PATIENCE_SECONDS } from './tool-modules.ts';
import { WorkerPool } from './worker-pool.ts';

export type { Failure, Outcome, ToolResult } from './call.ts';

/** What the handler finds in its context, and the limits of the call. */
export interface CallOptions extends Partial<Omit<ToolContext, 'releaseConnection'>> {
  /** Deadline in seconds. Default: the one that the tool states, or 10, as `limits.toolTimeoutSeconds`. */
  readonly timeoutSeconds?: number;
  /** Largest result as JSON. Default: 1 MiB, as `limits.resultBytes`. */
  readonly resultBytes?: number;
  /** The file that exports the tool, as `import.meta.resolve('./primes.ts')`: a tool with `isolation: 'worker'` runs in a thread then. */
  readonly moduleUrl?: string | URL;
}

const OPTION_NAMES: Readonly<Record<keyof CallOptions, true>> = {
  timeoutSeconds: true,
  resultBytes: true,
  moduleUrl: true,
  signal: true,
  progress: true,
  log: true,
  answers: true,
  state: true,
  canElicit: true,
};

const LIMITS = { concurrency: 1, queue: 0, queueWaitSeconds: 0, inputWaitSeconds: 0 } as const;
const THREADS = { minThreads: 0, maxThreads: 1, maxHeapMegabytes: 128, restarted: () => undefined } as const;

/**
 * Calls a tool: validates the arguments, runs the handler until its deadline, and validates the result, all as the server
 * does. A tool with `isolation: 'worker'` runs in a thread if the options have `moduleUrl`. Without that it runs in this thread, where
 * neither its deadline nor `signal` ends a loop. Its client can be asked (`canElicit`), unless the options say
 * otherwise: a call that asks ends with `inputRequired`, and another one with `answers` and `state` continues it.
 * @param args default: none
 * @returns what the call ended with; a failure has its `reason`, and in `cause` what was thrown
 * @throws when the server would refuse the tool itself, with every problem, and of an option that there is not
 */
export async function callTool(
  tool: ToolDefinition,
  args: unknown = {},
  options: CallOptions = {},
): Promise<Outcome> {
  if (typeof tool !== 'object' || (tool as unknown) === null)
    throw new TypeError(`callTool takes a tool, as defineTool returns it, not ${nameOf(tool)}`);
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTION_NAMES, name));
  if (unknown !== undefined)
    throw new TypeError(`callTool has no option ${unknown}${didYouMean(unknown, Object.keys(OPTION_NAMES))}`);
  const { moduleUrl } = options;
  if (moduleUrl === undefined || tool.isolation !== 'worker')
    return callOffered(tool, offer(tool, options, 'tested', inThisThread(tool)), args, options);
  const module = { moduleUrl: fileUrl(String(moduleUrl)), tools: [tool.name] };
  const threads = new WorkerPool(THREADS);
  try {
    const catalogue = offer(tool, options, module.moduleUrl, threads);
    const problem = await threads.problemOf(module, PATIENCE_SECONDS);
    if (problem !== undefined) throw new Error((await wrongFile(module.moduleUrl, tool.name)) ?? problem);
    return await callOffered(tool, catalogue, args, options);
  } finally {
    await threads.close();
  }
}

/** @throws when a text is not the URL of a file that there is */
function fileUrl(text: string): string {
  const problem = (is: string) =>
    new TypeError(`moduleUrl: ${text} is ${is}; give import.meta.resolve('./primes.ts')`);
  if (URL.parse(text)?.protocol !== 'file:') throw problem('no file URL');
  if (!existsSync(new URL(text))) throw problem('the URL of no file');
  return text;
}

/** What is wrong with a file that does not export a tool in this thread either. */
async function wrongFile(moduleUrl: string, name: string): Promise<string | undefined> {
  const exported = (await import(moduleUrl).catch(() => undefined)) as Record<string, unknown> | undefined;
  if (!exported || toolsIn(exported).some((tool) => tool.name === name)) return undefined;
  return `${fileURLToPath(moduleUrl)}: exports no tool ${name}; give the file that defines it`;
}

const inThisThread = (tool: ToolDefinition): Workers => ({
  run: (_tool, args, context) => Promise.resolve(args).then((ready) => tool.handler(ready as never, context)),
  lane: createLane(1),
});

/** @throws with every problem of the tool */
function offer(
  tool: ToolDefinition,
  { timeoutSeconds }: CallOptions,
  moduleUrl: string,
  workers: Workers,
): Pick<Catalogue, 'get'> {
  const toolset = { name: 'tested', source: 'module', moduleUrl, tools: [tool] } as const;
  const defaults = { timeoutSeconds: 10, maxConcurrency: 1 };
  const problems = problemsOfTool(tool);
  const limits = { defaults, overrides: { [tool.name]: { timeoutSeconds } } };
  const offered =
    problems.length > 0 ? { ok: false as const, problems } : offerToolsets([toolset], workers, limits);
  // The file of the tool need not be known here.
  const withoutFile = (problem: string): string => problem.replace(/^tested: /, '');
  if (!offered.ok) throw new Error(offered.problems.map(withoutFile).join('\n'));
  return { get: () => offered.tools[0] };
}

async function callOffered(
  { name }: ToolDefinition,
  catalogue: Pick<Catalogue, 'get'>,
  args: unknown,
  options: CallOptions,
): Promise<Outcome> {
  const { resultBytes = 1_048_576, canElicit = true } = options;
  const { signal = new AbortController().signal, ...given } = options;
  const executor = new Executor({
    catalogue,
    quota: { take: () => 0 },
    observer: { started: () => undefined, finished: () => undefined },
    limits: { ...LIMITS, resultBytes },
    now: () => performance.now() / 1000,
  });
  const outcome: Outcome & { tool?: unknown } = await executor.execute({
    ...given,
    name,
    arguments: args,
    caller: trustedCaller('test'),
    entrance: 'function',
    requestId: 'test',
    signal,
    canElicit,
    canAnswer: () => canElicit,
  });
  delete outcome.tool;
  return outcome;
}
