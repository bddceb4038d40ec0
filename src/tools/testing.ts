/** The public entry `nexus-mcp/testing`: calls a tool in a unit test as the server would. */
import { trustedCaller } from '../authorization/caller.ts';
import { createLane } from './admission.ts';
import type { Outcome } from './call.ts';
import { problemsOfTool } from './definition-problems.ts';
import { Executor } from './executor.ts';
import { offerToolsets } from './offered-tool.ts';
import type { ToolContext, ToolDefinition } from './tool.ts';

export type { Failure, Outcome, ToolResult } from './call.ts';

/** What the handler finds in its context, and the limits of the call. */
export interface CallOptions extends Partial<Omit<ToolContext, 'releaseConnection'>> {
  /** Deadline in seconds of a tool that states none. Default: 10, as `limits.toolTimeoutSeconds`. */
  readonly timeoutSeconds?: number;
  /** Largest result as JSON. Default: 1 MiB, as `limits.resultBytes`. */
  readonly resultBytes?: number;
}

const LIMITS = { concurrency: 1, queue: 0, queueWaitSeconds: 0, inputWaitSeconds: 0 } as const;

/**
 * Calls a tool: validates the arguments, runs the handler until its deadline, and validates the result, all as the server
 * does. A tool with `isolation: 'worker'` runs in this thread. Its client can be asked (`canElicit`), unless the options say
 * otherwise: a call that asks ends with `inputRequired`, and another one with `answers` and `state` continues it.
 * @param args default: none
 * @returns what the call ended with; a failure has its `reason`, and in `cause` what was thrown
 * @throws when the server would refuse the tool itself, with every problem
 */
export async function callTool(
  tool: ToolDefinition,
  args: unknown = {},
  options: CallOptions = {},
): Promise<Outcome> {
  const { timeoutSeconds = 10, resultBytes = 1_048_576, canElicit = true } = options;
  const { signal = new AbortController().signal, ...given } = options;
  const workers = {
    run: (_tool: unknown, validated: unknown, context: ToolContext) =>
      Promise.resolve(validated).then((ready) => tool.handler(ready, context)),
    lane: createLane(1),
  };
  const toolset = { name: 'tested', source: 'module', moduleUrl: 'tested', tools: [tool] } as const;
  const defaults = { timeoutSeconds, maxConcurrency: 1 };
  const problems = problemsOfTool(tool);
  const offered =
    problems.length > 0 ? { ok: false as const, problems } : offerToolsets([toolset], workers, { defaults });
  // The file of the tool is not known here.
  const withoutFile = (problem: string): string => problem.replace(/^tested: /, '');
  if (!offered.ok) throw new Error(offered.problems.map(withoutFile).join('\n'));
  const executor = new Executor({
    catalogue: { get: () => offered.tools[0] },
    quota: { take: () => 0 },
    observer: { started: () => undefined, finished: () => undefined },
    limits: { ...LIMITS, resultBytes },
    now: () => performance.now() / 1000,
  });
  const outcome: Outcome & { tool?: unknown } = await executor.execute({
    ...given,
    name: tool.name,
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
