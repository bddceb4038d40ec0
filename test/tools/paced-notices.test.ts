import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pacedNotices } from '../../src/tools/paced-notices.ts';

/** Calls of the functions that send. */
let sent: unknown[][];
let isReady: boolean;

const paced = () =>
  pacedNotices(
    {
      progress: (...args) => sent.push(['progress', ...args]),
      log: (...args) => sent.push(['log', ...args]),
      releaseConnection: () => sent.push(['release']),
    },
    { now: () => Date.now() / 1000, isReady: () => isReady },
  );

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  isReady = true;
});
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

const steps = (): unknown[] => sent.map(([, step]) => step);

describe('progress', () => {
  it('is passed on as it comes while it is little', () => {
    const { notices, end } = paced();
    notices.progress(1);
    notices.progress(2, 3);
    notices.progress(3, 3, 'done');
    expect(sent).toEqual([
      ['progress', 1, undefined, undefined],
      ['progress', 2, 3, undefined],
      ['progress', 3, 3, 'done'],
    ]);
    end();
    expect(sent).toHaveLength(3);
  });

  it('is passed on at a bounded rate, the newest, and the last at the end', async () => {
    const { notices, end } = paced();
    for (let step = 1; step <= 100_000; step += 1) {
      notices.progress(step);
      if (step % 1000 === 0) await vi.advanceTimersByTimeAsync(10);
    }
    // A second's worth after what goes at once.
    expect(sent.length).toBeGreaterThan(15);
    expect(sent.length).toBeLessThanOrEqual(21);
    end();
    expect(steps().at(-1)).toBe(100_000);
    expect(steps()).toEqual([...new Set(steps())].sort((a, b) => Number(a) - Number(b)));
    notices.progress(100_001);
    expect(steps().at(-1)).toBe(100_000);
  });

  it('waits while what was sent is not taken, and is then the newest', async () => {
    const { notices, end } = paced();
    notices.progress(1);
    isReady = false;
    for (let step = 2; step <= 100; step += 1) notices.progress(step);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(steps()).toEqual([1]);
    isReady = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(steps()).toEqual([1, 100]);
    isReady = false;
    notices.progress(101);
    end();
    expect(steps()).toEqual([1, 100, 101]);
  });

  it('has no message longer than people read', () => {
    const { notices, end } = paced();
    notices.progress(1, 2, 'x'.repeat(1_000_000));
    expect(sent).toEqual([['progress', 1, 2, 'x'.repeat(1000)]]);
    end();
  });
});

describe('a log message', () => {
  it('that has to wait is sent as it was', async () => {
    const { notices, end } = paced();
    isReady = false;
    const data = { count: 1 };
    notices.log('info', data);
    data.count = 2;
    isReady = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toEqual([['log', 'info', { count: 1 }]]);
    end();
  });

  it('is left out when there are too many, the least severe first, and the last says how many were', async () => {
    const { notices, end } = paced();
    isReady = false;
    for (let line = 0; line < 1000; line += 1) notices.log(line % 100 === 0 ? 'error' : 'info', line);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual([]);
    end();
    const errors = sent.filter(([, level]) => level === 'error').map(([, , line]) => line);
    expect(errors).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    expect(sent).toHaveLength(65);
    expect(sent.at(-1)).toEqual([
      'log',
      'warning',
      '936 log messages of this call were left out: too many or too large to be sent',
    ]);
  });

  it('is sent at a bounded rate, in characters too', async () => {
    const { notices, end } = paced();
    const large = 'x'.repeat(10 * 1024);
    for (let line = 0; line < 1000; line += 1) {
      notices.log('info', large);
      await vi.advanceTimersByTimeAsync(10);
    }
    // Ten seconds.
    expect(sent.length * large.length).toBeLessThan(12 * 50 * 1024);
    expect(sent.length).toBeGreaterThan(20);
    end();
    expect(sent.at(-1)?.[2]).toMatch(/^\d+ log messages of this call were left out/);
  });

  it('that is too large for any client takes no other with it', () => {
    const { notices, end } = paced();
    isReady = false;
    notices.log('info', 'small');
    notices.log('emergency', 'x'.repeat(1_000_000));
    end();
    expect(sent).toEqual([
      ['log', 'info', 'small'],
      ['log', 'warning', '1 log message of this call was left out: too many or too large to be sent'],
    ]);
  });
});

it('a connection is let go once a second, and not at the end', async () => {
  const { notices, end } = paced();
  for (let time = 0; time < 1000; time += 1) {
    notices.releaseConnection();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(sent.length).toBeGreaterThan(8);
  expect(sent.length).toBeLessThanOrEqual(11);
  const before = sent.length;
  notices.releaseConnection();
  end();
  expect(sent.length).toBeLessThanOrEqual(before + 1);
});
