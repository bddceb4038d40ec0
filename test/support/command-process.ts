import { spawn } from 'node:child_process';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { waitFor } from './wait.ts';

/** Ends what runs. */
const running = new Set<() => void>();

/** Ends all that was started and has not ended, with whatever it has started itself. */
export function endCommands(): void {
  for (const end of running) end();
}

/**
 * Starts a server by its command, and waits until a URL answers, whatever it answers. Rejects with what it wrote to stderr when
 * it ends before. It runs until {@link endCommands}.
 * @param env on top of what programs need to be found
 */
export async function startCommand(
  command: string,
  args: readonly string[],
  url: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: a shell may not pass on the signal that ends it.
    detached: true,
  });
  const { pid } = child;
  const end = (): void => {
    running.delete(end);
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  };
  running.add(end);
  const complaints = text(child.stderr);
  const ended = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => {
      resolve(message);
    });
    child.on('exit', (code) => {
      resolve(`ended with ${String(code)}`);
    });
  }).then(async (how) => {
    running.delete(end);
    throw new Error(`${command} ${args.join(' ')}: ${how}: ${await complaints}`);
  });
  const answers = waitFor(async () => {
    const signal = AbortSignal.timeout(10_000);
    await (await fetch(url, { signal })).body?.cancel();
  }, 120_000);
  await Promise.race([answers, ended]);
}
