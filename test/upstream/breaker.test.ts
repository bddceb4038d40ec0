import { describe, expect, it } from 'vitest';
import { Breaker, type Permit } from '../../src/upstream/breaker.ts';
import { oneOf, randomFrom } from './random.ts';

/** A breaker with a clock that the test moves; its waits have no chance in them. */
function breakerAt(start = 1000) {
  let time = start;
  const breaker = new Breaker(
    () => time,
    () => 0.5,
  );
  return {
    breaker,
    pass: (seconds: number): void => {
      time += seconds;
    },
    /** One exchange, if it may be made. */
    exchange: (isWell: boolean): Permit | undefined => {
      const permit = breaker.enter();
      if (permit === undefined) return undefined;
      if (isWell) breaker.succeeded(permit);
      else breaker.failed(permit);
      return permit;
    },
  };
}

describe('a breaker', () => {
  it('opens after five failures in a row, and not after four', () => {
    const { breaker, exchange } = breakerAt();
    for (let made = 0; made < 4; made += 1) exchange(false);
    exchange(true);
    for (let made = 0; made < 4; made += 1) exchange(false);
    expect(breaker.isOpen).toBe(false);
    exchange(false);
    expect(breaker.isOpen).toBe(true);
    expect(breaker.enter()).toBeUndefined();
  });

  it('opens when half of twenty fail within half a minute, and not for what was before', () => {
    const mixed = breakerAt();
    for (let made = 0; made < 19; made += 1) mixed.exchange(made % 2 === 0);
    expect(mixed.breaker.isOpen).toBe(false);
    mixed.exchange(false);
    expect(mixed.breaker.isOpen).toBe(true);

    const slow = breakerAt();
    for (let made = 0; made < 60; made += 1) {
      slow.exchange(made % 2 === 0);
      slow.pass(2);
    }
    expect(slow.breaker.isOpen).toBe(false);
  });

  it('lets one at a time try after a wait that doubles up to its bound, and closes when one is answered', () => {
    const { breaker, pass, exchange } = breakerAt();
    for (let made = 0; made < 5; made += 1) exchange(false);
    for (const wait of [1, 2, 4, 4]) {
      expect(breaker.retryIn).toBe(wait);
      pass(wait - 0.001);
      expect(breaker.enter()).toBeUndefined();
      pass(0.001);
      expect(breaker.enter()).toBe('trial');
      expect(breaker.enter()).toBeUndefined();
      breaker.failed('trial');
    }
    pass(4);
    expect(exchange(true)).toBe('trial');
    expect(breaker.isOpen).toBe(false);
    expect(breaker.isCalmFor(5)).toBe(true);
    expect(exchange(true)).toBe('normal');
  });

  it('is opened again by the first call that fails after a look alone, and waits longer then', () => {
    const { breaker, pass, exchange } = breakerAt();
    breaker.trip();
    pass(1);
    breaker.found(breaker.enter() ?? 'normal');
    expect(breaker.isOpen).toBe(false);
    exchange(false);
    expect(breaker.isOpen).toBe(true);
    expect(breaker.retryIn).toBe(2);
    pass(2);
    breaker.found(breaker.enter() ?? 'normal');
    exchange(true);
    for (let made = 0; made < 4; made += 1) exchange(false);
    expect(breaker.isOpen).toBe(false);
  });

  it('learns nothing from a trial that its caller gives up', () => {
    const { breaker, pass } = breakerAt();
    breaker.trip();
    pass(1);
    expect(breaker.enter()).toBe('trial');
    breaker.abandoned('trial');
    expect(breaker.isOpen).toBe(true);
    expect(breaker.enter()).toBe('trial');
  });

  it('is calm a moment after the last failure', () => {
    const { breaker, pass, exchange } = breakerAt();
    expect(breaker.isCalmFor(5)).toBe(true);
    exchange(false);
    exchange(true);
    expect(breaker.isCalmFor(5)).toBe(false);
    pass(5);
    expect(breaker.isCalmFor(5)).toBe(true);
  });

  it('never has more than one trial, and lets everything through once it is closed, whatever happens', () => {
    const random = randomFrom(7);
    const { breaker, pass } = breakerAt();
    let open: Permit[] = [];
    for (let step = 0; step < 3000; step += 1) {
      const wasOpen = breaker.isOpen;
      const permit = breaker.enter();
      if (permit !== undefined) open.push(permit);
      expect(permit === 'normal').toBe(!wasOpen);
      expect(open.filter((each) => each === 'trial').length).toBeLessThanOrEqual(1);
      const ended = open.length > 0 && random() < 0.6 ? oneOf(open, random) : undefined;
      if (ended !== undefined) {
        open = open.filter((_, index) => index !== open.indexOf(ended));
        breaker[oneOf(['succeeded', 'found', 'failed', 'abandoned'] as const, random)](ended);
      }
      if (random() < 0.01) {
        // A look at the upstream comes in between.
        const trial = open.includes('trial');
        if (!trial) breaker.trip();
      }
      pass(random());
    }
  });
});
