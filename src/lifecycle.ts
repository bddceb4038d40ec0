import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './monitoring/logging.ts';

export type State = 'starting' | 'ready' | 'draining';

/** One thing to do when the server stops; the next begins when it is done. */
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
   * Turns not ready, then takes the steps in order.
   * @returns whether they were all done before the deadline; a second call waits for the first
   */
  stop(plan: StopPlan): Promise<boolean> {
    this.#stopping ??= this.#stop(plan);
    return this.#stopping;
  }

  async #stop({ steps, deadlineSeconds, cut }: StopPlan): Promise<boolean> {
    this.#state = 'draining';
    let current = '';
    const progress = { late: false };
    const done = (async () => {
      for (const { name, run } of steps) {
        if (progress.late) return false;
        current = name;
        this.#logger.info({ step: name }, 'stopping');
        await run();
      }
      return true;
    })();
    const expired = new AbortController();
    const deadline = sleep(deadlineSeconds * 1000, false, { signal: expired.signal }).catch(() => false);
    const inTime = await Promise.race([done, deadline]);
    expired.abort();
    if (inTime) {
      this.#logger.info('stopped');
    } else {
      progress.late = true;
      this.#logger.error({ step: current, ...(await cut()) }, 'stopped by force at the deadline');
    }
    return inTime;
  }
}
