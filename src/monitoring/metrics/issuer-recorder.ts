import { KEY_REFRESH_OUTCOMES, type KeyRefreshOutcome } from '../../authorization/labels.ts';
import type { Metrics } from './metrics.ts';

/** Every `inc` and `set` of issuers of access tokens. */
export class IssuerRecorder {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /**
   * Creates what counts for an issuer, at 0, so that `increase()` sees the first of each.
   * @param age of its keys, read when it is scraped
   */
  added(issuer: string, age: () => number): void {
    for (const outcome of KEY_REFRESH_OUTCOMES)
      this.#metrics.mcp_auth_key_refreshes_total.inc({ issuer, outcome }, 0);
    this.#metrics.mcp_auth_keys_age_seconds.atScrape(age, { issuer });
  }

  /** It was asked for its keys. */
  keysRefreshed(issuer: string, outcome: KeyRefreshOutcome): void {
    this.#metrics.mcp_auth_key_refreshes_total.inc({ issuer, outcome });
  }
}
