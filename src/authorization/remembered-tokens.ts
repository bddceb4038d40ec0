import { hash } from 'node:crypto';

/** Most tokens that are remembered. */
const MAX_TOKENS = 4096;

/** What a token is remembered by, so that none can be read out of memory. */
export const hashOf = (token: string): string => hash('sha256', token, 'base64url');

/** What was found out about tokens, by their hashes; of more than 4096, the last ones. */
export class RememberedTokens<Found> {
  /** The one that was found out about first is first. */
  readonly #known = new Map<string, Found>();

  get(tokenHash: string): Found | undefined {
    return this.#known.get(tokenHash);
  }

  set(tokenHash: string, found: Found): void {
    this.#known.delete(tokenHash);
    this.#known.set(tokenHash, found);
    if (this.#known.size <= MAX_TOKENS) return;
    const [first = tokenHash] = this.#known.keys();
    this.#known.delete(first);
  }

  delete(tokenHash: string): void {
    this.#known.delete(tokenHash);
  }
}
