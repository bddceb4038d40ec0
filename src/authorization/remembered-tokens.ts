import { hash } from 'node:crypto';

/** Most tokens that are remembered. */
const MAX_TOKENS = 4096;

/**
 * What was found out about tokens; of more than 4096, the last ones. A token is remembered by its hash, so that none can be read out
 * of memory here.
 */
export class RememberedTokens<Found> {
  /** The one that was found out about first is first. */
  readonly #known = new Map<string, Found>();

  get(token: string): Found | undefined {
    return this.#known.get(keyOf(token));
  }

  set(token: string, found: Found): void {
    const key = keyOf(token);
    this.#known.delete(key);
    this.#known.set(key, found);
    if (this.#known.size <= MAX_TOKENS) return;
    const [first = key] = this.#known.keys();
    this.#known.delete(first);
  }

  delete(token: string): void {
    this.#known.delete(keyOf(token));
  }
}

const keyOf = (token: string): string => hash('sha256', token, 'base64url');
