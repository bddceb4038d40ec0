import type { LookupFunction } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { describeThrown } from '../monitoring/describe-thrown.ts';
import type { Terminal } from './terminal.ts';

/** What a run of the program is given from outside. */
export interface Shell extends Terminal {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly version: string;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  /** Resolves with why the process should stop: a signal's name, or an uncaught error. */
  readonly stopRequested: Promise<string | Error>;
  /** Takes what SIGHUP asks for. Before, and where it says that a terminal was closed, it is a reason to stop. */
  readonly onHangup?: (listener: () => void) => void;
  /** Opens stdin and stdout for a protocol, so that a reader who does not read holds nothing up; for the command `stdio`. */
  readonly openStdio?: () => { readonly stdin: Readable; readonly stdout: Writable };
  /** The stream of stdout (1) or stderr (2) where that is a pipe or a socket, so that a reader who does not read holds up nothing. */
  readonly openLog?: (fd: 1 | 2) => Writable | undefined;
  /** How probe resolves names of hosts; left out, as the system does. */
  readonly lookup?: LookupFunction;
}

/** Process exit codes; documented in `--help`. */
export const EXIT = { done: 0, failed: 1, misused: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Says on stderr what whoever runs the program should know, a line each. */
export function tell({ stderr }: Terminal, lines: readonly string[]): void {
  for (const line of lines) stderr.write(`nexus-mcp: ${line}\n`);
}

/** Says what is wrong with the usage or the configuration. */
export function complain(terminal: Terminal, problems: readonly string[]): ExitCode {
  tell(terminal, problems);
  return EXIT.misused;
}

/** An error that nobody expected, as stderr is told. */
export const unexpected = (error: unknown): string => `nexus-mcp: unexpected error: ${thrownText(error)}\n`;

/** What was thrown, with its stack and causes, and without secrets. */
export function thrownText(thrown: unknown): string {
  const described = describeThrown(thrown);
  return typeof described === 'string' ? described : (described as { readonly stack: string }).stack;
}

/** Aborts when the process should stop. */
export function interruption({ stopRequested, stderr }: Shell): AbortSignal {
  const interrupted = new AbortController();
  void stopRequested.then((why) => {
    if (typeof why !== 'string') stderr.write(unexpected(why));
    interrupted.abort();
  });
  return interrupted.signal;
}
