import { hash } from 'node:crypto';
import type { Caller } from './caller.ts';

/** Most tokens that are remembered; beyond, those that were verified first are verified again. */
const MAX_TOKENS = 4096;

/** What was found out about a token. */
export interface Verified {
  readonly caller: Caller;
  /** In seconds of Unix time. */
  readonly expiresAt: number;
  /** The only resource that it is good for, where that is another than the one of the settings. */
  readonly only?: string | undefined;
  /** Whether it would be found again: the keys that it was verified with are still those of its issuer. */
  readonly stands: () => boolean;
}

/**
 * The tokens that were verified and are good: each costs a signature once. A token is remembered by its hash, so that none can be
 * read out of memory here.
 */
export class VerifiedTokens {
  /** The one that was verified first is first. */
  readonly #known = new Map<string, Verified>();

  /**
   * @param time in seconds of Unix time
   * @param resource that is asked for, where that is another than the one of the settings
   */
  callerOf(token: string, time: number, resource?: string): Caller | undefined {
    const key = keyOf(token);
    const known = this.#known.get(key);
    if (!known || (known.only !== undefined && known.only !== resource)) return undefined;
    if (known.expiresAt > time && known.stands()) return known.caller;
    this.#known.delete(key);
    return undefined;
  }

  add(token: string, verified: Verified): void {
    const key = keyOf(token);
    this.#known.delete(key);
    this.#known.set(key, verified);
    if (this.#known.size <= MAX_TOKENS) return;
    const [first = key] = this.#known.keys();
    this.#known.delete(first);
  }
}

const keyOf = (token: string): string => hash('sha256', token, 'base64url');
