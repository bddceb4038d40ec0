import { createHmac } from 'node:crypto';
import { compactVerify, errors, type JWTPayload } from 'jose';
import { problemOf, readAccessToken, SKEW_SECONDS } from './access-token.ts';
import {
  bearerTokenIn,
  type Authenticate,
  type Authentication,
  type RefusalReason,
} from './authentication.ts';
import type { Caller } from './caller.ts';
import { isForged } from './first-look.ts';
import { copyOf, rightsGrantedBy } from './granted-rights.ts';
import type { Issuer } from './issuer.ts';
import { KeySet } from './key-set.ts';
import { KeySource, type Fetch, type LoadedKeys } from './key-source.ts';
import { isSame } from './oauth.ts';
import { hashOf, RememberedTokens } from './remembered-tokens.ts';
import { VerifiedTokens } from './verified-tokens.ts';

export interface JwtCallersOptions {
  readonly issuers: readonly Issuer[];
  /** How long the keys of an issuer are good if no newer ones can be had, in seconds. */
  readonly keptSeconds: number;
  /** With it users are hashed for the log. */
  readonly hashKey: Uint8Array;
  readonly fetch: Fetch;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told of each answer to the question for keys, and whether they are others than before. */
  readonly loaded: (issuer: string, answer: LoadedKeys, isNew: boolean) => void;
}

interface Known {
  readonly issuer: Issuer;
  readonly keys: KeySet;
}

/** Callers with JWT access tokens of known issuers (RFC 9068; MCP, "Authorization": "Access Token Usage"). */
export class JwtCallers {
  readonly #options: JwtCallersOptions;
  readonly #known: readonly Known[];
  readonly #verified = new VerifiedTokens();
  /** Those with a bad signature, and the version of the keys that say so: a client that goes on with one costs no more signatures. */
  readonly #forged = new RememberedTokens<number>();

  constructor(options: JwtCallersOptions) {
    this.#options = options;
    this.#known = options.issuers.map((issuer) => {
      const source = new KeySource(issuer, options.fetch);
      let seen = 0;
      const keys = new KeySet({
        ...options,
        load: (signal) => source.load(signal),
        loaded: (answer) => {
          options.loaded(issuer.issuer, answer, keys.version !== seen);
          seen = keys.version;
        },
      });
      return { issuer, keys };
    });
  }

  /** How old the keys of each issuer are, and whether they are good. */
  get ages(): readonly {
    readonly issuer: string;
    readonly ageSeconds: () => number;
    readonly areGood: () => boolean;
  }[] {
    return this.#known.map(({ issuer, keys }) => ({
      issuer: issuer.issuer,
      ageSeconds: () => keys.ageSeconds,
      areGood: () => keys.areGood,
    }));
  }

  /** Begins to keep the keys of the issuers; waits for nothing. */
  start(): void {
    for (const { keys } of this.#known) keys.start();
  }

  stop(): Promise<void> {
    for (const { keys } of this.#known) keys.stop();
    return Promise.resolve();
  }

  /** Takes such callers, and has others found out about otherwise. */
  or(otherwise: Authenticate): Authenticate {
    return async (credentials) => {
      const token = bearerTokenIn(credentials.authorization ?? '');
      const found = token === undefined ? undefined : await this.#authenticate(token, credentials.resource);
      if (found && !isOfOther(found)) return found;
      const other = await otherwise(credentials);
      return other.ok || !found ? other : found;
    };
  }

  /** `undefined` where a token is no JWT. */
  async #authenticate(token: string, resource?: string): Promise<Authentication | undefined> {
    const time = this.#options.unixTime();
    const tokenHash = hashOf(token);
    const caller = this.#verified.callerOf(tokenHash, time, resource);
    if (caller) return { ok: true, caller };
    const read = readAccessToken(token);
    if (!read) return undefined;
    const { header, claims } = read;
    const known = this.#known.find(
      ({ issuer }) => typeof claims.iss === 'string' && isSame(claims.iss, issuer.issuer),
    );
    if (!known) return refuse('wrong_issuer');
    const { issuer, keys } = known;
    let problem = problemOf(read, issuer, time);
    const only = problem === 'wrong_audience' && !issuer.hasOnlyAudiences ? resource : undefined;
    if (only !== undefined) problem = problemOf(read, { ...issuer, audiences: [only] }, time);
    if (problem) return refuse(problem);
    const found = await keys.keyFor(header);
    if (!found.ok) return refuse(found.reason);
    const { key, version } = found;
    if (this.#forged.get(tokenHash) === version) return refuse('bad_signature');
    const isGood =
      !(await isForged(token, key, String(header.alg))) && (await isSigned(token, key, issuer.algorithms));
    if (!isGood) {
      this.#forged.set(tokenHash, version);
      return refuse('bad_signature');
    }
    const verified = this.#callerOf(claims, issuer);
    this.#verified.add(tokenHash, {
      caller: verified,
      only,
      expiresAt: Number(claims.exp) + SKEW_SECONDS,
      stands: () => keys.version === version && keys.areGood,
    });
    return { ok: true, caller: verified };
  }

  #callerOf(claims: JWTPayload, issuer: Issuer): Caller {
    const id = `jwt:${issuer.issuer}#${String(claims.sub)}`;
    const hash = createHmac('sha256', this.#options.hashKey).update(id).digest('hex').slice(0, 12);
    return {
      id,
      name: `${clientIn(claims, issuer)}#${hash}`,
      quotaKey: id,
      ...rightsGrantedBy(claims, issuer),
    };
  }
}

const refuse = (reason: RefusalReason): Authentication => ({ ok: false, reason });

/** Whether it is a JWT that none of the known issuers has made: somebody may have been given it as it is. */
const isOfOther = (found: Authentication): boolean => !found.ok && found.reason === 'wrong_issuer';

async function isSigned(
  token: string,
  ...[key, algorithms]: readonly [Parameters<typeof compactVerify>[1], readonly string[]]
): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [...algorithms] });
    return true;
  } catch (error) {
    // A key of another kind than the algorithm, or too short for it, is a TypeError.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false;
    throw error;
  }
}

/** Of the name of a client, as many characters. */
const MAX_NAME = 64;

/** RFC 9068 has `client_id`, OpenID Connect `azp`, Entra in older tokens `appid`, and Okta `cid`. An ID token is for its client. */
function clientIn({ client_id: id, azp, appid, cid, aud }: JWTPayload, { idTokens }: Issuer): string {
  const known = [id, azp, appid, cid, ...(idTokens ? [aud] : [])];
  const name = known.find((each) => typeof each === 'string') ?? 'unknown';
  return copyOf(name.slice(0, MAX_NAME));
}
