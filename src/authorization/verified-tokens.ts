import type { Caller } from './caller.ts';
import { RememberedTokens } from './remembered-tokens.ts';

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

/** The tokens that were verified and are good: each costs a signature once. */
export class VerifiedTokens {
  readonly #tokens = new RememberedTokens<Verified>();

  /**
   * @param time in seconds of Unix time
   * @param resource that is asked for, where that is another than the one of the settings
   */
  callerOf(tokenHash: string, time: number, resource?: string): Caller | undefined {
    const known = this.#tokens.get(tokenHash);
    if (!known || (known.only !== undefined && known.only !== resource)) return undefined;
    if (known.expiresAt > time && known.stands()) return known.caller;
    this.#tokens.delete(tokenHash);
    return undefined;
  }

  add(tokenHash: string, verified: Verified): void {
    this.#tokens.set(tokenHash, verified);
  }
}
