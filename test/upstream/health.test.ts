import { expect, it } from 'vitest';
import { Fault } from '../../src/upstream/fault.ts';
import { Health } from '../../src/upstream/health.ts';

it('an upstream that is open and refuses a trial is not said to be open while calls go to it', () => {
  let time = 1000;
  const health = new Health(
    () => time,
    () => 0.5,
    5,
    () => undefined,
  );
  for (let call = 0; call < 5; call += 1) {
    const permit = health.enter();
    if (permit) health.failed(permit, new Fault('server', 'HTTP 503'));
  }
  expect(health.state.state).toBe('open');
  expect(health.enter()).toBeUndefined();
  time += 2;
  const trial = health.enter();
  expect(trial).toBe('trial');
  // As 429 is told: somebody is there.
  if (trial) health.failed(trial, new Fault('refused', 'HTTP 429'));
  expect(health.enter()).toBe('normal');
  expect(health.state.state).not.toBe('open');
});
