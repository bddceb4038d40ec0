import type { JSONWebKeySet, JWK } from 'jose';
import type { Issuer } from './issuer.ts';
import type { KeyRefreshOutcome } from './labels.ts';
import { isSame } from './oauth.ts';

/** The keys of an issuer, or why there are none. */
export type LoadedKeys = { readonly ok: true; readonly keys: JSONWebKeySet } | Unusable;

interface Unusable {
  readonly ok: false;
  readonly outcome: Exclude<KeyRefreshOutcome, 'success'>;
  /** In words for the log. */
  readonly problem: string;
}

type Document = { readonly ok: true; readonly value: unknown } | Unusable;

export type Fetch = typeof globalThis.fetch;

/** Of a document that an issuer answers with: those of the largest are some 10 kB. */
const MAX_DOCUMENT_BYTES = 262_144;
const MAX_KEYS = 64;

const KINDS_OF_KEYS: readonly unknown[] = ['RSA', 'EC', 'OKP'];

/** Where an issuer says where its keys are, and then its keys. */
export class KeySource {
  readonly #issuer: Issuer;
  readonly #fetch: Fetch;
  /** Where its keys were last found: it is not asked for that each time. */
  #found: string | undefined;

  constructor(issuer: Issuer, fetch: Fetch) {
    this.#issuer = issuer;
    this.#fetch = fetch;
  }

  /** Asks for the keys that the issuer has now. */
  async load(signal: AbortSignal): Promise<LoadedKeys> {
    const uri = this.#issuer.jwksUri ?? this.#found ?? (await this.#locate(signal));
    if (typeof uri !== 'string') return uri;
    const document = await this.#get(uri, signal);
    const loaded = document.ok ? keysIn(document.value, uri) : document;
    this.#found = loaded.ok ? uri : undefined;
    return loaded;
  }

  /** Reads in the issuer's metadata where its keys are. */
  async #locate(signal: AbortSignal): Promise<string | Unusable> {
    const { issuer } = this.#issuer;
    let last: Unusable | undefined;
    for (const uri of metadataUris(issuer)) {
      const document = await this.#get(uri, signal);
      if (document.ok) return jwksUriIn(document.value, issuer, uri);
      last = document;
      // It is somewhere else only if the issuer answers that it is not here.
      if (document.outcome !== 'error_status') break;
    }
    return last ?? unusable('invalid', `${issuer} is no URL`);
  }

  async #get(uri: string, signal: AbortSignal): Promise<Document> {
    let response: Response;
    let text: string | undefined;
    try {
      const headers = { accept: 'application/json, application/jwk-set+json' };
      response = await this.#fetch(uri, { headers, redirect: 'error', signal });
      text = response.ok ? await textOf(response) : '';
      if (!response.ok) await response.body?.cancel();
    } catch (error) {
      return unusable('unreachable', `${uri} did not answer: ${causeOf(error)}`);
    }
    if (!response.ok) return unusable('error_status', `${uri} answered ${response.status}`);
    if (text === undefined)
      return unusable('invalid', `${uri} answered more than ${MAX_DOCUMENT_BYTES} bytes`);
    try {
      return { ok: true, value: JSON.parse(text) as unknown };
    } catch {
      return unusable('invalid', `${uri} did not answer with JSON`);
    }
  }
}

/** Where the metadata of an issuer may be: OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3.1, and its section 5. */
function metadataUris(issuer: string): readonly string[] {
  const url = URL.parse(issuer);
  if (!url) return [];
  const path = url.pathname.replace(/\/$/, '');
  const inserted = (name: string): string => `${url.origin}/.well-known/${name}${path}`;
  const uris = [
    `${url.origin}${path}/.well-known/openid-configuration`,
    inserted('oauth-authorization-server'),
    inserted('openid-configuration'),
  ];
  return [...new Set(uris)];
}

function jwksUriIn(document: unknown, expected: string, uri: string): string | Unusable {
  const { issuer, jwks_uri: jwksUri } = fieldsOf(document);
  // RFC 8414, section 3.3: what speaks for another issuer is not to be used.
  if (typeof issuer !== 'string' || !isSame(issuer, expected))
    return unusable(
      'invalid',
      `${uri} is of another issuer than ${expected}: ${typeof issuer === 'string' ? issuer.slice(0, 200) : 'it names none'}`,
    );
  if (typeof jwksUri !== 'string' || !isOfSameKind(jwksUri, expected))
    return unusable('invalid', `${uri} has no jwks_uri that can be used`);
  return jwksUri;
}

/** Whether a URL is https, or http where the issuer's is. */
const isOfSameKind = (text: string, issuer: string): boolean =>
  ['https:', URL.parse(issuer)?.protocol].includes(URL.parse(text)?.protocol);

function keysIn(document: unknown, uri: string): LoadedKeys {
  const { keys } = fieldsOf(document);
  if (!Array.isArray(keys)) return unusable('invalid', `${uri} did not answer with a set of keys`);
  if (keys.length > MAX_KEYS) return unusable('invalid', `${uri} has more than ${MAX_KEYS} keys`);
  const ofUse = (keys as readonly unknown[]).filter(verifies);
  if (ofUse.length === 0) return unusable('empty', `${uri} has no key that verifies signatures`);
  return { ok: true, keys: { keys: [...ofUse] } };
}

/** Whether it can be the public key of a signature (RFC 7517). A secret key, which HMAC has, has no place in a public document. */
function verifies(key: unknown): key is JWK {
  const { kty, use = 'sig' } = fieldsOf(key);
  return KINDS_OF_KEYS.includes(kty) && use === 'sig';
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

const unusable = (outcome: Unusable['outcome'], problem: string): Unusable => ({
  ok: false,
  outcome,
  problem,
});

/** The body, or `undefined` where it is too long. */
async function textOf({ body }: Response): Promise<string | undefined> {
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DOCUMENT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What `fetch` says of itself is only that it failed. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
