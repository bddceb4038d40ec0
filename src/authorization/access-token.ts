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
const SKEW_SECONDS = 60;

/** RFC 9068, section 2.1; and what most issuers write, if they write anything. */
const TYPES: readonly unknown[] = ['at+jwt', 'application/at+jwt', 'jwt', undefined];

/**
 * What is wrong with what a token of an issuer says, if something is (RFC 9068, section 4; RFC 8725). It is looked at before the
 * signature: that costs much more, and a token that is refused anyway needs none.
 * @param time in seconds of Unix time
 */
export function problemOf(
  { header, claims }: AccessToken,
  { audiences, algorithms }: Issuer,
  time: number,
): RefusalReason | undefined {
  const { sub, aud, exp, nbf = 0 } = claims;
  const type: unknown = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ;
  if (!TYPES.includes(type) || typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT)
    return 'malformed';
  // RFC 7515, section 4.1.11: what must be understood. Access tokens have nothing of the kind.
  if (header.crit !== undefined) return 'malformed';
  if (typeof exp !== 'number' || typeof nbf !== 'number') return 'malformed';
  if (!algorithms.includes(String(header.alg))) return 'bad_signature';
  if (exp + SKEW_SECONDS <= time || nbf - SKEW_SECONDS > time) return 'expired';
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const isMeant = named.some(
    (each) => typeof each === 'string' && audiences.some((audience) => isSame(each, audience)),
  );
  return isMeant ? undefined : 'wrong_audience';
}
