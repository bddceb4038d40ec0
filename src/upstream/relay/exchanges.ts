import type { Exchange } from './exchange.ts';

/** Exchanges with an upstream at a time, of all its clients; streams that only listen are among them. */
export const MAX_EXCHANGES = 1024;

/** Of them, those of one client. */
export const MAX_EXCHANGES_OF_CLIENT = 256;

/** What is under way with an upstream. */
export class Exchanges {
  /** With whose each is. */
  readonly #all = new Map<Exchange, string>();

  add(exchange: Exchange, client: string): void {
    this.#all.set(exchange, client);
  }

  delete(exchange: Exchange): void {
    this.#all.delete(exchange);
  }

  /** Whether a client may not begin another. */
  isFullFor(client: string): boolean {
    const ofClient = [...this.#all.values()].filter((each) => each === client);
    return this.#all.size >= MAX_EXCHANGES || ofClient.length >= MAX_EXCHANGES_OF_CLIENT;
  }

  /** Those of a session. */
  ofSession(sessionId: string | undefined): readonly Exchange[] {
    if (sessionId === undefined) return [];
    return [...this.#all.keys()].filter((exchange) => exchange.sessionId === sessionId);
  }

  /** Ends them all. */
  stop(): void {
    for (const exchange of this.#all.keys()) exchange.stop();
  }
}
