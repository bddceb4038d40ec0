import { AsyncResource } from 'node:async_hooks';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { createLane, type Lane } from './admission.ts';
import type { Failure } from './call.ts';
import { neighbour } from './public-entry.ts';
import type { WorkerRestartReason } from './reasons.ts';
import type { Workers } from './offered-tool.ts';
import { errorWithoutFrames, RESULT_KIND, unavailable } from './result.ts';
import { canBeCloned, nameOf } from './strict-json.ts';
import type { ToolContext } from './tool.ts';
import type { LoadTask, Thrown, WorkerAnswer, WorkerTask } from './worker.ts';

export interface WorkerPoolOptions {
  /** Threads kept alive when there is nothing to do: none when no tool is isolated. */
  readonly minThreads: 0 | 1;
  readonly maxThreads: number;
  /** Heap of one thread; a tool that needs more ends as `exception`, and the thread is replaced. */
  readonly maxHeapMegabytes: number;
  /** @param lost the call that was lost with the thread, and what is known of why */
  readonly restarted: (reason: WorkerRestartReason, lost: LostCall) => void;
}

interface LostCall {
  /** When no tool ran, the one that left a promise behind; `undefined` when that is not known. */
  readonly tool: string | undefined;
  readonly error: unknown;
}

/** How long a thread may take for what a call left it to do. */
const LEFT_BEHIND_MS = 1000;

/** Worker threads for isolated tools. Admission keeps its own queue in front of `lane`. */
export class WorkerPool implements Workers {
  readonly lane: Lane;
  readonly #pool: Piscina<WorkerTask | LoadTask, WorkerAnswer>;
  readonly #restarted: WorkerPoolOptions['restarted'];
  readonly #maxHeapMegabytes: number;
  #lostBetween: unknown;
  /** Where threads are started: they hold what the async context they are started in does, and a call's holds the call. */
  readonly #outside = new AsyncResource('WorkerPool');

  constructor({ minThreads, maxThreads, maxHeapMegabytes, restarted }: WorkerPoolOptions) {
    this.lane = createLane(maxThreads, 'the worker threads (workers.maxThreads)');
    this.#restarted = restarted;
    this.#maxHeapMegabytes = maxHeapMegabytes;
    this.#pool = new Piscina({
      filename: fileURLToPath(neighbour('worker', import.meta.url)),
      minThreads,
      maxThreads,
      idleTimeout: 60_000,
      // The atomics fast path would stop timers and progress messages of a running handler.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
      // The worker deletes what Node adds.
      env: {},
    });
    // A thread that dies between tasks is replaced by the pool; without a listener it would end the process.
    this.#pool.on('error', (error: unknown) => {
      const cause = this.#withAdvice(error);
      this.#lostBetween = cause;
      restarted(isOutOfMemory(error) ? 'out_of_memory' : 'crashed', {
        tool: toolBehind(error),
        error: cause,
      });
    });
  }

  /** Threads alive now. */
  get size(): number {
    return this.#pool.threads.length;
  }

  /**
   * Has a thread import a tool module, as the first call of one of its tools does.
   * @param seconds how long that may take
   * @returns what is wrong with the module there
   */
  async problemOf(module: LoadTask, seconds: number): Promise<string | undefined> {
    const place = fileURLToPath(module.moduleUrl);
    const signal = AbortSignal.timeout(seconds * 1000);
    try {
      resultOf(await this.#start(module, { name: 'load', signal }));
      return undefined;
    } catch (error) {
      if (error instanceof HandlerError) return error.message;
      if (signal.aborted) return `${place}: has not loaded within ${seconds} s in a worker thread`;
      return `${place}: cannot be imported in a worker thread: ${String(this.#withAdvice(error))}`;
    }
  }

  async run(
    tool: { readonly name: string; readonly moduleUrl: string },
    args: unknown,
    context: ToolContext,
  ): Promise<unknown> {
    const { port1, port2 } = new MessageChannel();
    const relay = ([name, ...values]: [keyof ToolContext, ...unknown[]]): void => {
      (context[name] as (...values: unknown[]) => void)(...values);
      port1.postMessage('taken');
    };
    port1.on('message', relay);
    const { answers, state, canElicit } = context;
    const task = {
      moduleUrl: tool.moduleUrl,
      tool: tool.name,
      args,
      context: { answers, state, canElicit },
      port: port2,
    };
    try {
      const options = { signal: context.signal, transferList: [port2] };
      const answer = await this.#start(task, options);
      // The answer travels by another port, and may have overtaken messages that were sent before it.
      for (let received; (received = receiveMessageOnPort(port1));)
        relay(received.message as Parameters<typeof relay>[0]);
      return resultOf(answer);
    } catch (error) {
      // Arguments that cannot be cloned never reached a thread.
      if (error instanceof DOMException && error.name === 'DataCloneError') throw notCloneable(args);
      return this.#afterError(tool.name, error, context.signal);
    } finally {
      port1.close();
    }
  }

  #start(...task: Parameters<Piscina<WorkerTask | LoadTask, WorkerAnswer>['run']>): Promise<WorkerAnswer> {
    return this.#outside.runInAsyncScope(() => this.#pool.run(...task));
  }

  /** Tells of a thread that was lost, if one was, and throws or returns what the call ends in. */
  #afterError(tool: string, error: unknown, signal: AbortSignal): unknown {
    if (error instanceof HandlerError) throw error;
    if (signal.aborted) {
      const reason = (signal.reason as Failure).reason === 'timeout' ? 'timeout' : 'cancelled';
      this.#restarted(reason, { tool, error: undefined });
      throw error;
    }
    const cause = this.#withAdvice(error);
    if (isOutOfMemory(error)) {
      this.#restarted('out_of_memory', { tool, error: cause });
      throw cause;
    }
    this.#restarted('crashed', { tool, error: cause });
    return unavailable('The worker thread that ran the tool ended before the call did.', cause);
  }

  /** What piscina says of a thread that ended has no file of the tool in its stack. */
  #withAdvice(error: unknown): unknown {
    if (isOutOfMemory(error))
      return errorWithoutFrames(
        `the worker thread needed more than its heap of ${this.#maxHeapMegabytes} MiB (workers.maxHeapMegabytes)`,
      );
    if (!(error instanceof Error && error.message.startsWith('worker exited with code'))) return error;
    return errorWithoutFrames(`${error.message}; did the tool exit the process?`);
  }

  /**
   * Waits until idle threads have done what calls left them to do at once.
   * @returns what ended a thread since, or between calls, such as a promise that nobody awaited; `undefined` where nothing did
   */
  async leftBehind(): Promise<unknown> {
    if (this.size > 0) {
      const signal = AbortSignal.timeout(LEFT_BEHIND_MS);
      await this.#start({ moduleUrl: '', tools: [] }, { name: 'load', signal }).catch((error: unknown) => {
        if (!signal.aborted) this.#lostBetween ??= error;
      });
    }
    return this.#lostBetween;
  }

  /** Ends all threads, running or not. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** What is wrong with arguments that cannot be cloned: they are JSON, unless their schema made something else of it. */
function notCloneable(args: unknown): Error {
  const [name, value] = Object.entries(Object(args) as object).find(([, each]) => !canBeCloned(each)) ?? [''];
  return errorWithoutFrames(
    `the argument ${name} cannot be copied into a worker thread: the input schema makes ${nameOf(value)} of it; make that in the handler`,
  );
}

/** What a handler threw in its thread, with the stack from there. */
class HandlerError extends Error {}

function errorOf({ name, message, stack, code, cause }: Thrown): HandlerError {
  const error = new HandlerError(message, { cause: cause && errorOf(cause) });
  return Object.assign(error, {
    name,
    ...(stack !== undefined && { stack }),
    ...(code !== undefined && { code }),
  });
}

function resultOf(answer: WorkerAnswer): unknown {
  if ('thrown' in answer) throw errorOf(answer.thrown);
  if (answer.kind === undefined) return answer.returned;
  const cause = answer.cause && errorOf(answer.cause);
  return { ...(answer.returned as object), ...(cause && { cause }), [RESULT_KIND]: answer.kind };
}

/** The tool that an error of its thread names: see `unawaited`. */
function toolBehind(error: unknown): string | undefined {
  const { tool } = Object(error) as { readonly tool?: unknown };
  return typeof tool === 'string' ? tool : undefined;
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
