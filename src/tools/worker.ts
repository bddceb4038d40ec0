/** The entry of a worker thread: runs one isolated tool call at a time. */
import { AsyncLocalStorage } from 'node:async_hooks';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { checkedFunctions } from './context.ts';
import { toolsIn } from './exported-tools.ts';
import { pacedNotices, THREAD_LOGS, type PacedNotices } from './paced-notices.ts';
import { resolvePublicEntry } from './public-entry.ts';
import { canBeCloned, strictJson } from './strict-json.ts';
import { errorWithoutFrames, explainThrown, isMarked, RESULT_KIND, type MarkedResult } from './result.ts';
import type { ToolContext, ToolDefinition } from './tool.ts';
import { unawaited } from './unawaited.ts';

export interface WorkerTask {
  readonly moduleUrl: string;
  readonly tool: string;
  readonly args: unknown;
  readonly context: Pick<ToolContext, 'answers' | 'state' | 'canElicit'>;
  /** Carries the calls of the context's functions back: `[name, ...arguments]`. Each is answered when it was taken. */
  readonly port: MessagePort;
}

/** A tool module that a thread is to import, with the names of its tools that run in threads. */
export interface LoadTask {
  readonly moduleUrl: string;
  readonly tools: readonly string[];
}

/** What a handler returned, its kind spelled out because a symbol does not survive the clone. */
export type WorkerAnswer =
  | { readonly returned: unknown; readonly kind?: string; readonly cause?: Thrown | undefined }
  | { readonly thrown: Thrown };

/** An error as it leaves the thread: further properties, which may not be cloneable, stay behind. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | number | undefined;
  readonly cause: Thrown | undefined;
}

// A tool has no business with the server's secrets. The pool gives a thread no variables, but Node adds those of --env-file.
for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
resolvePublicEntry();

/** The tool whose call the running code is of: what a call leaves behind still knows it. */
const running = new AsyncLocalStorage<string>();
process.on('unhandledRejection', (reason) => {
  throw unawaited(reason, running.getStore());
});

export default async function run({
  moduleUrl,
  tool,
  args,
  context,
  port,
}: WorkerTask): Promise<WorkerAnswer> {
  const { notices, end } = noticesThrough(port);
  const { functions, misuse } = checkedFunctions(notices);
  try {
    const definition = await findTool(moduleUrl, tool);
    const given = {
      ...context,
      // Never aborts: the thread is killed instead.
      signal: new AbortController().signal,
      ...functions,
    };
    const returned = await running.run(tool, () => definition.handler(args, given));
    const misused = misuse();
    if (misused) throw misused;
    return cloneable(isMarked(returned) ? answerOf(returned) : { returned });
  } catch (error) {
    return { thrown: thrownOf(explainThrown(error), MAX_CAUSES) };
  } finally {
    end();
    port.close();
  }
}

/** Finds the tools of a module, as their first calls would. */
export async function load({ moduleUrl, tools }: LoadTask): Promise<WorkerAnswer> {
  try {
    for (const tool of tools) await findTool(moduleUrl, tool);
    // What an earlier call left for the next turn of the event loop comes first.
    await setImmediate();
    return { returned: undefined };
  } catch (error) {
    return { thrown: thrownOf(error, MAX_CAUSES) };
  }
}

async function findTool(moduleUrl: string, tool: string): Promise<ToolDefinition> {
  const place = fileURLToPath(moduleUrl);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(moduleUrl)) as Record<string, unknown>;
  } catch (cause) {
    const message = `${place}: cannot be imported in a worker thread: ${textOf(cause)}${NO_ENVIRONMENT}`;
    throw errorWithoutFrames(message, cause);
  }
  const definition = toolsIn(exported).find(({ name }) => name === tool);
  if (!definition)
    throw errorWithoutFrames(`${place}: exports no tool ${tool} in a worker thread${NO_ENVIRONMENT}`);
  return definition;
}

const NO_ENVIRONMENT =
  "; it has no environment variables there: put tools with isolation: 'worker' in a file that needs none";

/** Of a failure, the cause leaves as what is thrown does. */
function answerOf(result: MarkedResult): Exclude<WorkerAnswer, { thrown: unknown }> {
  const { cause, ...returned } = { cause: undefined, ...result };
  const thrown = cause === undefined ? undefined : thrownOf(cause, MAX_CAUSES);
  return { returned, kind: result[RESULT_KIND], cause: thrown };
}

/** Calls on their way to the main thread that have not been taken yet. More would only lie in its memory. */
const MAX_ON_THE_WAY = 8;

function noticesThrough(port: MessagePort): PacedNotices {
  let onTheWay = 0;
  const send =
    (name: string) =>
    (...values: unknown[]): void => {
      onTheWay += 1;
      port.postMessage([name, ...values]);
    };
  return pacedNotices(
    {
      progress: send('progress'),
      log: (level, data) => {
        send('log')(level, canBeCloned(data) ? data : JSON.parse(strictJson(data)));
      },
      releaseConnection: send('releaseConnection'),
    },
    {
      now: () => performance.now() / 1000,
      logs: THREAD_LOGS,
      // Looked for here, because a handler in a loop lets no event come.
      isReady() {
        while (onTheWay > 0 && receiveMessageOnPort(port)) onTheWay -= 1;
        return onTheWay < MAX_ON_THE_WAY;
      },
    },
  );
}

const MAX_CAUSES = 5;

function thrownOf(thrown: unknown, causes: number): Thrown {
  const error: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(textOf(thrown));
  const { name, message, stack, code, cause } = error;
  return {
    name,
    message,
    stack,
    code: ['string', 'number'].includes(typeof code) ? code : undefined,
    cause: cause === undefined || causes === 0 ? undefined : thrownOf(cause, causes - 1),
  };
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value); // an object without a prototype has no toString
  }
}

/**
 * An answer that can leave the thread: what cannot be cloned leaves as its JSON, which is all that a client gets of it.
 * @throws Error that says which part of it is no JSON either, as of a tool that is not isolated
 */
function cloneable(answer: Exclude<WorkerAnswer, { thrown: unknown }>): WorkerAnswer {
  if (canBeCloned(answer)) return answer;
  try {
    return { ...answer, returned: JSON.parse(strictJson(answer.returned)) as unknown };
  } catch (error) {
    throw errorWithoutFrames(`invalid result: ${error instanceof Error ? error.message : String(error)}`);
  }
}
