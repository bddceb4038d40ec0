import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Listening, Probe, Question, Values } from './probes.ts';

/** A server in a process of its own. */
export class Child {
  readonly url: string;
  /** Of each of its ports; the first is {@link url}. */
  readonly urls: readonly string[];
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (value: Values[Probe]) => void>();
  #lastId = 0;

  private constructor(process: ChildProcess, ports: readonly number[]) {
    this.#process = process;
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
    this.url = this.urls[0] ?? '';
    process.on('message', ({ id, value }: Answer) => {
      this.#waiting.get(id)?.(value);
      this.#waiting.delete(id);
    });
  }

  /**
   * Starts a server file of this folder and waits until it listens.
   * @param tools how many tools it offers
   */
  static async start(file: string, tools: number, ...options: readonly string[]): Promise<Child> {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), options, {
      env: { ...process.env, BENCH_TOOLS: String(tools) },
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('exit', (code) => {
      // Whoever waits for its answer would wait forever.
      if (code !== 0) throw new Error(`${file} ended with exit code ${String(code)}`);
    });
    const [{ ports }] = (await once(child, 'message')) as [Listening];
    return new Child(child, ports);
  }

  /** Has the server measure itself. */
  ask<Name extends Probe>(probe: Name): Promise<Values[Name]> {
    const id = (this.#lastId += 1);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as (value: Values[Probe]) => void);
      this.#process.send({ id, probe } satisfies Question);
    });
  }

  /** Stops its process in its tracks, or lets it go on. */
  freeze(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }

  /** Ends it, if it has not ended. */
  async stop(): Promise<void> {
    if (!this.#process.connected) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }
}

/** Waits for servers to start, hands them to `use`, and stops them. */
export async function withChildren<const Starting extends readonly Promise<Child>[], Result>(
  starting: Starting,
  use: (children: { -readonly [Index in keyof Starting]: Child }) => Promise<Result>,
): Promise<Result> {
  const children = await Promise.all(starting);
  const result = await use(children);
  await Promise.all(children.map((child) => child.stop()));
  return result;
}
