import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import type { Issuer } from './issuer.ts';
import type { RefusalReason } from './authentication.ts';
import { isSame } from './oauth.ts';

/** What a JWT says of itself; anybody can have written it until its signature is verified. */
export interface AccessToken {
  readonly header: ProtectedHeaderParameters;
  readonly claims: JWTPayload;
}

/** Reads a JWT; `undefined` where a token is none. */
export function readAccessToken(token: string): AccessToken | undefined {
  // Header, claims and signature. Most other tokens have fewer parts.
  if (token.split('.', 4).length !== 3) return undefined;
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/** Of the name of a user (OpenID Connect Core 1.0, section 2). */
const MAX_SUBJECT = 255;

/** How much the clock of an issuer may differ from ours, in seconds. */
export const SKEW_SECONDS = 60;

/** RFC 9068, section 2.1; and what most issuers write, if they write anything. */
const TYPES: readonly unknown[] = ['at+jwt', 'application/at+jwt', 'jwt', undefined];

/** Claims that ID tokens have of access tokens that they came with (OpenID Connect Core 1.0, section 3.1.3.6). */
const OF_ID_TOKENS = ['at_hash', 'c_hash'];

/** What Keycloak's claim `typ` says of tokens that are for something else. */
const OTHER_TYPES: readonly unknown[] = ['ID', 'Refresh', 'Offline', 'Logout'];

/** Claims of which access tokens have one: for whom it was made, or for what. ID tokens of Entra, Auth0 and Okta have none. */
const OF_ACCESS_TOKENS = ['client_id', 'azp', 'appid', 'cid', 'scp', 'scope'];

/**
 * Whether a token is for access, and not the ID token that tells a client who its user is (RFC 8725, section 3.12). Where the type
 * does not say so, as most issuers leave it, the claims must.
 */
function isForAccess(type: unknown, claims: JWTPayload, idTokens: boolean): boolean {
  if (type === 'at+jwt' || type === 'application/at+jwt') return true;
  // Those that have `events` tell of something, such as a logout (RFC 8417, section 2.2; OpenID Connect Back-Channel Logout 1.0).
  if (OTHER_TYPES.includes(claims['typ']) || 'events' in claims) return false;
  if (idTokens) return true;
  if (OF_ID_TOKENS.some((name) => name in claims)) return false;
  return OF_ACCESS_TOKENS.some((name) => name in claims);
}

/**
 * What is wrong with what a token of an issuer says, if something is (RFC 9068, section 4; RFC 8725). It is looked at before the
 * signature: that costs much more, and a token that is refused anyway needs none.
 * @param time in seconds of Unix time
 */
export function problemOf(
  { header, claims }: AccessToken,
  { audiences, algorithms, idTokens = false }: Issuer,
  time: number,
): RefusalReason | undefined {
  const { sub, aud, exp, nbf = 0 } = claims;
  const type: unknown = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ;
  if (!TYPES.includes(type) || typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT)
    return 'malformed';
  // RFC 7515, section 4.1.11: what must be understood. Access tokens have nothing of the kind.
  if (header.crit !== undefined) return 'malformed';
  if (typeof exp !== 'number' || typeof nbf !== 'number') return 'malformed';
  // Whoever writes a token may write anything there.
  const alg: unknown = header.alg;
  if (typeof alg !== 'string' || !isForAccess(type, claims, idTokens)) return 'malformed';
  if (!algorithms.includes(alg)) return 'bad_signature';
  if (exp + SKEW_SECONDS <= time || nbf - SKEW_SECONDS > time) return 'expired';
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const isMeant = named.some(
    (each) => typeof each === 'string' && audiences.some((audience) => isSame(each, audience)),
  );
  return isMeant ? undefined : 'wrong_audience';
}
