import type { Ending } from './ending.ts';
import type { Exchange } from './exchange.ts';

/** Exchanges with an upstream at a time, of all its clients; streams that only listen are among them. */
export const MAX_EXCHANGES = 1024;

/** Of them, those of one client. */
export const MAX_EXCHANGES_OF_CLIENT = 256;

/** Besides them, those that begin nothing: they end or answer what is under way, and so make room. */
export const FURTHER_EXCHANGES = 16;

/** What is under way with an upstream. */
export class Exchanges {
  /** With whose each is. */
  readonly #all = new Map<Exchange, string>();
  #noneLeft: () => void = () => undefined;

  add(exchange: Exchange, client: string): void {
    this.#all.set(exchange, client);
  }

  delete(exchange: Exchange): void {
    this.#all.delete(exchange);
    if (this.#all.size === 0) this.#noneLeft();
  }

  /**
   * Whether a client may not have another.
   * @param begins whether that would begin something
   */
  isFullFor(client: string, begins: boolean): boolean {
    const further = begins ? 0 : FURTHER_EXCHANGES;
    const ofClient = [...this.#all.values()].filter((each) => each === client);
    return this.#all.size >= MAX_EXCHANGES + further || ofClient.length >= MAX_EXCHANGES_OF_CLIENT + further;
  }

  /** Those of a session. */
  ofSession(sessionId: string): readonly Exchange[] {
    return [...this.#all.keys()].filter((exchange) => exchange.sessionId === sessionId);
  }

  /**
   * Ends those that only listen, and lets the others end.
   * @param seconds how long they may take
   */
  async finish(ending: Ending, seconds: number): Promise<void> {
    for (const exchange of this.#all.keys()) if (exchange.onlyListens) exchange.stop(ending);
    if (this.#all.size === 0) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, seconds * 1000);
      this.#noneLeft = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  /** Ends them all. */
  stop(ending: Ending): void {
    for (const exchange of this.#all.keys()) exchange.stop(ending);
  }
}
