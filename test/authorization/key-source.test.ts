import { beforeAll, describe, expect, it, vi } from 'vitest';
import { KeySource } from '../../src/authorization/key-source.ts';
import type { Issuer } from '../../src/authorization/issuer.ts';
import { makeKey, type SigningKey } from '../support/signing-keys.ts';

const ISSUER = 'https://idp.example/realms/one';
const KEYS = `${ISSUER}/keys`;
const about: Issuer = { issuer: ISSUER, audiences: [], algorithms: [], groupsClaim: 'groups' };

let key: SigningKey;
beforeAll(async () => {
  key = await makeKey('first');
});

type Answers = Record<string, () => Response | Promise<Response>>;

function sourceOf(answers: Answers, issuer: Partial<Issuer> = {}) {
  const asked: string[] = [];
  const fetch = vi.fn((uri: unknown) => {
    asked.push(String(uri));
    return Promise.resolve(answers[String(uri)]?.() ?? new Response('', { status: 404 }));
  });
  const source = new KeySource({ ...about, ...issuer }, fetch);
  const load = async (): Promise<string> => {
    const loaded = await source.load(new AbortController().signal);
    return loaded.ok ? `${loaded.keys.keys.length} keys` : `${loaded.outcome}: ${loaded.problem}`;
  };
  return { load, asked, fetch };
}

const OIDC = `${ISSUER}/.well-known/openid-configuration`;
const OAUTH = 'https://idp.example/.well-known/oauth-authorization-server/realms/one';
const INSERTED = 'https://idp.example/.well-known/openid-configuration/realms/one';

const metadata =
  (more: object = {}) =>
  () =>
    Response.json({ issuer: ISSUER, jwks_uri: KEYS, ...more });
const keys = () => Response.json({ keys: [key.jwk] });

it.each([
  ['a kind of key that is no text', { keys: [{ kty: { toString: 1 } }] }],
  ['an issuer that is no text', { issuer: { toString: 1 }, jwks_uri: KEYS }],
])('%s is of no use, and harms nobody', async (_what, document) => {
  const { load } = sourceOf({ [KEYS]: () => Response.json(document) }, { jwksUri: KEYS });
  const { load: locate } = sourceOf({ [OIDC]: () => Response.json(document) });
  expect((await load()).split(':')[0]).toMatch(/empty|invalid/);
  expect((await locate()).split(':')[0]).toBe('invalid');
});

describe('where the keys of an issuer are', () => {
  it.each([
    ['OpenID Connect has it', OIDC, [OIDC, KEYS]],
    ['OAuth has it', OAUTH, [OIDC, OAUTH, KEYS]],
    ['some have it', INSERTED, [OIDC, OAUTH, INSERTED, KEYS]],
  ])('is read where %s', async (_what, uri, expected) => {
    const { load, asked } = sourceOf({ [uri]: metadata(), [KEYS]: keys });
    expect(await load()).toBe('1 keys');
    expect(asked).toEqual(expected);
    // And not again.
    expect(await load()).toBe('1 keys');
    expect(asked).toEqual([...expected, KEYS]);
  });

  it('is read again when they are not there any more', async () => {
    const answers: Answers = { [OIDC]: metadata(), [KEYS]: keys };
    const { load } = sourceOf(answers);
    expect(await load()).toBe('1 keys');
    answers[KEYS] = () => new Response('', { status: 404 });
    answers[OIDC] = metadata({ jwks_uri: 'https://keys.example/' });
    answers['https://keys.example/'] = keys;
    expect(await load()).toBe(`error_status: ${KEYS} answered 404`);
    expect(await load()).toBe('1 keys');
  });

  it('is in the settings, and then nothing else is asked', async () => {
    const { load, asked } = sourceOf({ [KEYS]: keys }, { jwksUri: KEYS });
    expect(await load()).toBe('1 keys');
    expect(asked).toEqual([KEYS]);
  });

  it('is found of an issuer without a path, and with a slash more', async () => {
    const root = 'https://idp.example';
    const uri = `${root}/.well-known/openid-configuration`;
    const { load, asked } = sourceOf(
      { [uri]: metadata({ issuer: `${root}/` }), [KEYS]: keys },
      { issuer: root },
    );
    expect(await load()).toBe('1 keys');
    expect(asked).toEqual([uri, KEYS]);
  });
});

describe('what cannot be used', () => {
  it.each<[string, Answers]>([
    ['invalid: .* is of another issuer', { [OIDC]: metadata({ issuer: 'https://evil.example' }) }],
    ['invalid: .* has no jwks_uri', { [OIDC]: metadata({ jwks_uri: undefined }) }],
    ['invalid: .* has no jwks_uri', { [OIDC]: metadata({ jwks_uri: 'http://idp.example/keys' }) }],
    ['invalid: .* has no jwks_uri', { [OIDC]: metadata({ jwks_uri: 'file:///etc/passwd' }) }],
    ['error_status: .* answered 404', {}],
    [
      'error_status: .* answered 500',
      {
        [OIDC]: () => new Response('', { status: 500 }),
        [OAUTH]: () => new Response('', { status: 500 }),
        [INSERTED]: () => new Response('', { status: 500 }),
      },
    ],
    ['invalid: .* did not answer with JSON', { [OIDC]: metadata(), [KEYS]: () => new Response('<html>') }],
    ['invalid: .* did not answer with a set', { [OIDC]: metadata(), [KEYS]: () => Response.json([key.jwk]) }],
    [
      'invalid: .* more than 262144 bytes',
      { [OIDC]: metadata(), [KEYS]: () => new Response(' '.repeat(262_145)) },
    ],
    [
      'invalid: .* more than 64 keys',
      { [OIDC]: metadata(), [KEYS]: () => Response.json({ keys: Array(65).fill(key.jwk) }) },
    ],
    ['empty: .* has no key', { [OIDC]: metadata(), [KEYS]: () => Response.json({ keys: [] }) }],
    [
      'empty: .* has no key',
      {
        [OIDC]: metadata(),
        [KEYS]: () => Response.json({ keys: [null, 1, { kty: 'oct', k: 'AA' }, { ...key.jwk, use: 'enc' }] }),
      },
    ],
    [
      'unreachable: .* did not answer: refused',
      { [OIDC]: () => Promise.reject(new TypeError('fetch failed', { cause: new Error('refused') })) },
    ],
  ])('is told: %s', async (problem, answers) => {
    expect(await sourceOf(answers).load()).toMatch(new RegExp(`^${problem}`));
  });

  it('asks one place alone of an issuer that is not there, and follows nobody elsewhere', async () => {
    const { load, asked, fetch } = sourceOf({ [OIDC]: () => Promise.reject(new TypeError('x')) });
    await load();
    expect(asked).toEqual([OIDC]);
    expect(fetch.mock.calls[0]).toMatchObject([OIDC, { redirect: 'error' }]);
  });
});
