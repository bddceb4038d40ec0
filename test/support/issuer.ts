import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWTPayload } from 'jose';
import { makeKey, sign, type SigningKey } from './signing-keys.ts';

/** What an issuer does when it is asked. */
export type Mood = 'well' | 'error' | 'hangs' | 'empty';

/** An authorization server that publishes keys, and what a test wants of it. */
export interface TestIssuer {
  readonly issuer: string;
  /** Those that it publishes; the first signs. */
  keys: SigningKey[];
  mood: Mood;
  /** The paths that it was asked for. */
  readonly asked: string[];
  /** Signs an access token for a resource; claims that are given replace those that it has. */
  token(resource: string, claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  stop(): Promise<void>;
}

/** Starts an issuer on a free port, whose metadata is where OpenID Connect has it. */
export async function startIssuer(path = '/realms/one'): Promise<TestIssuer> {
  const server = createServer();
  const state = {
    keys: [await makeKey('first')],
    mood: 'well' as Mood,
    asked: [] as string[],
  };
  server.on(
    'request',
    answering(state, () => issuer, path),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  return Object.assign(state, {
    issuer,
    token: (resource: string, claims: JWTPayload = {}, header = {}) => {
      const [key] = state.keys;
      if (!key) throw new Error('it has no key');
      const now = Math.floor(Date.now() / 1000);
      const usual = {
        iss: issuer,
        aud: resource,
        sub: 'ada',
        client_id: 'test-client',
        iat: now,
        exp: now + 600,
      };
      return sign(key, { ...usual, ...claims }, header);
    },
    stop: () => stopped(server),
  });
}

const answering =
  (state: Pick<TestIssuer, 'keys' | 'mood' | 'asked'>, issuer: () => string, path: string): RequestListener =>
  ({ url = '' }, response) => {
    state.asked.push(url);
    if (state.mood === 'hangs') return;
    const documents: Record<string, object> = {
      [`${path}/.well-known/openid-configuration`]: { issuer: issuer(), jwks_uri: `${issuer()}/keys` },
      [`${path}/keys`]: { keys: state.mood === 'empty' ? [] : state.keys.map(({ jwk }) => jwk) },
    };
    const document = documents[url];
    response.writeHead(state.mood === 'error' ? 500 : document ? 200 : 404, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(document ?? {}));
  };

function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
