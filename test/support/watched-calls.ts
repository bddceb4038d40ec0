import type { Registry } from 'prom-client';
import { Activity, type ToolActivity } from '../../src/monitoring/activity.ts';
import { DURATION_BUCKETS } from '../../src/monitoring/metrics/bounds.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { observers } from '../../src/monitoring/observers.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { recordOf } from './call-records.ts';

/** A recorder, and an activity that says what it has counted lately, by a clock that only the test moves. */
export class WatchedCalls {
  readonly activity: Activity;
  /** In seconds. */
  time = 1000;
  readonly registry: Registry;
  readonly #recorder: Recorder;
  readonly #observer;
  #tools: readonly string[] = [];

  /** @param furtherBounds of the buckets of durations */
  constructor(tools: readonly string[], furtherBounds: readonly number[] = []) {
    const { metrics, registry } = createMetrics({ durationBuckets: furtherBounds });
    this.#recorder = new Recorder(metrics);
    this.registry = registry;
    this.activity = new Activity({
      recorder: this.#recorder,
      tools: () => this.#tools.map((name) => ({ name, source: 'builtin', timeoutSeconds: 30 })),
      running: () => [],
      now: () => this.time,
      bounds: [...DURATION_BUCKETS, ...furtherBounds],
    });
    const rethrow = (error: Error): void => {
      throw error;
    };
    this.#observer = observers(rethrow, this.activity, this.#recorder);
    this.offer(...tools);
  }

  /** Offers these tools, and no others any more. */
  offer(...tools: readonly string[]): void {
    for (const tool of this.#tools) if (!tools.includes(tool)) this.#recorder.removeTool(tool);
    for (const name of tools)
      if (!this.#tools.includes(name))
        this.#recorder.addTool({ name, toolset: 'test', source: 'builtin', isolation: 'none' });
    this.#tools = tools;
  }

  start(tool: string): void {
    this.#observer.started(tool, this.time);
  }

  /** Ends a call that took so many seconds, and failed if there is a reason for it. */
  end(tool: string, seconds: number, reason?: ErrorReason): void {
    this.#observer.finished(recordOf(tool, seconds, reason, this.time));
  }

  call(tool: string, seconds: number, reason?: ErrorReason): void {
    this.start(tool);
    this.end(tool, seconds, reason);
  }

  /** What is reported of a tool. */
  of(tool: string): ToolActivity | undefined {
    return this.activity.report().tools.find(({ name }) => name === tool);
  }
}
