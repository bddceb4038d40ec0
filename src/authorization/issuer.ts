import type { Grants } from './rights.ts';

/** An authorization server whose access tokens are taken. */
export interface Issuer {
  /** Its identifier, as its metadata and its tokens have it. */
  readonly issuer: string;
  /** For whom its tokens must be, of which one suffices. */
  readonly audiences: readonly string[];
  /** Whether its tokens must be for one of those, also where a whole upstream is asked for, which is a resource of its own. */
  readonly hasOnlyAudiences?: boolean;
  /** Where its keys are; left out where its metadata says so. */
  readonly jwksUri?: string | undefined;
  /** Whether its ID tokens are taken, too: those of Dex cannot be told from its access tokens. */
  readonly idTokens?: boolean | undefined;
  /** Those of its signatures. */
  readonly algorithms: readonly string[];
  /** What scopes allow. Where nothing is said of scopes and groups, each of its tokens may use all tools. */
  readonly scopes?: Grants | undefined;
  /** The claim that has the scopes; by default `scope`, or else `scp`. */
  readonly scopesClaim?: string | undefined;
  /** What membership in groups allows. */
  readonly groups?: Grants | undefined;
  /** The claim that has the groups. */
  readonly groupsClaim: string;
}
