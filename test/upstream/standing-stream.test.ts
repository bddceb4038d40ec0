import { expect, it } from 'vitest';
import { Fault } from '../../src/upstream/fault.ts';
import { StandingStream } from '../../src/upstream/standing-stream.ts';

it.each([
  ['cannot be reached', new Fault('connection', 'connection refused'), 2],
  ['fails', new Fault('server', 'HTTP 503'), 2],
  ['has no such stream', new Fault('refused', 'HTTP 405'), 1],
])(
  'the stream for questions of an upstream that %s is tried %3$d times by two calls',
  async (_what, fault, tries) => {
    let tried = 0;
    const stream = new StandingStream(() => {
      tried += 1;
      return Promise.reject(fault);
    });
    await stream.open();
    await stream.open();
    expect(tried).toBe(tries);
  },
);
