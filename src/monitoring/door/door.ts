import { AsyncLocalStorage } from 'node:async_hooks';
import { Connection, type ConnectionOptions, type DoorOptions } from './connection.ts';
import type { Pending, Running } from './pending.ts';
import { LISTEN } from './message.ts';

/**
 * Where MCP requests come in and answers go out. Every request is counted, timed and traced here, whatever becomes of it,
 * and is in flight until it is answered or dropped.
 */
export class Door<Held = unknown> {
  readonly #options: DoorOptions;
  readonly #inFlight = new Set<Pending<Held>>();
  readonly #running = new AsyncLocalStorage<Running<Held>>();
  readonly #whenSettled = new Set<() => void>();
  #closed = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** The requests of all connections that are neither answered nor dropped. */
  get inFlight(): ReadonlySet<Pending<Held>> {
    return this.#inFlight;
  }

  /** Whether requests pass without being seen. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Lets what comes from now on pass without being seen, and forgets what is in flight. */
  close(): void {
    this.#closed = true;
    this.#inFlight.clear();
  }

  /** Streams of changes that are open. They end with their connections, not by themselves. */
  get listens(): number {
    return [...this.#inFlight].filter(({ request }) => request.method === LISTEN).length;
  }

  /** The request that is being carried out here. */
  get current(): Pending<Held> | undefined {
    const pending = this.#running.getStore()?.pending;
    // Work that a request left behind is no longer part of it.
    return pending && this.#inFlight.has(pending) ? pending : undefined;
  }

  /** Keeps something with the request that is being carried out here, even when it is no longer waited for. */
  hold(held: Held): void {
    const pending = this.#running.getStore()?.pending;
    if (pending) pending.held = held;
  }

  /** Does what is no part of the request that is being carried out here. */
  apart<Result>(work: () => Result): Result {
    return this.#running.exit(work);
  }

  connect(options: ConnectionOptions<Held>): Connection<Held> {
    return new Connection(options, this.#options, {
      all: this.#inFlight,
      closed: () => this.#closed,
      running: this.#running,
      settled: () => {
        for (const look of this.#whenSettled) look();
      },
    });
  }

  /** Resolves when no request is in flight, streams of changes left aside. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#inFlight.size > this.listens) return;
        this.#whenSettled.delete(look);
        resolve();
      };
      this.#whenSettled.add(look);
      look();
    });
  }
}
