import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';

/** How often a window begins, in seconds: no more than a scrape is after the last one, so that each sees every peak. */
export const WINDOW_SECONDS = 30;

/** Delays of the event loop, in seconds, and the share of time that it was busy, 0 to 1. */
export interface EventLoopReading {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly utilization: number;
  /** How long all of that was observed: less than the least window while the process is young. */
  readonly seconds: number;
}

interface Window {
  readonly delays: ReturnType<typeof monitorEventLoopDelay>;
  readonly begunAt: EventLoopUtilization;
}

/**
 * Measures the event loop over windows of its own, so that every reader gets the same values, however often it reads. Two windows
 * overlap, and the longer one is read, so that no peak is lost when a window ends.
 */
export class EventLoopMonitor {
  #longer = begin();
  #shorter = begin();

  /** Ends the longer window; the shorter one takes its place, and another begins. */
  turn(): void {
    this.#longer.delays.disable();
    this.#longer = this.#shorter;
    this.#shorter = begin();
  }

  /** Covers the last one to two windows. */
  read(): EventLoopReading {
    const { delays, begunAt } = this.#longer;
    const { idle, active, utilization } = performance.eventLoopUtilization(
      performance.eventLoopUtilization(),
      begunAt,
    );
    const busy = { utilization, seconds: (idle + active) / 1000 };
    // Nothing has been measured yet.
    if (delays.count === 0) return { ...NOTHING, ...busy };
    return {
      min: seconds(delays.min),
      max: seconds(delays.max),
      mean: seconds(delays.mean),
      stddev: seconds(delays.stddev),
      p50: seconds(delays.percentile(50)),
      p90: seconds(delays.percentile(90)),
      p99: seconds(delays.percentile(99)),
      ...busy,
    };
  }
}

const NOTHING = { min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 };

function begin(): Window {
  const delays = monitorEventLoopDelay();
  delays.enable();
  return { delays, begunAt: performance.eventLoopUtilization() };
}

const seconds = (nanoseconds: number): number => nanoseconds / 1e9;

let monitor: EventLoopMonitor | undefined;

/** The monitor of this thread, which has one event loop. It starts when it is first asked for. */
export function eventLoop(): EventLoopMonitor {
  if (monitor) return monitor;
  const begun = (monitor = new EventLoopMonitor());
  setInterval(() => {
    begun.turn();
  }, WINDOW_SECONDS * 1000).unref();
  return begun;
}
