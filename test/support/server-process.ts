import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compiled } from './compile-cache.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A server in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  readonly url: string;
  /** The log so far, parsed. */
  readonly logs: readonly Record<string, unknown>[];
  /** Sends it a signal that does not end it. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to stop, and resolves to its exit code, or to `null` when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * Starts a server, on a free port unless `args` name one, and waits until it is ready. Of
 * environment variables that mean something to it, it sees `env` alone. Rejects with what it wrote to stderr when it ends instead.
 */
export async function startServer({
  args = [],
  env = {},
}: {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
} = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [MAIN, '--server.port', '0', ...args], {
    env: { ...compiled(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const complaints = text(child.stderr);
  const logs: Record<string, unknown>[] = [];
  const ready = new Promise<number>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      logs.push(entry);
      if (entry['msg'] === 'ready') resolve(Number(entry['port']));
    });
  });
  const port = await Promise.race([
    ready,
    ended.then(async ([code]) => {
      throw new Error(`the server ended with ${String(code)} before it was ready: ${await complaints}`);
    }),
  ]);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    logs,
    signal(signal) {
      child.kill(signal);
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}
