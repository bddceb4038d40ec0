import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SharedDelay } from '../../src/mcp/shared-delay.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

it('calls back each that was not called off, when its own time has come, and keeps no timer for none', () => {
  const delay = new SharedDelay(10, () => Date.now() / 1000);
  const told: string[] = [];
  const named = (name: string) => ({
    due: () => {
      told.push(`${name} at ${Date.now() / 1000}`);
    },
  });
  const [first, second, anew, off] = [named('first'), named('second'), named('anew'), named('off')];
  for (const each of [first, anew, off]) delay.begin(each);
  vi.advanceTimersByTime(4000);
  delay.begin(second);
  delay.begin(anew);
  delay.end(off);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['first at 10', 'second at 14', 'anew at 14']);
  expect(vi.getTimerCount()).toBe(0);
});

it('lets one that is due begin again', () => {
  const delay = new SharedDelay(10, () => Date.now() / 1000);
  let times = 0;
  const again = {
    due: () => {
      times += 1;
      delay.begin(again);
    },
  };
  delay.begin(again);
  vi.advanceTimersByTime(35_000);
  expect(times).toBe(3);
  expect(vi.getTimerCount()).toBe(1);
});
