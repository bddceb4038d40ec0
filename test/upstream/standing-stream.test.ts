import { expect, it } from 'vitest';
import { Fault, ofStatus } from '../../src/upstream/fault.ts';
import { StandingStream } from '../../src/upstream/standing-stream.ts';

it.each([
  ['cannot be reached', 2, new Fault('connection', 'connection refused')],
  ['fails', 2, ofStatus(503, false)],
  ['has no time for it now', 2, ofStatus(408, false)],
  ['is asked too much now', 2, ofStatus(429, false)],
  ['has no such stream', 1, ofStatus(405, false)],
])(
  'the stream for questions of an upstream that %s is tried %d times by two calls',
  async (_what, tries, fault) => {
    let tried = 0;
    const stream = new StandingStream(
      () => {
        tried += 1;
        return Promise.reject(fault);
      },
      () => 0,
    );
    await stream.open();
    await stream.open();
    expect(tried).toBe(tries);
  },
);

it.each([429, 503])(
  'after HTTP %d it is not tried before the upstream wants it, or a minute',
  async (status) => {
    let time = 0;
    let tried = 0;
    let retryAfter = 20;
    const stream = new StandingStream(
      () => {
        tried += 1;
        return Promise.reject(ofStatus(status, false, retryAfter));
      },
      () => time,
    );
    const triedAt = async (now: number): Promise<number> => {
      time = now;
      await stream.open();
      return tried;
    };
    expect(await triedAt(0)).toBe(1);
    expect(await triedAt(19)).toBe(1);
    retryAfter = 86_400;
    expect(await triedAt(20)).toBe(2);
    expect(await triedAt(79)).toBe(2);
    expect(await triedAt(80)).toBe(3);
  },
);
