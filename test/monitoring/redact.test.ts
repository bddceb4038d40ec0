import { describe, expect, it } from 'vitest';
import { describeThrown } from '../../src/monitoring/describe-thrown.ts';
import { redactText } from '../../src/monitoring/redact-text.ts';
import { redactValue } from '../../src/monitoring/redact.ts';

const LENGTH = 500;
const SECRET = 'xq7vhunter2';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXhxN3Y';
const LONG_URL = `postgres://u:${SECRET}${'y'.repeat(200)}@h`;
const PEM = `-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA${SECRET}\nc2Vjb25kIGxpbmU\n-----END RSA PRIVATE KEY-----`;

describe('a value that is logged has no secret in it:', () => {
  it.each<[string, unknown]>([
    ['a nested authorization', { headers: { authorization: `Token ${SECRET}` } }],
    ['a nested cookie', { request: { headers: { Cookie: `sid=${SECRET}; theme=dark` } } }],
    ['a nested passphrase', { key: { file: 'id_rsa', passphrase: SECRET } }],
    ['a key in capitals, with dashes', { 'X-API-KEY': SECRET }],
    ['a key in camel case', { dbPassword: SECRET }],
    ['a short key', { pwd: SECRET, pin: `1${SECRET}` }],
    ['a value with a space', { password: `correct horse ${SECRET}` }],
    ['a value with a comma', { password: `correct,${SECRET}` }],
    ['a value with a quote', { password: `correct"${SECRET}` }],
    ['a value with a brace', { password: `correct}${SECRET}` }],
    ['a list under a secret name', { tokens: ['first', SECRET] }],
    ['an object under a secret name', { credentials: { user: 'alice', value: SECRET } }],
    ['a number under a secret name', { secret: 847_261_953 }],
    ['JSON within a text', { body: JSON.stringify({ user: 'alice', password: `a ${SECRET}` }) }],
    ['JSON within JSON', JSON.stringify({ body: JSON.stringify({ auth: { token: [SECRET] } }) })],
    ['a name written with escapes in JSON', `{"pass\\u0077ord":"${SECRET}"}`],
    ['JSON that is cut off', `{"user":"alice","password":"a, ${SECRET}","more":[1,`],
    ['a list of JSON objects in a text', `[{"password":"${SECRET}"}]`],
    ['headers as pairs', { headers: [['authorization', `Token ${SECRET}`]] }],
    ['headers in turn', { rawHeaders: ['Host', 'example.com', 'Authorization', `Token ${SECRET}`] }],
    ['a name and its value', [{ name: 'DB_PASSWORD', value: SECRET }]],
    ['a key and its value', [{ key: 'password', value: SECRET }]],
    ['a command line', ['mysql', '--password', SECRET]],
    ['a command line with a short name', ['app', '--db-pass', SECRET]],
    ['the login of a command line', ['curl', '-u', `alice:${SECRET}`]],
    ['a JWT', { next: JWT }],
    ['a JWT as a key', { [JWT]: 1 }],
    ['a PEM key', { text: PEM }],
    ['a PEM key with written-out ends of lines', { text: PEM.replaceAll('\n', String.raw`\n`) }],
    ['a PEM key that is cut off', { text: PEM.slice(0, -40) }],
    ['a URL with a password', { url: `postgres://alice:${SECRET}@db/x` }],
    ['a URL with an odd password', { url: `postgres://alice:a/${SECRET}?#b@db/x` }],
    ['a query', { url: `https://example.com/?access_token=${SECRET}&x=1` }],
    ['a query within a query', { url: `https://example.com/?to=%2Fx%3Ftoken%3D${SECRET}%26y%3D1` }],
    ['a header in a text', { text: `Authorization: Token ${SECRET}` }],
    ['what toJSON gives', { toJSON: () => ({ password: SECRET }) }],
  ])('%s', (_what, value) => {
    const text = redactValue('argument', value, LENGTH);
    expect(text).not.toMatch(/hunter2|c2lnbmF0dXJl|847261953|bGljZSJ9/);
    expect(text).toContain('[redacted]');
  });
});

describe('a text that is logged has no secret in it:', () => {
  it.each([
    ['a header', `GET / failed\nAuthorization: Token ${SECRET} and ${SECRET}\nHost: example.com`],
    ['a digest', `authorization: Digest username="a", response="${SECRET}"`],
    ['cookies', `Cookie: theme=dark; sid=${SECRET}; x=${SECRET}`],
    ['a bearer token', `sent Bearer ${SECRET}`],
    ['a value with spaces', `cannot log in, password=correct horse ${SECRET}`],
    ['a value with a comma', `password=a,${SECRET} host=db`],
    ['a value with a brace', `{password: a}${SECRET}}`],
    ['a value with quotes', `password="he said "${SECRET}" aloud"`],
    ['a value with an apostrophe', `password='it's ${SECRET}'`],
    ['a quoted value with an escaped quote', `{"password":"a\\"${SECRET}"}`],
    ['an escaped quoted value', String.raw`{\"body\":\"x\",\"password\":\"a \\\" ${SECRET}\"}`],
    ['a list', `{"tokens": ["a]b", "${SECRET}"], "x": 1}`],
    ['an object', `credentials: { user: 'a}b', value: '${SECRET}' }`],
    ['as Node prints objects', `{ headers: { 'x-api-key': '${SECRET}', host: 'db' } }`],
    ['a form', `user[password]=a+${SECRET}&x=1`],
    ['a command line', `Command failed: mysql --user root --password ${SECRET}`],
    ['a command line with a short name', `Command failed: app --db-pass ${SECRET}`],
    ['the login of a command line', `Command failed: curl -u alice:${SECRET} https://example.com`],
    ['a quoted login', `curl --proxy-user "alice:a ${SECRET}" https://example.com`],
    ['a short name in capitals', `cannot connect: DB_PASS=${SECRET} host=db`],
    ['a short name as YAML', `smtpPass: ${SECRET}`],
    ['an API key in two words', `the API key: ${SECRET}`],
    ['YAML', `passwords:\n  - ${SECRET}\n  - x\nhost: db`],
    ['a token of GitHub', `cloned with ghp_a1b2c3d4e5f6${SECRET}`],
    [
      'one that the end of what is looked at cuts in two',
      `Bearer ${'a'.repeat(1500)} ${'x '.repeat(4730)}${LONG_URL}`,
    ],
  ])('%s', (_what, text) => {
    expect(redactText(text)).not.toContain('hunter2');
    expect(JSON.stringify(describeThrown(new Error(text)))).not.toContain('hunter2');
    expect(JSON.stringify(describeThrown(text))).not.toContain('hunter2');
  });

  it('an object that was thrown, and the code of an error', () => {
    const thrown = { config: { headers: { authorization: `Token ${SECRET}` } }, status: 401 };
    expect(describeThrown(thrown)).toContain('401');
    const error = Object.assign(new Error('refused'), { code: `token=${SECRET}` });
    expect(JSON.stringify([describeThrown(thrown), describeThrown(error)])).not.toContain('hunter2');
  });
});

describe('what has a name is a secret or not by the words of the name:', () => {
  it.each([
    ...[
      'pass',
      'DB_PASS',
      'SMTP_PASS',
      'dbPass',
      'DBPass',
      'dbpass',
      'PGPASS',
      'auth',
      'basic_auth',
      'proxyAuth',
    ],
    ...[
      'X-Auth',
      'oauth',
      'SENTRY_DSN',
      'user_pin',
      'userPIN',
      'pin_code',
      'otp',
      'key',
      'apikey',
      'API_KEYS',
      'APIKey',
    ],
    ...[
      'private_key_pem',
      'X-API-Key',
      'sshKey2',
      'dbPwd',
      'csrf',
      'access_token',
      'sessionId',
      'SESSION_ID',
    ],
  ])('%s', (name) => {
    expect(redactValue('argument', { [name]: SECRET }, LENGTH)).not.toContain('hunter2');
    expect(redactText(`${name}=${SECRET}`)).not.toContain('hunter2');
  });

  it.each([
    ...[
      'monkey',
      'turkeys',
      'hockey',
      'compass',
      'bypass',
      'Passenger',
      'author',
      'spin',
      'pinned',
      'keyboard',
      'design',
    ],
    ...['authored_by', 'keyword', 'passes', 'sidebar', 'signal'],
  ])('not %s', (name) => {
    expect(redactValue('argument', { [name]: 'in plain sight' }, LENGTH)).toContain('in plain sight');
    expect(redactText(`${name}=sight`)).toContain('sight');
  });
});

describe('what is no secret stays:', () => {
  it.each([
    'connect ECONNREFUSED 127.0.0.1:5432',
    'Unexpected token } in JSON at position 5',
    'TokenExpiredError: the date has passed',
    "TypeError: Cannot read properties of undefined (reading 'token')",
    'Error: no\n    at readTokens (file:///app/src/config/tokens.ts:91:7)\n    at node:internal/crypto/secret-token:81:11',
    'https://example.com:8080/path/@scope/package?page=2#top',
    'Duplicate key: id, key: name',
    'the basic idea: 3 tokens, 12:30',
    'sort -u file, curl -u https://example.com',
  ])('%s', (text) => {
    expect(redactText(text)).toBe(text);
    expect(redactValue('argument', text, LENGTH)).toBe(text);
  });

  it('values, as JSON', () => {
    const value = { a: [1, true, null, 'x'], 'b c': { d: 1.5 }, e: [], text: '{"a": 1.0}' };
    expect(redactValue('argument', value, LENGTH)).toBe(JSON.stringify(value));
    expect(redactValue('argument', new Date(0), LENGTH)).toBe('"1970-01-01T00:00:00.000Z"');
    expect(redactValue('argument', 5n, LENGTH)).toBe('[object BigInt]');
  });

  it('what stands around a secret', () => {
    expect(redactText('cannot connect: user=alice password=a,b host=db')).toBe(
      'cannot connect: user=alice password=[redacted] host=db',
    );
    expect(redactText('https://h/?token=abc&page=2')).toBe('https://h/?token=[redacted]&page=2');
    expect(redactText('{"password": "a b", "host": "db"}')).toBe('{"password": [redacted], "host": "db"}');
    expect(redactText('login failed\nauthorization: Token a\nhost: db')).toBe(
      'login failed\nauthorization: [redacted]\nhost: db',
    );
  });
});

describe('however a secret is wrapped', () => {
  // Numerical Recipes' generator: the same cases in every run.
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;

  const NAMES = [
    'password',
    'API_KEY',
    'x-auth-token',
    'clientSecret',
    'Set-Cookie',
    'passphrase',
    'Authorization',
  ];
  const NASTY = [
    '',
    ' ',
    ',',
    '"',
    "'",
    '}',
    ']',
    '{',
    '[',
    '\\',
    '\n',
    ': ',
    '=',
    '&',
    ';',
    '<',
    '\u2028',
    '%',
  ];
  const nasty = (): string =>
    Array.from({ length: random(6) }, () => pick(NASTY) + pick(['a', '7'])).join('');
  const secretValue = (): unknown => {
    const text = `${nasty()}${SECRET}${nasty()}`;
    return pick<() => unknown>([
      () => text,
      () => [nasty(), text],
      () => ({ [nasty()]: text }),
      () => ({ a: [text] }),
    ])();
  };
  const WRAPS: readonly ((value: unknown) => unknown)[] = [
    (value) => ({ before: nasty(), inner: value, after: 1 }),
    (value) => [nasty(), value],
    (value) => JSON.stringify(value),
    (value) => JSON.stringify(value, null, 2),
  ];
  const wrapped = (): unknown => {
    let value: unknown = { user: nasty(), [pick(NAMES)]: secretValue() };
    for (let times = random(4); times > 0; times -= 1) value = pick(WRAPS)(value);
    return value;
  };

  it('it is found in a value, and in an error message that quotes it', () => {
    for (let round = 0; round < 3000; round += 1) {
      const value = wrapped();
      const json = JSON.stringify(value);
      expect(redactValue('argument', value, LENGTH), json).not.toContain('hunter2');
      expect(redactText(`it failed: ${json} was sent`), json).not.toContain('hunter2');
    }
  });
});

describe('the work is bounded', () => {
  it('by the length of the line, not by that of the value', () => {
    let reads = 0;
    const counted = (target: object): unknown =>
      new Proxy(target, {
        get(of, key) {
          reads += 1;
          return Reflect.get(of, key) as unknown;
        },
      });
    redactValue('argument', counted(Array.from({ length: 1_000_000 }, () => 7)), LENGTH);
    redactValue('argument', { list: counted(Array.from({ length: 1_000_000 }, () => 'password')) }, LENGTH);
    expect(reads).toBeLessThan(10_000);
  });

  it('for what is deep, and for what goes in a circle', () => {
    let deep: unknown = SECRET;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(redactValue('argument', deep, LENGTH)).not.toContain('hunter2');
    const circle: Record<string, unknown> = { password: SECRET };
    circle['again'] = [circle, circle];
    expect(redactValue('argument', circle, LENGTH)).toMatch(/^\{"password":"\[redacted\]","again":/);
  });

  it('and what cannot be read is named by its kind', () => {
    const broken = {
      get a(): never {
        throw new Error(SECRET);
      },
    };
    expect(redactValue('argument', broken, LENGTH)).toBe('[object Object]');
  });
});
