import { createHash, timingSafeEqual } from 'node:crypto';
import { anonymousCaller, type Caller } from './caller.ts';
import { clientOf } from './client-address.ts';
import type { AuthFailureReason } from './labels.ts';

/** Why it is not known who makes a request. */
export type RefusalReason = Exclude<AuthFailureReason, 'insufficient_scope'>;

/** What a request says of who makes it. */
export interface Credentials {
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** The client's IP address; all whose address is none are one client. */
  readonly address: string;
  /** The resource that is asked for, where that is another than the one of the settings. */
  readonly resource?: string | undefined;
}

export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly reason: RefusalReason };

/** Says who a request comes from, or why that cannot be said. It may have to fetch keys first. */
export type Authenticate = (credentials: Credentials) => Promise<Authentication>;

/** A bearer token and what it is good for. */
export interface Token {
  /** For logs and quotas; not secret. */
  readonly name: string;
  readonly token: string;
  /** Names of the tools and toolsets its bearer may use; all when left out. */
  readonly tools?: readonly string[] | undefined;
}

/** Takes every request for its client's address, and lets it use all tools. */
export const anonymous: Authenticate = ({ address }) =>
  Promise.resolve({ ok: true, caller: anonymousCaller(clientOf(address) ?? 'unknown') });

/** The token of an Authorization header; `undefined` where it has another form. */
export const bearerTokenIn = (authorization: string): string | undefined =>
  /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];

/** Takes requests with one of the given tokens (RFC 6750, section 2.1). */
export function bearer(tokens: readonly Token[]): Authenticate {
  const known = tokens.map(({ name, token, tools = ['*'] }) => {
    const id = `token:${name}`;
    return { digest: digestOf(token), caller: { id, name, quotaKey: id, rights: tools } };
  });
  const authenticate = (authorization: string | undefined): Authentication => {
    if (authorization === undefined) return { ok: false, reason: 'missing' };
    const presented = bearerTokenIn(authorization);
    if (presented === undefined) return { ok: false, reason: 'malformed' };
    const digest = digestOf(presented);
    // Every token is compared, whole, so that the time taken tells nothing about any of them.
    const [match] = known.filter((candidate) => timingSafeEqual(candidate.digest, digest));
    return match ? { ok: true, caller: match.caller } : { ok: false, reason: 'unknown_token' };
  };
  return ({ authorization }) => Promise.resolve(authenticate(authorization));
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
