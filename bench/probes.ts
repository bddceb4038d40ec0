import { subscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import process from 'node:process';

/** What a server says when it listens. */
export interface Listening {
  readonly ports: readonly number[];
}

/** Asks a server for one of its probes. */
export interface Question {
  readonly id: number;
  readonly probe: Probe;
}

export interface Answer {
  readonly id: number;
  readonly value: Values[Probe];
}

/** Requests from one note of CPU time to the next. */
export const CALLS_A_TURN = 64;

/** What a server under test measures of itself. */
const probes = {
  /** Time of all threads. */
  cpuMicros,
  /** Begins to note CPU time, at the next request; what was noted before is forgotten. */
  startNoting() {
    isNoting = true;
    requests = 0;
    notes = [];
    return 0;
  },
  /** CPU time at the first request since then, and at the first of each turn after that. */
  notes: () => notes,
  /** How many requests there were since then. */
  requests: () => requests,
  /** Bytes that survive a garbage collection; needs `--expose-gc`. */
  liveBytes() {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  /** Bytes of memory that the process has. */
  residentBytes: () => process.memoryUsage.rss(),
  /** How many files and sockets are open. */
  openDescriptors: () => readdirSync('/dev/fd').length,
  /** Begins to watch the event loop, which then never sleeps. */
  watchLoop() {
    longestTurnMillis = 0;
    lastTurn = microsOf(process.threadCpuUsage());
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
export type Values = { readonly [Name in Probe]: ReturnType<(typeof probes)[Name]> };

let isNoting = false;
let requests = 0;
let notes: number[] = [];
let longestTurnMillis = 0;
let lastTurn = 0;
let watcher: NodeJS.Immediate | undefined;

function cpuMicros(): number {
  return microsOf(process.cpuUsage());
}

function microsOf({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

/** The requests of a turn have been answered when the next turn begins: there one ends and the other starts. */
function countRequest(): void {
  if (isNoting && requests % CALLS_A_TURN === 0) {
    // Each turn pays for its own garbage.
    globalThis.gc?.({ type: 'minor', execution: 'sync' });
    notes.push(cpuMicros());
  }
  requests += 1;
}

function turn(): void {
  const thisTurn = microsOf(process.threadCpuUsage());
  longestTurnMillis = Math.max(longestTurnMillis, (thisTurn - lastTurn) / 1000);
  lastTurn = thisTurn;
  watcher = setImmediate(turn);
}

/** Tells the parent process the ports, answers its questions, and ends with it. */
export function answerParent(...ports: readonly number[]): void {
  subscribe('http.server.request.start', countRequest);
  process.on('message', ({ id, probe }: Question) => {
    process.send?.({ id, value: probes[probe]() } satisfies Answer);
  });
  process.on('disconnect', () => {
    process.exit();
  });
  process.send?.({ ports } satisfies Listening);
}
