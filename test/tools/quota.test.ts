import { describe, expect, it } from 'vitest';
import { anonymous } from '../../src/authorization/authentication.ts';
import { createQuota } from '../../src/tools/quota.ts';
import { keptMegabytes } from '../support/garbage.ts';

/** A quota with a clock of its own. */
function quotaAt(callsPerSecond: number, burst: number, start = 1000) {
  let time = start;
  const quota = createQuota(callsPerSecond, burst, () => time);
  return {
    take: (client = 'a') => quota.take(client),
    wait(seconds: number) {
      time += seconds;
    },
    /** How many calls are let through now. */
    drain(client = 'a') {
      let count = 0;
      while (count < 1_000_000 && quota.take(client) === 0) count += 1;
      return count;
    },
  };
}

describe('a quota', () => {
  it('lets a burst through, and then says when the next call fits', () => {
    const quota = quotaAt(10, 5);
    expect(quota.drain()).toBe(5);
    expect(quota.take()).toBeCloseTo(0.1);
    quota.wait(0.04);
    expect(quota.take()).toBeCloseTo(0.06);
    quota.wait(0.06);
    expect(quota.take()).toBe(0);
    expect(quota.take()).toBeCloseTo(0.1);
  });

  it('keeps the promise: whoever waits as long as told gets through', () => {
    for (const rate of [0.01, 0.3, 1, 7, 100, 12_345]) {
      const quota = quotaAt(rate, 3, 5_000_000);
      quota.drain();
      for (let call = 0; call < 50; call += 1) {
        quota.wait(quota.take());
        expect(quota.take(), `${rate} a second`).toBe(0);
      }
    }
  });

  it('lets the steady rate through, no more, whatever the clients try', () => {
    const quota = quotaAt(100, 10);
    let through = 0;
    for (let step = 0; step < 10_000; step += 1) {
      if (quota.take() === 0) through += 1;
      quota.wait(0.001);
    }
    expect(through).toBeGreaterThanOrEqual(1000);
    expect(through).toBeLessThanOrEqual(1010);
  });

  it('fills up again, to the burst and no further', () => {
    const quota = quotaAt(10, 5);
    quota.drain();
    quota.wait(0.35);
    expect(quota.drain()).toBe(3);
    quota.wait(1_000_000);
    expect(quota.drain()).toBe(5);
  });

  it.each([0, 1e3, 1e6, 1e8])('counts a burst exactly, however long the server has run: %s s', (start) => {
    for (const [rate, burst] of [
      [100, 500],
      [3, 7],
      [0.1, 1],
    ] as const)
      expect(quotaAt(rate, burst, start).drain(), `${rate}/${burst}`).toBe(burst);
  });

  it('takes nothing for a call it refuses', () => {
    const quota = quotaAt(1, 1);
    quota.take();
    for (let call = 0; call < 1000; call += 1) quota.take();
    quota.wait(1);
    expect(quota.take()).toBe(0);
  });

  it('counts each client for itself', () => {
    const quota = quotaAt(1, 2);
    expect(quota.drain('a')).toBe(2);
    expect(quota.drain('b')).toBe(2);
    expect(quota.take('__proto__')).toBe(0);
    expect(quota.take('a')).toBeGreaterThan(0);
  });

  it('of 0 calls a second is none', () => {
    const quota = quotaAt(0, 1);
    for (let call = 0; call < 10_000; call += 1) expect(quota.take()).toBe(0);
  });

  it('remembers a bounded number of clients, those that called last', () => {
    const quota = quotaAt(0.001, 1);
    quota.take('first');
    for (let client = 0; client < 9_999; client += 1) quota.take(`client ${client}`);
    expect(quota.take('first'), 'still remembered').toBeGreaterThan(0);
    quota.take('one more');
    expect(quota.take('client 9998'), 'the latest').toBeGreaterThan(0);
    expect(quota.take('first'), 'forgotten').toBe(0);
  });

  it('keeps addresses, not the headers that they came in', async () => {
    const quota = quotaAt(0.001, 1);
    const before = await keptMegabytes();
    for (let client = 0; client < 2000; client += 1) {
      const header = `${String(client).repeat(4000)}, [2001:db8:0:${client}::1]:47, 10.0.${client >> 8}.${client % 256}`;
      for (const address of header.split(', ')) {
        const authenticated = await anonymous({ authorization: undefined, address });
        if (authenticated.ok) quota.take(authenticated.caller.quotaKey);
      }
    }
    expect((await keptMegabytes()) - before).toBeLessThan(4);
    expect(quota.take('2001:db8:0:9::/64'), 'it remembers clients').toBeGreaterThan(0);
  });
});
