import type { JWTPayload } from 'jose';
import type { Issuer } from './issuer.ts';
import { isScope } from './oauth.ts';
import type { Grants, Rights, Scopes } from './rights.ts';

/** Of the scopes that a token has, those that are repeated to its client: as many, and of so many characters each. */
const MAX_SCOPES = 32;
const MAX_SCOPE = 128;

/** What the bearer of a token may use, by its scopes and groups. */
export function rightsGrantedBy(
  claims: JWTPayload,
  { scopes, scopesClaim, groups, groupsClaim }: Issuer,
): { readonly rights: Rights; readonly scopes?: Scopes } {
  if (!scopes && !groups) return { rights: ['*'] };
  const held = scopesIn(
    scopesClaim === undefined ? (claims['scope'] ?? claims['scp']) : at(claims, scopesClaim),
  );
  const member = textsIn(at(claims, groupsClaim));
  return {
    rights: [...new Set([...grantedBy(scopes, held), ...grantedBy(groups, member)])],
    ...(scopes && {
      scopes: { held: held.filter(isPlain).slice(0, MAX_SCOPES).map(copyOf), grants: scopes },
    }),
  };
}

/** A text without the one that it is a part of, which would be kept in memory with it. */
export const copyOf = (text: string): string => Buffer.from(text).toString();

const grantedBy = (grants: Grants = {}, held: readonly string[]): readonly string[] =>
  held.flatMap((each) => (Object.hasOwn(grants, each) ? (grants[each] ?? []) : []));

/** A claim by its name, or else by the names on the way to it, with dots between: `realm_access.roles`. */
function at(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
          ? (inner as Readonly<Record<string, unknown>>)[key]
          : undefined,
      claims,
    );
}

/** RFC 8693, section 4.2, has one text with spaces; others have a list. */
const scopesIn = (claim: unknown): readonly string[] =>
  typeof claim === 'string' ? claim.split(' ').filter((scope) => scope !== '') : textsIn(claim);

const textsIn = (claim: unknown): readonly string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((each) => typeof each === 'string');

const isPlain = (scope: string): boolean => scope.length <= MAX_SCOPE && isScope(scope);
