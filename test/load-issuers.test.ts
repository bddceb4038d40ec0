import { afterEach, beforeEach, expect, it } from 'vitest';
import { settingsSchema } from '../src/config/settings.ts';
import { createLogger } from '../src/monitoring/logging.ts';
import { loadIssuers, type OAuth } from '../src/load-issuers.ts';
import { startIssuer, type TestIssuer } from './support/issuer.ts';
import { makeKey } from './support/signing-keys.ts';
import { waitUntil } from './support/wait.ts';

const RESOURCE = 'https://mcp.example.com/mcp';

let issuer: TestIssuer;
let oauth: OAuth | undefined;
let seconds: number;
let answers: string[];
let logged: string[];
beforeEach(async () => {
  issuer = await startIssuer();
  [seconds, answers, logged] = [0, [], []];
  const write = (line: string): void => void logged.push((JSON.parse(line) as { msg: string }).msg);
  oauth = loadIssuers(
    settingsSchema.parse({ auth: { resource: RESOURCE, issuers: [{ issuer: issuer.issuer }] } }).auth,
    {
      recorder: {
        issuers: { added: () => undefined, keysRefreshed: (_issuer, outcome) => answers.push(outcome) },
      },
      logger: createLogger('info', { write }),
      now: () => seconds,
      unixTime: () => Date.now() / 1000,
      hashKey: new Uint8Array(32),
      audit: undefined,
    },
  );
});
afterEach(async () => {
  await oauth?.callers.stop();
  await issuer.stop();
});

/** Has the issuer asked by a token whose key nobody knows. */
async function askAgain(): Promise<void> {
  seconds += 31;
  const before = answers.length;
  const find = oauth?.callers.or(() => Promise.reject(new Error('it is of the issuer')));
  const token = await issuer.token(RESOURCE, {}, { kid: 'unknown' });
  await find?.({ authorization: `Bearer ${token}`, address: '127.0.0.1' });
  await waitUntil(() => answers.length > before);
}

it('an issuer that has never given its keys is said to have its tokens refused, not old keys used', async () => {
  issuer.mood = 'error';
  oauth?.callers.start();
  await waitUntil(() => answers.length > 0);
  expect(logged).toEqual([
    'the issuer does not give its keys; there are none yet, so its tokens are refused',
  ]);
});

it('an issuer that no longer gives its keys is said to have the old ones used, once, until it gives them again', async () => {
  oauth?.callers.start();
  await waitUntil(() => answers.length > 0);
  issuer.mood = 'error';
  await askAgain();
  await askAgain();
  issuer.mood = 'well';
  issuer.keys = [await makeKey('second')];
  await askAgain();
  expect(answers).toEqual(['success', 'error_status', 'error_status', 'success']);
  expect(logged).toEqual([
    'the issuer does not give its keys; the old ones are used for auth.keysKeptSeconds',
    'the issuer gives its keys again',
  ]);
});
