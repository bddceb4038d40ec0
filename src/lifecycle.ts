import { setTimeout as sleep } from 'node:timers/promises';
import { describeThrown } from './monitoring/describe-thrown.ts';
import type { Logger } from './monitoring/logging.ts';

export type State = 'starting' | 'ready' | 'draining';

/** One thing to do when the server stops. The next begins when it is done, or has failed. */
export interface StopStep {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

export interface StopPlan {
  readonly steps: readonly StopStep[];
  readonly deadlineSeconds: number;
  /** Cuts off what still runs at the deadline, and says what that was. */
  readonly cut: () => Promise<Record<string, unknown>>;
}

/** Whether the server is ready, and how it stops. */
export class Lifecycle {
  readonly #logger: Logger;
  #state: State = 'starting';
  #stopping: Promise<boolean> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get state(): State {
    return this.#state;
  }

  /** What keeps the server from being ready: nothing, when it is. */
  failingChecks(): readonly string[] {
    return this.#state === 'ready' ? [] : [this.#state];
  }

  started(): void {
    this.#state = 'ready';
  }

  /**
   * Turns not ready, then takes the steps in order. When a step throws, that is logged, and the next ones are taken all the
   * same.
   * @returns whether all steps succeeded before the deadline; a second call waits for the first
   */
  stop(plan: StopPlan): Promise<boolean> {
    this.#stopping ??= this.#stop(plan);
    return this.#stopping;
  }

  async #stop({ steps, deadlineSeconds, cut }: StopPlan): Promise<boolean> {
    this.#state = 'draining';
    const progress: Progress = { step: '', late: false };
    const taken = this.#take(steps, progress);
    const noLongerNeeded = new AbortController();
    const deadline = sleep(deadlineSeconds * 1000, 'late' as const, { signal: noLongerNeeded.signal });
    const outcome = await Promise.race([taken, deadline.catch(() => 'late' as const)]);
    noLongerNeeded.abort();
    if (outcome !== 'late') {
      this.#logger.info('stopped');
      return outcome === 'succeeded';
    }
    progress.late = true;
    const cutOff = await this.#cut(cut, progress.step);
    this.#logger.error({ step: progress.step, ...cutOff }, 'stopped by force at the deadline');
    return false;
  }

  async #take(steps: readonly StopStep[], progress: Progress): Promise<'succeeded' | 'failed'> {
    let outcome: 'succeeded' | 'failed' = 'succeeded';
    for (const { name, run } of steps) {
      if (progress.late) break;
      progress.step = name;
      this.#logger.info({ step: name }, 'stopping');
      try {
        await run();
      } catch (error) {
        outcome = 'failed';
        this.#logger.error({ step: name, err: describeThrown(error) }, 'a step of stopping failed');
      }
    }
    return outcome;
  }

  async #cut(cut: StopPlan['cut'], step: string): Promise<Record<string, unknown> | undefined> {
    try {
      return await cut();
    } catch (error) {
      this.#logger.error({ step, err: describeThrown(error) }, 'cannot cut off what still runs');
      return undefined;
    }
  }
}

interface Progress {
  /** The name of the step that is being taken. */
  step: string;
  /** Whether the deadline has passed; no further step is taken then. */
  late: boolean;
}
