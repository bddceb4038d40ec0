import { Admission, createLane, type Lane } from './admission.ts';
import {
  failed,
  type CallObserver,
  type CallRecord,
  type Failure,
  type Phase,
  type Settled,
  type ToolCall,
} from './call.ts';
import { UNKNOWN_TOOL } from './outcome.ts';
import type { Quota } from './quota.ts';
import type { RegisteredTool, Registry } from './registry.ts';
import { settle, settleThrown } from './settle.ts';
import type { ToolContext } from './tool.ts';

/** Runs an isolated tool's handler in a worker thread and kills it when `context.signal` aborts. */
export interface Workers {
  run(tool: RegisteredTool, args: unknown, context: ToolContext): Promise<unknown>;
  /** The worker threads, as a lane for admission. */
  readonly lane: Lane;
}

export interface ExecutorOptions {
  readonly registry: Registry;
  readonly workers: Workers;
  readonly quota: Quota;
  readonly observer: CallObserver;
  readonly limits: {
    readonly concurrency: number;
    readonly queue: number;
    readonly queueWaitSeconds: number;
    readonly resultBytes: number;
  };
  /** A monotonic clock, in seconds. */
  readonly now: () => number;
}

interface Measured {
  settled: Settled;
  runSeconds?: number;
  resultBytes?: number;
}

/**
 * The one door of every tool call: look up, authorise, validate, admit, run, settle. A call leaves it with
 * exactly one outcome, and is observed exactly once; `execute` does not throw.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #admission: Admission;
  readonly #all: Lane;
  readonly #lanes: ReadonlyMap<string, readonly Lane[]>;
  readonly #inFlight = new Set<ToolCall>();
  #idle: (() => void)[] = [];
  #closing = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { queue: queueLimit, queueWaitSeconds, concurrency } = options.limits;
    this.#admission = new Admission({ queueLimit, queueWaitSeconds });
    this.#all = createLane(concurrency);
    this.#lanes = new Map(options.registry.tools.map((tool) => [tool.name, this.#lanesOf(tool)]));
  }

  #lanesOf(tool: RegisteredTool): readonly Lane[] {
    const own = createLane(tool.maxConcurrency);
    return tool.isolation === 'worker' ? [this.#all, own, this.#options.workers.lane] : [this.#all, own];
  }

  /** Carries out a call, or says why not. Observed, whatever happens. */
  async execute(call: ToolCall): Promise<Settled> {
    const { registry, observer, now } = this.#options;
    const startedAt = now();
    const tool = registry.get(call.name);
    if (!tool) {
      const wait = this.#options.quota.take(call.caller.quotaKey);
      return this.#leave(UNKNOWN_TOOL, call, startedAt, {
        settled: wait > 0 ? rateLimited(wait) : unknownTool,
      });
    }
    this.#inFlight.add(call);
    observer.started(tool.name);
    const measured = await this.#attempt(tool, call).catch((cause: unknown): Measured => ({
      settled: settleThrown(cause),
    }));
    this.#inFlight.delete(call);
    const settled = this.#leave(tool.name, call, startedAt, measured);
    if (this.#inFlight.size === 0) this.#wakeIdle();
    return settled;
  }

  /**
   * Records a call that the protocol layer refused before it could reach `execute`, so that it is counted too.
   */
  refuse(call: ToolCall, failure: Failure): void {
    const tool = this.#options.registry.get(call.name);
    if (tool) this.#options.observer.started(tool.name);
    this.#leave(tool?.name ?? UNKNOWN_TOOL, call, this.#options.now(), {
      settled: tool ? failure : unknownTool,
    });
  }

  #leave(tool: string, call: ToolCall, startedAt: number, measured: Measured): Settled {
    const { settled, runSeconds, resultBytes } = measured;
    const totalSeconds = this.#options.now() - startedAt;
    const record: CallRecord = { ...settled, tool, call, totalSeconds, runSeconds, resultBytes };
    this.#options.observer.finished(record);
    return settled;
  }

  async #attempt(tool: RegisteredTool, call: ToolCall): Promise<Measured> {
    if (!call.caller.mayUse(tool.name))
      return { settled: failed('denied', `You may not use the tool ${tool.name}.`) };
    if (this.#closing) return { settled: overloaded('The server is shutting down; try again.') };
    // Before the arguments are looked at, so that a flood of bad calls is cheap to refuse.
    const wait = this.#options.quota.take(call.caller.quotaKey);
    if (wait > 0) return { settled: rateLimited(wait) };
    const args = call.arguments === undefined ? {} : call.arguments;
    const validation = await inPhase(call, 'validate', () => tool.input.validate(args));
    if (!validation.ok) return { settled: invalidArguments(validation.problems) };
    const entered = this.#admission.enter(this.#lanes.get(tool.name) ?? [], call.signal);
    const release = entered instanceof Promise ? await inPhase(call, 'queue', () => entered) : entered;
    if (!release)
      return { settled: call.signal.aborted ? cancelled : overloaded('The server is busy; try again.') };
    try {
      return await this.#run(tool, call, validation.value);
    } finally {
      release();
    }
  }

  /** Runs the handler against its deadline and the client's patience; whichever comes first is the outcome. */
  async #run(tool: RegisteredTool, call: ToolCall, args: unknown): Promise<Measured> {
    const { now, workers, limits } = this.#options;
    const startedAt = now();
    const abort = new AbortController();
    const ended = new Promise<Failure>((resolve) => {
      abort.signal.addEventListener('abort', () => {
        resolve(abort.signal.reason as Failure);
      });
    });
    const deadline = setTimeout(() => {
      abort.abort(timedOut(tool.timeoutSeconds));
    }, tool.timeoutSeconds * 1000);
    const onCancel = (): void => {
      abort.abort(cancelled);
    };
    call.signal.addEventListener('abort', onCancel);
    const { context, revoke } = contextOf(call, abort.signal);
    try {
      const first = await inPhase(call, 'run', () => {
        const running = Promise.resolve(
          tool.isolation === 'worker' ? workers.run(tool, args, context) : tool.handler(args, context),
        ).then((value) => ({ value }));
        return Promise.race([running, ended]);
      });
      const runSeconds = now() - startedAt;
      if ('reason' in first) return { settled: first, runSeconds };
      const { settled, bytes } = await settle(tool, first.value, call, limits.resultBytes);
      return { settled, runSeconds, ...(bytes !== undefined && { resultBytes: bytes }) };
    } catch (cause) {
      const settled = abort.signal.aborted ? (abort.signal.reason as Failure) : settleThrown(cause);
      return { settled, runSeconds: now() - startedAt };
    } finally {
      clearTimeout(deadline);
      call.signal.removeEventListener('abort', onCancel);
      revoke();
    }
  }

  /** The calls that have not got their outcome yet. */
  get inFlight(): readonly ToolCall[] {
    return [...this.#inFlight];
  }

  /** From now on new calls are refused as `overloaded`; resolves when those in flight have their outcome. */
  async drain(): Promise<void> {
    this.#closing = true;
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    // An outcome is not an answer yet: its way through the SDK takes some more microtasks.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}

/** Does a step of a call, and lets its trace see it if it has one. */
const inPhase = <Result>(call: ToolCall, phase: Phase, work: () => Result | Promise<Result>) =>
  call.trace ? call.trace.phase(phase, work) : work();

/** A context whose effects stop at the call's outcome, so that a late handler cannot reach another call. */
function contextOf(call: ToolCall, signal: AbortSignal): { context: ToolContext; revoke: () => void } {
  let live = true;
  const context: ToolContext = {
    signal,
    canElicit: call.canElicit,
    answers: call.answers ?? {},
    state: call.state,
    progress(progress, total, message) {
      if (live) call.progress?.(progress, total, message);
    },
    log(level, data) {
      if (live) call.log?.(level, data);
    },
    releaseConnection() {
      if (live) call.releaseConnection?.();
    },
  };
  return {
    context,
    revoke: () => {
      live = false;
    },
  };
}

const unknownTool = failed('unknown_tool', 'There is no such tool; tools/list names those there are.');
const cancelled = failed('cancelled', 'The call was cancelled.');

const timedOut = (seconds: number): Failure =>
  failed('timeout', `The tool did not finish within ${seconds} s.`);

const overloaded = (message: string): Failure => failed('overloaded', message, { retryAfterSeconds: 1 });

const rateLimited = (wait: number): Failure =>
  failed('rate_limited', `Too many calls; try again in ${wait.toFixed(1)} s.`, { retryAfterSeconds: wait });

const invalidArguments = (problems: readonly string[]): Failure =>
  failed('invalid_arguments', `Invalid arguments: ${problems.join('; ')}`, { problems });
