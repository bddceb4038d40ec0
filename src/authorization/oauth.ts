/** What OAuth's tokens and names look like. */

/**
 * How tokens may be signed (RFC 7518, RFC 8037, RFC 9864): by a private key alone. With HMAC, whoever can verify a token can make
 * one, and `none` is no signature.
 */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Whether a text can be a scope (RFC 6749, section 3.3), and be repeated in a header. */
export const isScope = (text: string): boolean => /^[!#-[\]-~]+$/.test(text);

/**
 * Whether two identifiers are the same but for a slash at the end, which many clients and some issuers add. Nobody is given one
 * and somebody else the other: both are the same place.
 */
export const isSame = (one: string, other: string): boolean => withoutSlash(one) === withoutSlash(other);

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text);
