import type { LookupFunction } from 'node:net';
import process from 'node:process';
import packageJson from '../../package.json' with { type: 'json' };
import { run } from '../../src/cli/run.ts';
import type { CliOptions, CliResult } from './spawn-cli.ts';

export interface HereOptions extends Omit<CliOptions, 'input'> {
  /** Whether stdout and stderr pass for a terminal. */
  readonly isTTY?: boolean;
  readonly lookup?: LookupFunction;
  /** A clock, in seconds. */
  readonly now?: () => number;
}

/**
 * Runs the program to its end in this process, which takes a tenth of the time of a process of its own. It sees and writes
 * to nothing of this process, but for the log of `serve` and what tool modules print.
 */
export async function runHere(args: readonly string[], options: HereOptions = {}): Promise<CliResult> {
  const { code, stdout, stderr } = start(args, options, new Promise(() => undefined));
  return { code: await code, stdout: stdout.written, stderr: stderr.written };
}

/** A server that the program runs in this process, as `serve` does, without a log. */
export interface ServerHere {
  readonly url: string;
  /** Stops it as a signal would, and returns the exit code. */
  stop(): Promise<number>;
}

/** Runs `serve` in this process, and waits until it can be reached. Throws what it wrote to stderr when it ends instead. */
export async function serveHere(
  args: readonly string[] = [],
  options: HereOptions = {},
): Promise<ServerHere> {
  const signal = Promise.withResolvers<string>();
  const quiet = ['serve', '--server.port', '0', '--log.level', 'silent', ...args];
  // On a terminal it says where it is.
  const { code, stderr } = start(quiet, { ...options, isTTY: true }, signal.promise);
  const ended = code.then((ended) => {
    throw new Error(`the server ended with ${ended} before it was ready: ${stderr.written}`);
  });
  const written = await Promise.race([stderr.first, ended]);
  const [url] = /http:\/\/[^/]+/.exec(written) ?? [];
  if (url === undefined) return ended;
  return {
    url,
    stop() {
      signal.resolve('SIGTERM');
      return code;
    },
  };
}

const seconds = (): number => performance.now() / 1000;

function start(
  args: readonly string[],
  { env = {}, directory = process.cwd(), isTTY = false, lookup, now = seconds }: HereOptions,
  stopRequested: Promise<string>,
) {
  const [stdout, stderr] = [new Written(isTTY), new Written(isTTY)];
  const { version } = packageJson;
  const unixTime = (): number => Date.now() / 1000;
  const shell = { argv: args, env, directory, version, now, unixTime, stdout, stderr, stopRequested };
  return { code: run({ ...shell, ...(lookup && { lookup }) }), stdout, stderr };
}

class Written {
  readonly isTTY: boolean;
  written = '';
  /** Resolves with the first text. */
  readonly first: Promise<string>;
  readonly #begin: (text: string) => void;

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.first = promise;
    this.#begin = resolve;
  }

  write(text: string): void {
    this.written += text;
    this.#begin(text);
  }
}
