import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compiled } from './compile-cache.ts';

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** What a run of the program left behind. */
export interface CliResult {
  /** The exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** All environment variables it sees that mean something to it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly directory?: string | undefined;
  /** What it reads from stdin, which then ends. */
  readonly input?: string;
}

/** Runs the program to its end. */
export async function runCli(
  args: readonly string[],
  { env = {}, directory, input = '' }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...compiled(), ...env }, cwd: directory });
  // It may end without reading its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
