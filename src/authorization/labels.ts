/** The closed sets of what can be wrong with credentials, and with getting keys; and what the status page says of those. */

/**
 * Why a request was refused for its credentials. All but one are for its client to mend; `keys_unavailable` says that the keys of
 * an issuer, which would tell, are not to be had.
 */
export const AUTH_FAILURE_REASONS = [
  'missing',
  'malformed',
  'expired',
  'wrong_audience',
  'wrong_issuer',
  'bad_signature',
  'unknown_key',
  'insufficient_scope',
  'keys_unavailable',
  'unknown_token',
] as const;
export type AuthFailureReason = (typeof AUTH_FAILURE_REASONS)[number];

/**
 * What became of asking an issuer for its keys: there are some; it did not answer, or not in time; it answered with an error;
 * what it answered is not what was asked for; there is no key of use in it.
 */
export const KEY_REFRESH_OUTCOMES = ['success', 'unreachable', 'error_status', 'invalid', 'empty'] as const;
export type KeyRefreshOutcome = (typeof KEY_REFRESH_OUTCOMES)[number];

/** How it goes with the keys of an issuer of access tokens. */
export interface IssuerReport {
  readonly issuer: string;
  /** Whether its tokens can be verified; where not, all of them are refused. */
  readonly keys_usable: boolean;
  /** Since they last came; before they first came, since the start. */
  readonly keys_age_seconds: number;
  /** For how long it has not given them; 0 where its last answer had some. */
  readonly failing_seconds: number;
  /** What was wrong with its last answer; empty where nothing was. */
  readonly why: string;
}
