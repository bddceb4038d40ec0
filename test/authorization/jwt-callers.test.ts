import { createHmac, generateKeyPairSync, KeyObject, sign as signBytes } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, type Authentication } from '../../src/authorization/authentication.ts';
import type { Issuer } from '../../src/authorization/issuer.ts';
import { authSettings } from '../../src/config/auth-settings.ts';
import { JwtCallers } from '../../src/authorization/jwt-callers.ts';
import { ALGORITHMS } from '../../src/authorization/oauth.ts';
import { encoded, makeKey, sign, type SigningKey } from '../support/signing-keys.ts';

const ISSUER = 'https://idp.example/realms/one';
const RESOURCE = 'https://mcp.example/mcp';
const STATIC = 'static-token-0123456789abcdef';
const NOW = 1_800_000_000;

const issuer: Issuer = {
  issuer: ISSUER,
  audiences: [RESOURCE],
  jwksUri: `${ISSUER}/keys`,
  algorithms: ALGORITHMS,
  groupsClaim: 'groups',
};

let key: SigningKey;
let other: SigningKey;
let rsa: SigningKey;
beforeAll(async () => {
  key = await makeKey('first');
  other = await makeKey('second');
  rsa = await makeKey('rsa', 'RS256');
});

/** What the issuer answers. */
let document: () => Promise<Response>;
/** The same, by address. */
let documentAt: ((uri: string) => Promise<Response>) | undefined;
let time: number;
beforeEach(() => {
  time = NOW;
  documentAt = undefined;
  document = () => Promise.resolve(Response.json({ keys: [key.jwk, rsa.jwk] }));
});

interface Started {
  readonly callers: JwtCallers;
  /** What a token is taken for: the id of its caller, or why there is none. */
  readonly ask: (token: string) => Promise<string>;
  readonly authenticate: (authorization?: string) => Promise<Authentication>;
  readonly fetch: ReturnType<typeof vi.fn>;
}

function start(about: Partial<Issuer> = {}, more: readonly Issuer[] = []): Started {
  const fetch = vi.fn((uri: unknown) => documentAt?.(String(uri)) ?? document());
  const callers = new JwtCallers({
    issuers: [{ ...issuer, ...about }, ...more],
    keptSeconds: authSettings.parse({}).keysKeptSeconds,
    hashKey: Buffer.alloc(32, 1),
    fetch,
    now: () => time - NOW,
    unixTime: () => time,
    random: () => 0,
    loaded: () => undefined,
  });
  const authenticate = callers.or(bearer([{ name: 'ci', token: STATIC }]));
  callers.start();
  return {
    callers,
    fetch,
    authenticate: (authorization) => authenticate({ authorization, address: '192.0.2.1' }),
    async ask(token) {
      const found = await authenticate({ authorization: `Bearer ${token}`, address: '192.0.2.1' });
      return found.ok ? found.caller.id : found.reason;
    },
  };
}

const usual = { iss: ISSUER, aud: RESOURCE, sub: 'ada', client_id: 'cli', exp: NOW + 600 };
const token = (claims: object = {}, header = {}, by = key): Promise<string> =>
  sign(by, { ...usual, ...claims }, header);
const ADA = `jwt:${ISSUER}#ada`;

/** A token as somebody without a key would make it. */
const forged = (header: object, signature = ''): string =>
  `${encoded(header)}.${encoded(usual)}.${signature}`;

describe('a token that is good', () => {
  it.each<[string, () => Promise<string>]>([
    ['as RFC 9068 has it', () => token()],
    ['with the type that most issuers write', () => token({}, { typ: 'JWT' })],
    ['with the full type', () => token({}, { typ: 'application/at+jwt' })],
    ['without a type', () => token({}, { typ: undefined })],
    [
      'as Keycloak writes it',
      () =>
        token(
          {
            typ: 'Bearer',
            aud: [RESOURCE, 'account'],
            azp: 'cli',
            client_id: undefined,
            scope: 'tools:read',
          },
          { typ: 'JWT' },
        ),
    ],
    ['for this server among others', () => token({ aud: ['https://other.example', RESOURCE] })],
    ['whose audience has a slash more', () => token({ aud: `${RESOURCE}/` })],
    ['whose issuer has a slash more', () => token({ iss: `${ISSUER}/` })],
    ['signed with RSA', () => token({}, {}, rsa)],
    ['that has just expired by our clock', () => token({ exp: NOW - 59 })],
    ['that is soon valid by our clock', () => token({ nbf: NOW + 59 })],
  ])('is taken: %s', async (_what, make) => {
    expect(await start().ask(await make())).toBe(ADA);
  });

  it('is taken where the settings have a slash more', async () => {
    const { ask } = start({ audiences: [`${RESOURCE}/`], issuer: `${ISSUER}/` });
    expect(await ask(await token())).toBe(`jwt:${ISSUER}/#ada`);
  });

  it('is taken for another audience of the settings, and then for no other', async () => {
    const { ask } = start({ audiences: ['api://nexus', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'] });
    expect(await ask(await token({ aud: '3f2504e0-4f89-11d3-9a0c-0305e82c3301' }))).toBe(ADA);
    expect(await ask(await token())).toBe('wrong_audience');
  });

  it('is taken as an ID token only of an issuer whose ID tokens are, and names its client by the audience', async () => {
    // As Dex makes its access tokens.
    const ofDex = { aud: 'desk', client_id: undefined, at_hash: 'x', nonce: 'y', groups: ['ops'] };
    const about = { audiences: ['desk'], idTokens: true };
    const { authenticate } = start(about);
    const found = await authenticate(`Bearer ${await token(ofDex, { typ: undefined })}`);
    expect(found).toMatchObject({ ok: true, caller: { name: expect.stringMatching(/^desk#/) as unknown } });
    expect(await start({ audiences: ['desk'] }).ask(await token(ofDex, { typ: undefined }))).toBe(
      'malformed',
    );
    expect(await start(about).ask(await token({ ...ofDex, typ: 'Refresh' }, { typ: 'JWT' }))).toBe(
      'malformed',
    );
    expect(await start(about).ask(await token({ ...ofDex, aud: 'other' }))).toBe('wrong_audience');
    // OpenID Connect Back-Channel Logout 1.0, section 2.4.
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    expect(await start(about).ask(await token({ ...ofDex, events }, { typ: 'JWT' }))).toBe('malformed');
  });

  it('makes no other caller of each token, and of each user another', async () => {
    const { ask } = start();
    expect(await ask(await token({ jti: 'a' }))).toBe(await ask(await token({ jti: 'b' })));
    expect(await ask(await token({ sub: 'bob' }))).toBe(`jwt:${ISSUER}#bob`);
  });

  it('names its client and a keyed hash of its user, and the user nowhere', async () => {
    const { authenticate } = start();
    const found = await authenticate(`Bearer ${await token({ sub: 'ada@example.com' })}`);
    if (!found.ok) throw new Error(found.reason);
    const hash = createHmac('sha256', Buffer.alloc(32, 1)).update(found.caller.id).digest('hex').slice(0, 12);
    expect(found.caller.name).toBe(`cli#${hash}`);
    expect(found.caller.quotaKey).toBe(found.caller.id);
  });
});

describe('whatever a token is signed with', () => {
  it.each(ALGORITHMS)('%s: the signature of its issuer is taken, and no other', async (algorithm) => {
    const [own, foreign] = [await makeKey('own', algorithm), await makeKey('own', algorithm)];
    document = () => Promise.resolve(Response.json({ keys: [own.jwk] }));
    const { ask } = start();
    expect(await ask(await token({}, {}, own))).toBe(ADA);
    expect(await ask(await token({}, {}, foreign))).toBe('bad_signature');
    const [header = '', claims = '', signature = ''] = (await token({}, {}, own)).split('.');
    expect(await ask(`${header}.${encoded({ ...usual, sub: 'root' })}.${signature}`)).toBe('bad_signature');
    for (const none of ['', 'AAAA', 'A'.repeat(signature.length)])
      expect(await ask(`${header}.${claims}.${none}`)).toBe('bad_signature');
  });

  // ASN.1 has no zeros in front, but for one where the number would be negative otherwise.
  it.each([
    ['zeros', 0, 0, 0x80],
    ['zeros', 32, 0, 0x80],
    ['a zero that stays', 0, 0x80, 0x100],
    ['a zero that stays', 32, 0x80, 0x100],
  ])('ES256: a number of it may begin with %s (byte %i)', async (_what, at, least, below) => {
    const { ask } = start();
    const [header = '', claims = ''] = (await token()).split('.');
    const by = { key: KeyObject.from(key.privateKey), dsaEncoding: 'ieee-p1363' } as const;
    // Each signature is another one.
    const signed = (): Buffer => signBytes('sha256', Buffer.from(`${header}.${claims}`), by);
    const begins = (signature: Buffer): boolean => {
      const first = signature.readUInt16BE(at);
      return first >= least && first < below;
    };
    let signature = signed();
    while (!begins(signature)) signature = signed();
    expect(await ask(`${header}.${claims}.${signature.toString('base64url')}`)).toBe(ADA);
  });
});

describe('a token is refused', () => {
  it.each<[string, string, () => Promise<string> | string]>([
    ['expired', 'has expired', () => token({ exp: NOW - 60 })],
    ['expired', 'is not valid yet', () => token({ nbf: NOW + 61 })],
    ['wrong_audience', 'is for another server', () => token({ aud: 'https://other.example/mcp' })],
    ['wrong_audience', 'is for all of the host', () => token({ aud: 'https://mcp.example' })],
    ['wrong_audience', 'is for what begins alike', () => token({ aud: `${RESOURCE}//` })],
    ['wrong_audience', 'is for nobody', () => token({ aud: undefined })],
    ['wrong_issuer', 'is of another issuer', () => token({ iss: 'https://idp.example/realms/two' })],
    ['wrong_issuer', 'names no issuer', () => token({ iss: undefined })],
    ['bad_signature', 'was changed', async () => `${(await token()).slice(0, -4)}AAAA`],
    [
      'bad_signature',
      'has claims of another',
      async () => {
        const [header = '', , signature = ''] = (await token()).split('.');
        return `${header}.${encoded({ ...usual, sub: 'root' })}.${signature}`;
      },
    ],
    [
      'bad_signature',
      'is signed by somebody else under a known name',
      () => token({}, { kid: 'first' }, other),
    ],
    [
      'bad_signature',
      'has no signature (alg: none)',
      () => forged({ alg: 'none', typ: 'at+jwt', kid: 'first' }),
    ],
    ['bad_signature', 'has no signature (alg: nOnE)', () => forged({ alg: 'nOnE', typ: 'JWT' })],
    ['unknown_key', 'names the key of another algorithm', () => token({}, { kid: 'rsa' })],
    ['unknown_key', 'is signed with an unknown key', () => token({}, {}, other)],
    [
      'unknown_key',
      'says itself where its key is',
      () => token({}, { kid: 'x', jku: 'https://evil.example/' }, other),
    ],
    ...[{ toString: 1 }, ['ES256'], null, JSON.parse('['.repeat(3000) + ']'.repeat(3000)) as object].map(
      (alg, index): [string, string, () => string] => [
        'malformed',
        `says nothing that can be an algorithm (${index})`,
        () => forged({ alg, typ: 'JWT', kid: 'first' }),
      ],
    ),
    [
      'malformed',
      'is an ID token',
      () => token({ client_id: undefined, nonce: 'n', name: 'Ada', roles: ['Operators'] }, { typ: 'JWT' }),
    ],
    [
      'malformed',
      'is an ID token with its client',
      () => token({ azp: 'cli', at_hash: 'h' }, { typ: 'JWT' }),
    ],
    ['malformed', 'says that it is for a logout', () => token({ typ: 'Logout' }, { typ: undefined })],
    ['malformed', 'is for something else (typ)', () => token({}, { typ: 'dpop+jwt' })],
    ['malformed', 'is of a logout (typ)', () => token({}, { typ: 'logout+jwt' })],
    ['malformed', 'never expires', () => token({ exp: undefined })],
    ['malformed', 'expires at a text', () => token({ exp: 'never' })],
    ['malformed', 'is of nobody', () => token({ sub: undefined })],
    ['malformed', 'is of somebody with a name without end', () => token({ sub: 'a'.repeat(256) })],
    ['malformed', 'has what must be understood (crit)', () => token({}, { crit: ['b64'], b64: true })],
    ['unknown_token', 'is no JWT', () => 'x'.repeat(40)],
    ['unknown_token', 'has three parts that say nothing', () => 'aaa.bbb.ccc'],
    ['unknown_token', 'is encrypted', () => `${encoded({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`],
  ])('as %s: it %s', async (reason, _what, make) => {
    const { ask, fetch } = start();
    expect(await ask(await make())).toBe(reason);
    expect(fetch.mock.calls.map(([uri]) => String(uri))).toEqual([`${ISSUER}/keys`]);
  });

  it('as bad_signature: it is signed by HMAC with the public key', async () => {
    const { ask } = start();
    const header = encoded({ alg: 'HS256', typ: 'at+jwt', kid: 'rsa' });
    const pem = await exportSPKI((await importJWK(rsa.jwk)) as Parameters<typeof exportSPKI>[0]);
    for (const secret of [pem, JSON.stringify(rsa.jwk), rsa.jwk.n ?? '']) {
      const body = `${header}.${encoded(usual)}`;
      const signature = createHmac('sha256', secret).update(body).digest('base64url');
      expect(await ask(`${body}.${signature}`)).toBe('bad_signature');
    }
  });

  it('as bad_signature: its algorithm is not one of the settings', async () => {
    const { ask } = start({ algorithms: ['RS256'] });
    expect(await ask(await token())).toBe('bad_signature');
    expect(await ask(await token({}, {}, rsa))).toBe(ADA);
  });

  it('as unknown_key: its key is too short for RSA, or secret', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const secret = { kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'secret', alg: 'HS256' };
    document = () =>
      Promise.resolve(Response.json({ keys: [key.jwk, { ...short, kid: 'short', alg: 'RS256' }, secret] }));
    const { ask } = start();
    expect(['unknown_key', 'bad_signature']).toContain(await ask(await token({}, { kid: 'short' }, rsa)));
    expect(await ask(await token({}, { kid: 'secret' }))).toBe('unknown_key');
  });

  it('as keys_unavailable only if nothing else is wrong with it', async () => {
    document = () => Promise.reject(new Error('down'));
    const { ask } = start();
    expect(await ask(await token())).toBe('keys_unavailable');
    expect(await ask(await token({ exp: NOW - 100 }))).toBe('expired');
    expect(await ask(await token({ aud: 'https://other.example' }))).toBe('wrong_audience');
    expect(await ask(forged({ alg: 'none' }))).toBe('bad_signature');
    expect(await ask(STATIC)).toBe('token:ci');
  });
});

describe('static tokens beside', () => {
  it('are taken, also where they look like a JWT of somebody else', async () => {
    const { callers, authenticate, ask } = start();
    const foreign = await token({ iss: 'https://elsewhere.example' });
    expect(await ask(STATIC)).toBe('token:ci');
    expect(await ask(foreign)).toBe('wrong_issuer');
    const given = callers.or(bearer([{ name: 'foreign', token: foreign }]));
    expect(await given({ authorization: `Bearer ${foreign}`, address: '' })).toMatchObject({
      caller: { id: 'token:foreign' },
    });
    expect(await authenticate()).toEqual({ ok: false, reason: 'missing' });
    expect(await authenticate('Basic YQ==')).toEqual({ ok: false, reason: 'malformed' });
  });
});

const verifying = () => vi.spyOn(crypto.subtle, 'verify');

describe('a token with a bad signature', () => {
  it('is refused a second time without a signature', async () => {
    const [own, foreign] = [await makeKey('own', 'EdDSA'), await makeKey('own', 'EdDSA')];
    document = () => Promise.resolve(Response.json({ keys: [own.jwk] }));
    const { ask } = start();
    const bad = await token({}, {}, foreign);
    const verify = verifying();
    for (let call = 0; call < 5; call += 1) expect(await ask(bad)).toBe('bad_signature');
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it.each(['ES256', 'RS256'])(
    'of %s is refused without WebCrypto, which costs twice as much',
    async (algorithm) => {
      const [own, foreign] = [await makeKey('own', algorithm), await makeKey('own', algorithm)];
      document = () => Promise.resolve(Response.json({ keys: [own.jwk] }));
      const { ask } = start();
      const bad = await token({}, {}, foreign);
      const verify = verifying();
      expect(await ask(bad)).toBe('bad_signature');
      expect(verify).not.toHaveBeenCalled();
      verify.mockRestore();
    },
  );

  it('is refused for whatever else is wrong with it by then', async () => {
    const { ask } = start();
    const bad = await token({}, { kid: 'first' }, other);
    expect(await ask(bad)).toBe('bad_signature');
    time += 661;
    expect(await ask(bad)).toBe('expired');
  });

  it('is taken as soon as its issuer publishes the key that made it', async () => {
    const { ask } = start();
    const early = await token({ exp: NOW + 6000 }, { kid: 'first' }, other);
    expect(await ask(early)).toBe('bad_signature');
    document = () => Promise.resolve(Response.json({ keys: [{ ...other.jwk, kid: 'first' }, rsa.jwk] }));
    time += 60;
    // Somebody comes with a key that is not known.
    expect(await ask(await token({ exp: NOW + 6000 }, { kid: 'new' }, key))).toBe('unknown_key');
    expect(await ask(early)).toBe(ADA);
  });

  it('takes no place of one that was verified, however many there are', async () => {
    const { ask } = start();
    const good = await token();
    expect(await ask(good)).toBe(ADA);
    const [header = '', claims = ''] = good.split('.');
    for (let count = 0; count < 4100; count += 1) {
      const signature = Buffer.alloc(64, 1);
      signature.writeUInt16BE(count);
      expect(await ask(`${header}.${claims}.${signature.toString('base64url')}`)).toBe('bad_signature');
    }
    const verify = verifying();
    expect(await ask(good)).toBe(ADA);
    expect(verify).not.toHaveBeenCalled();
    verify.mockRestore();
  });
});

describe('a token that was verified', () => {
  it('needs no signature a second time', async () => {
    const { ask } = start();
    const good = await token();
    const verify = verifying();
    for (let call = 0; call < 5; call += 1) expect(await ask(good)).toBe(ADA);
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it('is refused when it has expired', async () => {
    const { ask } = start();
    const good = await token();
    expect(await ask(good)).toBe(ADA);
    time += 661;
    expect(await ask(good)).toBe('expired');
  });

  it('is refused when its key is not published any more', async () => {
    const { ask } = start();
    const good = await token({ exp: NOW + 6000 });
    expect(await ask(good)).toBe(ADA);
    document = () => Promise.resolve(Response.json({ keys: [other.jwk] }));
    time += 60;
    // Somebody comes with the new key.
    expect(await ask(await token({ exp: NOW + 6000 }, {}, other))).toBe(ADA);
    expect(await ask(good)).toBe('unknown_key');
  });

  it('is refused when the keys are too old, as one that was not', async () => {
    const { ask } = start();
    const good = await token({ exp: NOW + 1_000_000 });
    expect(await ask(good)).toBe(ADA);
    document = () => Promise.reject(new Error('down'));
    time += 86_401;
    expect(await ask(good)).toBe('keys_unavailable');
  });
});

describe('several issuers', () => {
  it('speak for themselves alone', async () => {
    const two = { ...issuer, issuer: 'https://idp.example/realms/two', jwksUri: 'https://idp.example/two' };
    documentAt = (uri) =>
      Promise.resolve(Response.json({ keys: [uri === two.jwksUri ? other.jwk : key.jwk] }));
    const callers = start({}, [two]);
    expect(await callers.ask(await token({ iss: two.issuer }, {}, other))).toBe(`jwt:${two.issuer}#ada`);
    // A key of one of them does not sign for the other.
    expect(await callers.ask(await token({ iss: two.issuer }, {}, key))).toBe('unknown_key');
    expect(await callers.ask(await token({ iss: two.issuer }, { kid: 'second' }, key))).toBe('bad_signature');
  });
});
