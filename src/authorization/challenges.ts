import type { RefusalReason } from './authentication.ts';

/** What the WWW-Authenticate header of refusals says (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenges {
  /** Of a request without a token that is good. */
  readonly unauthorized: (reason: RefusalReason) => string;
  /** Of one whose token does not suffice. `scopes` are all that one for it needs. */
  readonly insufficientScope: (scopes: readonly string[]) => string;
}

/** @param metadataUrl where clients learn how to get a token; missing where there is nobody who would give them one */
export function challengesFor(metadataUrl: string | undefined): Challenges {
  const challenge = (parameters: Readonly<Record<string, string>>): string => {
    const all = {
      ...parameters,
      ...(metadataUrl !== undefined && { resource_metadata: metadataUrl }),
    };
    return `Bearer ${Object.entries(all)
      .map(([name, value]) => `${name}="${value}"`)
      .join(', ')}`;
  };
  const realm = 'nexus-mcp';
  // RFC 6750, section 3.1: no error code when no credentials were given.
  const missing = challenge({ realm });
  const invalid = challenge({ realm, error: 'invalid_token' });
  return {
    unauthorized: (reason) => (reason === 'missing' ? missing : invalid),
    insufficientScope: (scopes) => challenge({ realm, error: 'insufficient_scope', scope: scopes.join(' ') }),
  };
}
