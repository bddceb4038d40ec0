import type { Rights, Scopes } from './rights.ts';

/** Who makes a call. */
export interface Caller {
  /** Unlike that of every other caller of any kind: `anonymous`, `token:ci`, `jwt:<issuer>#<subject>`, `stdio`, `cli`. Sessions belong to it. */
  readonly id: string;
  /** What log lines call the caller: the name of the token, a client and the hash of its user, or the id of those that have none. */
  readonly name: string;
  /** Whose quota the calls use: the id, for anonymous callers their address. */
  readonly quotaKey: string;
  readonly rights: Rights;
  /** Whether it is any of those who have no token, where none is needed. */
  readonly isAnonymous?: true;
  /** Missing where no scope would change the rights. */
  readonly scopes?: Scopes | undefined;
}

/** Someone without a token, where none is needed: all of them are one caller, with a quota for each address. */
export const anonymousCaller = (quotaKey: string): Caller => ({
  ...trustedCaller('anonymous'),
  quotaKey,
  isAnonymous: true,
});

/** Someone whom nobody restricts: the user of this process, or a caller that is only observed. */
export const trustedCaller = (id: string): Caller => ({ id, name: id, quotaKey: id, rights: ['*'] });
