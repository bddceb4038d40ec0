import type { Issuer } from './issuer.ts';

/** RFC 9728, section 3. */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** What clients need to know to get a token for this server. */
export interface ProtectedResource {
  /** Its URL, as clients know it. */
  readonly resource: string;
  readonly issuers: readonly Pick<Issuer, 'issuer' | 'scopes'>[];
}

/** Where the metadata of a resource is, for clients (RFC 9728, section 3.1): its path comes last. */
export function metadataUrlOf(resource: string): string {
  const { origin, pathname, search } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
}

/**
 * The scopes that clients are to ask for at first: those that do not give everything, if there are others (MCP, "Security Best
 * Practices": "Scope Minimization"). A call that needs another is told so.
 */
function offeredScopes(issuers: ProtectedResource['issuers']): readonly string[] {
  const all = issuers.flatMap(({ scopes = {} }) => Object.entries(scopes));
  const small = all.filter(([, grants]) => !grants.includes('*'));
  const offered = new Set((small.length > 0 ? small : all).map(([scope]) => scope));
  offered.delete('offline_access');
  return [...offered];
}

/** The metadata of a resource (RFC 9728, section 2). What refreshes tokens is between a client and the issuer. */
export function metadataOf({ resource, issuers }: ProtectedResource): object {
  const scopes = offeredScopes(issuers);
  return {
    resource,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: 'Nexus MCP',
  };
}
