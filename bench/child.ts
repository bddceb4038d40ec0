import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Listening, Probe, Question } from './probes.ts';

/** A server in a process of its own. */
export class Child {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (value: number) => void>();
  #lastId = 0;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.url = `http://127.0.0.1:${port}`;
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
    const [{ port }] = (await once(child, 'message')) as [Listening];
    return new Child(child, port);
  }

  /** Has the server measure itself. */
  ask(probe: Probe): Promise<number> {
    const id = (this.#lastId += 1);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.send({ id, probe } satisfies Question);
    });
  }

  async stop(): Promise<void> {
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
