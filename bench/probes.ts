import process from 'node:process';
import { performance } from 'node:perf_hooks';

/** What a server says when it listens. */
export interface Listening {
  readonly port: number;
}

/** Asks a server for one of its probes. */
export interface Question {
  readonly id: number;
  readonly probe: Probe;
}

export interface Answer {
  readonly id: number;
  readonly value: number;
}

/** What a server under test measures of itself: each a number. */
const probes = {
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Bytes that survive a garbage collection; needs `--expose-gc`. */
  liveBytes() {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  /** Begins to watch the event loop, which then never sleeps. */
  watchLoop() {
    longestTurnMillis = 0;
    lastTurnAt = performance.now();
    watcher ??= setImmediate(turn);
    return 0;
  },
  /** Ends watching; the longest that a turn of the event loop took. */
  longestTurnMillis() {
    clearImmediate(watcher);
    watcher = undefined;
    return longestTurnMillis;
  },
} as const;

/** The name of something a server under test measures of itself. */
export type Probe = keyof typeof probes;

let longestTurnMillis = 0;
let lastTurnAt = 0;
let watcher: NodeJS.Immediate | undefined;

function turn(): void {
  const now = performance.now();
  longestTurnMillis = Math.max(longestTurnMillis, now - lastTurnAt);
  lastTurnAt = now;
  watcher = setImmediate(turn);
}

/** Tells the parent process the port, answers its questions, and ends with it. */
export function answerParent(port: number): void {
  process.on('message', ({ id, probe }: Question) => {
    process.send?.({ id, value: probes[probe]() } satisfies Answer);
  });
  process.on('disconnect', () => {
    process.exit();
  });
  process.send?.({ port } satisfies Listening);
}
