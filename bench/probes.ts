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
  /** Time of all threads. */
  cpuMicros: () => clocks().cpuMillis * 1000,
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
    lastTurn = clocks();
    watcher ??= setImmediate(turn);
    return 0;
  },
  /**
   * Ends watching; the longest that the event loop took for a turn. Both clocks overstate that, one when another
   * program has the core, the other when other threads of the server run: of each turn the lesser counts.
   */
  longestTurnMillis() {
    clearImmediate(watcher);
    watcher = undefined;
    return longestTurnMillis;
  },
} as const;

/** The name of something a server under test measures of itself. */
export type Probe = keyof typeof probes;

let longestTurnMillis = 0;
let lastTurn = clocks();
let watcher: NodeJS.Immediate | undefined;

function clocks() {
  const { user, system } = process.cpuUsage();
  return { millis: performance.now(), cpuMillis: (user + system) / 1000 };
}

function turn(): void {
  const thisTurn = clocks();
  const took = Math.min(thisTurn.millis - lastTurn.millis, thisTurn.cpuMillis - lastTurn.cpuMillis);
  longestTurnMillis = Math.max(longestTurnMillis, took);
  lastTurn = thisTurn;
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
