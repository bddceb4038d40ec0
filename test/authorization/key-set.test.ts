import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeySet } from '../../src/authorization/key-set.ts';
import type { LoadedKeys } from '../../src/authorization/key-source.ts';
import { makeKey, type SigningKey } from '../support/signing-keys.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

let first: SigningKey;
let second: SigningKey;
beforeAll(async () => {
  first = await makeKey('first');
  second = await makeKey('second');
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
let keys: KeySet;
afterEach(() => {
  keys.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const now = (): number => Date.now() / 1000;
const headerOf = ({ kid, algorithm }: SigningKey) => ({ kid, alg: algorithm });
const published = (...all: SigningKey[]): LoadedKeys => ({
  ok: true,
  keys: { keys: all.map(({ jwk }) => jwk) },
});
const down: LoadedKeys = { ok: false, outcome: 'unreachable', problem: 'down' };

/** When the issuer was asked, in seconds. */
let asked: number[];
let answer: (signal: AbortSignal) => Promise<LoadedKeys>;

function start(initially: LoadedKeys, { random = 0, keptSeconds = DAY } = {}): void {
  asked = [];
  answer = () => Promise.resolve(initially);
  const load = (signal: AbortSignal): Promise<LoadedKeys> => {
    asked.push(now());
    return answer(signal);
  };
  keys = new KeySet({ load, keptSeconds, now, random: () => random, loaded: () => undefined });
  keys.start();
}

const pass = (seconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(seconds * 1000);
const find = async (key: SigningKey): Promise<string> => {
  const found = await keys.keyFor(headerOf(key));
  return found.ok ? 'found' : found.reason;
};
const gaps = (): number[] => asked.slice(1).map((time, index) => time - (asked[index] ?? 0));

/** Never answers; ends when it is given up, as a request does. */
const hang = (signal: AbortSignal): Promise<LoadedKeys> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(down);
    });
  });

it('an answer that cannot be used, however strange, leaves what there was, and is asked for again', async () => {
  start(published(first));
  await pass(1);
  expect(await find(first)).toBe('found');
  answer = () => Promise.reject(new RangeError('too deep'));
  await pass(700);
  answer = () => Promise.resolve({ ok: true, keys: { keys: 'none' } } as unknown as LoadedKeys);
  await pass(HOUR);
  expect(await find(first)).toBe('found');
  expect(asked.length).toBeGreaterThan(8);
  answer = () => Promise.resolve(published(second));
  await pass(HOUR);
  expect(await find(second)).toBe('found');
});

it('asks in the background, long before keys are old, and each replica at another time', async () => {
  start(published(first));
  await pass(HOUR);
  expect(asked).toHaveLength(7);
  expect(keys.ageSeconds).toBeLessThanOrEqual(750);
  expect(await find(first)).toBe('found');
  expect(asked).toHaveLength(7);
  keys.stop();
  start(published(first), { random: 0.99 });
  await pass(HOUR);
  expect(asked).toHaveLength(5);
});

it('asks once for all that wait for the first keys', async () => {
  start(published(first));
  answer = () => Promise.reject(new Error('asked again'));
  expect(await Promise.all([find(first), find(first), find(first)])).toEqual(['found', 'found', 'found']);
  expect(asked).toHaveLength(1);
});

describe.each([
  ['refuses connections', () => Promise.resolve(down)],
  ['answers 500', () => Promise.resolve<LoadedKeys>({ ok: false, outcome: 'error_status', problem: '500' })],
  ['hangs', hang],
  ['has an empty set', () => Promise.resolve<LoadedKeys>({ ok: false, outcome: 'empty', problem: 'none' })],
] as const)('an issuer that %s', (_what, behaviour) => {
  it('has no token refused in 23 hours, and is asked no more often than each 30 s', async () => {
    start(published(first));
    await pass(1);
    answer = behaviour;
    for (let minute = 0; minute < 23 * 60; minute += 5) {
      await pass(300);
      expect(await find(first)).toBe('found');
    }
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(30);
    expect(asked.length).toBeGreaterThan(200);
    expect(keys.ageSeconds).toBeGreaterThan(22 * HOUR);
  });

  it('has tokens refused when the time is over for which keys are kept, and taken when it is back', async () => {
    start(published(first), { keptSeconds: 4 * HOUR });
    await pass(1);
    answer = behaviour;
    await pass(4 * HOUR + 700);
    // Nobody waits for an issuer that hangs longer than it may take.
    const found = find(first);
    await pass(5);
    expect(await found).toBe('keys_unavailable');
    answer = () => Promise.resolve(published(first));
    await pass(40);
    expect(await find(first)).toBe('found');
    expect(keys.ageSeconds).toBeLessThan(40);
  });

  it('may be away when the server starts', async () => {
    start(down);
    answer = behaviour;
    await pass(10 * 60);
    const found = find(first);
    await pass(5);
    expect(await found).toBe('keys_unavailable');
    expect(keys.ageSeconds).toBe(605);
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(30);
    answer = () => Promise.resolve(published(first));
    await pass(40);
    expect(await find(first)).toBe('found');
  });

  it('is asked once in 30 s at most for tokens with keys that nobody knows, 200 of them a second', async () => {
    start(published(first));
    await pass(1);
    answer = behaviour;
    const waiting: Promise<string>[] = [];
    for (let step = 0; step < 120; step += 1) {
      await pass(1);
      for (let each = 0; each < 200; each += 1) waiting.push(find({ ...second, kid: `made-up-${each}` }));
    }
    await pass(5);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['unknown_key']));
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(30);
    expect(asked.length).toBeLessThanOrEqual(121 / 30 + 2);
  });
});

it('asks for a key that it does not know, once in 30 s, and so loses no call when keys are rotated', async () => {
  start(published(first));
  await pass(120);
  answer = () => Promise.resolve(published(second, first));
  const before = keys.version;
  expect(await Promise.all([find(second), find(second), find(first)])).toEqual(['found', 'found', 'found']);
  expect(asked).toHaveLength(2);
  expect(keys.version).toBe(before + 1);
  await pass(29);
  expect(await find({ ...first, kid: 'none' })).toBe('unknown_key');
  expect(asked).toHaveLength(2);
  await pass(1);
  expect(await find({ ...first, kid: 'none' })).toBe('unknown_key');
  expect(asked).toHaveLength(3);
});

it('takes no key that its issuer does not publish any more, and sees no change where there is none', async () => {
  start(published(first, second));
  await pass(700);
  expect(keys.version).toBe(1);
  answer = () => Promise.resolve(published(first));
  await pass(700);
  expect(keys.version).toBe(2);
  expect(await find(first)).toBe('found');
  expect(await find(second)).toBe('unknown_key');
});

it('asks nobody any more once it is stopped, and ends what is under way', async () => {
  start(down);
  answer = hang;
  await pass(31);
  expect(asked).toHaveLength(2);
  keys.stop();
  await pass(HOUR);
  expect(asked).toHaveLength(2);
});
