import { Admission, createLane, placesOf, whyFull, type Lane, type Places } from './admission.ts';
import {
  cancelled,
  failed,
  invalidArguments,
  overloaded,
  rateLimited,
  shuttingDown,
  type CallObserver,
  type Failure,
  type Phase,
  type Outcome,
  type ToolCall,
} from './call.ts';
import type { Catalogue } from './catalogue.ts';
import { contextOf } from './context.ts';
import { denialOf, denied } from './denial.ts';
import type { OfferedTool } from './offered-tool.ts';
import { Questions } from './questions.ts';
import { UNKNOWN_TOOL, type ErrorReason } from './reasons.ts';
import type { Quota } from './quota.ts';
import { Run } from './run.ts';
import { invalidResult, settleThrown, type RunOutcome } from './settle.ts';

export interface ExecutorOptions {
  readonly catalogue: Pick<Catalogue, 'get'>;
  readonly quota: Quota;
  readonly observer: CallObserver;
  readonly limits: {
    readonly concurrency: number;
    readonly queue: number;
    readonly queueWaitSeconds: number;
    readonly resultBytes: number;
    readonly inputWaitSeconds: number;
  };
  /** A monotonic clock, in seconds. */
  readonly now: () => number;
}

/**
 * The outcome of a call, as its caller is told, and the tool that it found: still the same if another was offered in its place
 * meanwhile.
 */
export type CallOutcome = Outcome & { readonly tool: OfferedTool | undefined };

/** Reasons for which a call is not made again with what its client was given. */
const FINAL: ReadonlySet<ErrorReason> = new Set(['denied', 'cancelled']);

/** How often a call may ask its client while it waits. */
const MAX_ROUNDS = 8;

interface Measured extends RunOutcome {
  readonly runSeconds?: number;
}

/**
 * Every tool call goes through here: look up, authorise, validate, admit, run, settle. A call leaves it with
 * exactly one outcome, and is observed exactly once; `execute` does not throw.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #admission: Admission;
  readonly #all: Lane;
  readonly #questions: Questions;
  readonly #inFlight = new Set<ToolCall>();
  readonly #running = new Set<ToolCall>();
  #idle: (() => void)[] = [];
  #closing = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { queue: queueLimit, queueWaitSeconds, concurrency, inputWaitSeconds } = options.limits;
    this.#admission = new Admission({ queueLimit, queueWaitSeconds });
    this.#all = createLane(concurrency, 'the server (limits.concurrency)');
    this.#questions = new Questions(inputWaitSeconds);
  }

  /** Carries out a call, or says why not. Observed, whatever happens. */
  async execute(call: ToolCall): Promise<CallOutcome> {
    const { catalogue, observer, now } = this.#options;
    const startedAt = now();
    const tool = catalogue.get(call.name);
    if (!tool) {
      const wait = this.#waitOf(call);
      return this.#leave(undefined, call, startedAt, { outcome: wait > 0 ? rateLimited(wait) : unknownTool });
    }
    this.#inFlight.add(call);
    observer.started(tool.name, startedAt);
    const measured = await this.#carryOut(tool, call).catch((cause: unknown): Measured => ({
      outcome: settleThrown(cause),
    }));
    this.#inFlight.delete(call);
    const outcome = this.#leave(tool, call, startedAt, measured);
    if (this.#inFlight.size === 0) this.#wakeIdle();
    return outcome;
  }

  /**
   * Records a call that the protocol layer refused before it could reach `execute`, so that it is counted too.
   */
  recordRefused(call: ToolCall, failure: Failure): void {
    const tool = this.#options.catalogue.get(call.name);
    const at = this.#options.now();
    if (tool) this.#options.observer.started(tool.name, at);
    this.#leave(tool, call, at, { outcome: tool ? failure : unknownTool });
  }

  /**
   * Observes a call that is passed on to another server and not carried out here, as {@link execute} observes the others.
   * @param tool the one that it is counted by, if there is one
   * @returns what it ends with, to be called once
   */
  observe(call: ToolCall, tool: OfferedTool | undefined): (measured: Measured) => void {
    const startedAt = this.#options.now();
    this.#inFlight.add(call);
    if (tool) this.#options.observer.started(tool.name, startedAt);
    return (measured) => {
      this.#inFlight.delete(call);
      this.#leave(tool, call, startedAt, measured);
      if (this.#inFlight.size === 0) this.#wakeIdle();
    };
  }

  #leave(tool: OfferedTool | undefined, call: ToolCall, startedAt: number, measured: Measured): CallOutcome {
    const { outcome, runSeconds, resultBytes } = measured;
    const endedAt = this.#options.now();
    const label = tool?.name ?? UNKNOWN_TOOL;
    this.#options.observer.finished({
      ...outcome,
      tool: label,
      call,
      endedAt,
      totalSeconds: endedAt - startedAt,
      runSeconds,
      resultBytes,
    });
    return outcome === denied ? { ...unknownTool, tool: undefined } : { ...outcome, tool };
  }

  /** Seconds until the call would be within its caller's quota; 0 for one that is. */
  #waitOf({ waitSeconds, caller }: ToolCall): number {
    return waitSeconds ?? this.#options.quota.take(caller.quotaKey);
  }

  /** Runs the tool, and again with the answers as long as it asks for some and the client is asked while the call waits. */
  async #carryOut(tool: OfferedTool, call: ToolCall): Promise<Measured> {
    // Before anything is looked at, so that a flood of bad calls is cheap to refuse. Once: what has run is not refused.
    const wait = this.#waitOf(call);
    if (wait > 0) return { outcome: rateLimited(wait) };
    const denial = denialOf(call.caller, tool);
    let measured = denial ? { outcome: denial } : await this.#attempt(tool, call);
    // A client that came back with answers, and may not call it any more or left before its turn, does not come back again.
    if (call.state !== undefined && measured.outcome.status === 'error' && FINAL.has(measured.outcome.reason))
      tool.forget?.(call.state);
    if (denial) return measured;
    for (let round = 1; call.ask; round += 1) {
      const { outcome, runSeconds = 0 } = measured;
      if (outcome.status === 'error' || !outcome.inputRequired) break;
      const { requests, state } = outcome.inputRequired;
      const answered =
        round > MAX_ROUNDS ? asksTooOften() : await this.#questions.put(call, call.ask, requests);
      if (answered.status === 'error') {
        tool.forget?.(state);
        return { outcome: answered, runSeconds };
      }
      const next = await this.#attempt(tool, { ...call, answers: answered.answers, state });
      if (next.outcome.status === 'error') tool.forget?.(state);
      // One call: of the time in the tool's code the waiting is no part.
      measured = { ...next, runSeconds: runSeconds + (next.runSeconds ?? 0) };
    }
    return measured;
  }

  async #attempt(tool: OfferedTool, call: ToolCall): Promise<Measured> {
    if (this.#closing) return { outcome: shuttingDown };
    const args = call.arguments === undefined ? {} : call.arguments;
    const validation = await inPhase(call, 'validate', () => tool.validate(args));
    if (!validation.ok) return { outcome: invalidArguments(validation) };
    const lanes = [this.#all, ...tool.lanes];
    const entered = this.#admission.enter(call.caller.quotaKey, lanes, call.signal);
    const hasWaited = entered instanceof Promise;
    const release = hasWaited ? await inPhase(call, 'queue', () => entered) : entered;
    if (!release)
      return { outcome: call.signal.aborted ? cancelled : { ...busy, cause: whyFull(lanes, hasWaited) } };
    this.#running.add(call);
    try {
      return await this.#run(tool, call, validation.value);
    } finally {
      this.#running.delete(call);
      release();
    }
  }

  /** Runs the handler against its deadline and the client's patience; whichever comes first is the outcome. */
  async #run(tool: OfferedTool, call: ToolCall, args: unknown): Promise<Measured> {
    const { now, limits } = this.#options;
    const run = new Run(call.signal, tool, now);
    const { context, revoke, misuse } = contextOf(call, run.signal);
    try {
      const returned = await inPhase(call, 'run', () => run.outcomeOf(() => tool.run(args, context, call)));
      const { seconds: runSeconds, endedBy } = run.over();
      if (endedBy) return { outcome: endedBy, runSeconds };
      const misused = misuse();
      if (misused) return { outcome: settleThrown(misused), runSeconds };
      return { ...(await tool.settle(returned, call, limits.resultBytes)), runSeconds };
    } catch (cause) {
      const { seconds: runSeconds, endedBy } = run.over();
      return { outcome: endedBy ?? settleThrown(cause), runSeconds };
    } finally {
      revoke();
    }
  }

  /** Whether a call has not got its outcome yet. */
  isRunning(call: ToolCall): boolean {
    return this.#inFlight.has(call);
  }

  /** The calls that have not got their outcome yet. */
  get inFlight(): readonly ToolCall[] {
    return [...this.#inFlight];
  }

  /** The calls that hold a place. */
  get running(): Iterable<Pick<ToolCall, 'name'>> {
    return this.#running;
  }

  /** The places that all calls share. */
  get places(): Places {
    return placesOf(this.#all);
  }

  /** From now on new calls, and those that wait for their client, are refused as `overloaded`; resolves when those in flight have their outcome. */
  async drain(): Promise<void> {
    this.#closing = true;
    this.#questions.close();
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    // An outcome is not an answer yet: its way to the client takes some more microtasks.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}

/** Does a step of a call, and lets its trace see it if it has one. */
const inPhase = <Result>(call: ToolCall, phase: Phase, work: () => Result | Promise<Result>) =>
  call.trace ? call.trace.phase(phase, work) : work();

const busy = overloaded('The server is busy; try again.');

const unknownTool = failed('unknown_tool', 'There is no such tool; tools/list names those there are.');

const asksTooOften = (): Failure =>
  invalidResult(`it still asks its client after ${MAX_ROUNDS} answers; return a failure in place of that`);
