import type { Issuer } from './issuer.ts';
import { mayUseServer } from './rights.ts';

/** RFC 9728, section 3. */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** What clients need to know to get a token for this server. */
export interface ProtectedResource {
  /** Its URL, as clients know it. */
  readonly resource: string;
  readonly issuers: readonly Pick<Issuer, 'issuer' | 'scopes'>[];
  /** The names of all upstreams, where it is any of them; missing for `/mcp`. */
  readonly upstreams?: readonly string[];
}

const MCP_PATH = /\/mcp\/?$/;

/**
 * The URL of a whole upstream (`/servers/{name}/mcp`), as clients know it: clients take metadata only of the very resource that they
 * ask for (RFC 9728, section 3.3). `undefined` where the URL of `/mcp` does not tell where the others are.
 */
export const relayOf = (resource: string, name: string): string | undefined =>
  MCP_PATH.test(resource) && /^[a-z0-9-]{1,40}$/.test(name)
    ? resource.replace(MCP_PATH, `/servers/${name}/mcp`)
    : undefined;

/** Where the metadata of a resource is, for clients (RFC 9728, section 3.1): its path comes last. */
export function metadataUrlOf(resource: string): string {
  const { origin, pathname, search } = new URL(resource);
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
}

/**
 * The scopes that clients are to ask for at first: those that do not give everything, if there are others (MCP, "Security Best
 * Practices": "Scope Minimization"). A call that needs another is told so.
 */
function offeredScopes({ issuers, upstreams }: ProtectedResource): readonly string[] {
  const all = issuers
    .flatMap(({ scopes = {} }) => Object.entries(scopes))
    .filter(([, rights]) => !upstreams || upstreams.some((name) => mayUseServer({ rights }, name)));
  const small = all.filter(([, grants]) => !grants.includes('*'));
  const offered = new Set((small.length > 0 ? small : all).map(([scope]) => scope));
  offered.delete('offline_access');
  return [...offered];
}

/** The metadata of a resource (RFC 9728, section 2). What refreshes tokens is between a client and the issuer. */
export function metadataOf(about: ProtectedResource): object {
  const scopes = offeredScopes(about);
  return {
    resource: about.resource,
    authorization_servers: about.issuers.map(({ issuer }) => issuer),
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: 'Nexus MCP',
  };
}
