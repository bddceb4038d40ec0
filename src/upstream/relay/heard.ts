import type { Fault } from '../fault.ts';

/** What became of an exchange at the upstream. */
export type Heard =
  /** A stream began. */
  | { readonly kind: 'began' }
  /** It ended with an answer, or with something that says at least that the upstream is there. */
  | { readonly kind: 'answered' | 'found' }
  | { readonly kind: 'failed'; readonly fault: Fault }
  /** It ended before that was known. */
  | { readonly kind: 'abandoned' };
