/**
 * Why the Kubernetes API did not say what it was asked: it could not be reached, it could not answer now (429, 5xx), it does not
 * know who asks (401), or does not let them (403), what was asked for is too old (410), anything else.
 */
export const FAILURE_REASONS = [
  'unreachable',
  'unavailable',
  'unauthorized',
  'forbidden',
  'gone',
  'other',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** What is asked of the Kubernetes API, by the names that Roles have for it. */
export type Verb = 'list' | 'watch';
