import process from 'node:process';

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
  cpuMicros: () => millisOf(process.cpuUsage()) * 1000,
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
    lastTurn = millisOf(process.threadCpuUsage());
    watcher ??= setImmediate(turn);
    return 0;
  },
  /** Ends watching; the longest that the event loop took for a turn, by the time that its thread had a core. */
  longestTurnMillis() {
    clearImmediate(watcher);
    watcher = undefined;
    return longestTurnMillis;
  },
} as const;

/** The name of something a server under test measures of itself. */
export type Probe = keyof typeof probes;

let longestTurnMillis = 0;
let lastTurn = 0;
let watcher: NodeJS.Immediate | undefined;

const millisOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

function turn(): void {
  const thisTurn = millisOf(process.threadCpuUsage());
  longestTurnMillis = Math.max(longestTurnMillis, thisTurn - lastTurn);
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
