import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Api } from '../../src/kubernetes/api.ts';
import { KubernetesFailure } from '../../src/kubernetes/failure.ts';
import type { FailureReason } from '../../src/kubernetes/labels.ts';
import { NamespaceWatch } from '../../src/kubernetes/namespace-watch.ts';
import { WATCH_PACE } from '../../src/kubernetes/watch-pace.ts';
import { serviceOf } from '../support/kubernetes-api.ts';

const MINUTE = 60_000;

/** What the API does with a request; nothing is sent, because time is simulated. */
type Behaviour = (query: Readonly<Record<string, string>>, signal: AbortSignal) => AsyncGenerator<Buffer>;

let lists: number[];
let watches: number[];
let failures: string[];
let behave: { list: Behaviour; watch: Behaviour };
let watch: NamespaceWatch;
let random: () => number;

const seconds = (): number => performance.now() / 1000;

const failing = (reason: FailureReason): Behaviour =>
  async function* () {
    yield await Promise.reject<Buffer>(new KubernetesFailure(reason, reason));
  };

const lists3: Behaviour = async function* () {
  await Promise.resolve();
  yield Buffer.from(
    JSON.stringify({
      metadata: { resourceVersion: '5' },
      items: ['a', 'b', 'c'].map((name) => serviceOf({ name })),
    }),
  );
};

/** Says nothing, and ends when the API ends watches. */
const quiet: Behaviour = async function* ({ timeoutSeconds }) {
  await new Promise((resolve) => setTimeout(resolve, Number(timeoutSeconds) * 1000));
  yield Buffer.alloc(0);
};

const closesAtOnce: Behaviour = async function* () {
  await Promise.resolve();
  yield Buffer.alloc(0);
};

const kept = (): string => [...watch.services].map(({ name }) => name).join('');

beforeEach(() => {
  vi.useFakeTimers();
  lists = [];
  watches = [];
  failures = [];
  behave = { list: lists3, watch: quiet };
  random = Math.random;
  const api: Api = {
    namespace: 'tools',
    read(_path, query, signal) {
      const isWatch = query['watch'] === 'true';
      (isWatch ? watches : lists).push(seconds());
      return behave[isWatch ? 'watch' : 'list'](query, signal);
    },
  };
  watch = new NamespaceWatch({
    api: () => Promise.resolve(api),
    namespace: '',
    labelSelector: 'a=b',
    annotations: [],
    pace: WATCH_PACE,
    now: seconds,
    random: () => random(),
    changed: () => undefined,
    listed: () => undefined,
    watched: () => undefined,
    failed: ({ reason }) => failures.push(reason),
  });
  watch.start();
});

afterEach(async () => {
  const stopped = watch.stop();
  await vi.runAllTimersAsync();
  await stopped;
  vi.useRealTimers();
});

const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe('how often the Kubernetes API is asked', () => {
  it('is once a minute for a list, and once for what comes until the next', async () => {
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(Math.min(...gaps(lists))).toBeGreaterThan(50);
    expect(lists.length).toBeGreaterThanOrEqual(9);
    expect(watches.length).toBeLessThanOrEqual(lists.length);
    expect(failures).toEqual([]);
  });

  it('while it is away for ten minutes, is every half minute, and what was known stays', async () => {
    await vi.advanceTimersByTimeAsync(MINUTE);
    behave = { list: failing('unreachable'), watch: failing('unreachable') };
    const before = lists.length + watches.length;
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(lists.length + watches.length - before).toBeLessThan(50);
    expect(kept()).toBe('abc');
    expect(watch.age).toBeGreaterThan(590);
    behave = { list: lists3, watch: quiet };
    await vi.advanceTimersByTimeAsync(MINUTE / 2);
    expect(watch.age).toBeLessThan(31);
  });

  it('while it is away, is at times that chance spreads, so that replicas do not ask together', async () => {
    await vi.advanceTimersByTimeAsync(MINUTE);
    behave = { list: failing('unreachable'), watch: failing('unreachable') };
    /** How long it waits when it has waited the longest it may. */
    const waits = async (chance: number): Promise<number> => {
      random = () => chance;
      await vi.advanceTimersByTimeAsync(5 * MINUTE);
      return gaps(lists).at(-1) ?? 0;
    };
    const [shortest, between, longest] = [await waits(0), await waits(0.5), await waits(0.99)];
    expect(longest).toBeLessThanOrEqual(WATCH_PACE.againAtMost);
    expect(between / longest).toBeCloseTo(0.75, 1);
    expect(shortest / longest).toBeCloseTo(0.5, 1);
  });

  it('when every watch ends at once, is no list in less than half a minute, and few watches', async () => {
    behave = { list: lists3, watch: closesAtOnce };
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(Math.min(...gaps(lists))).toBeGreaterThan(29.9);
    expect(watches.length).toBeLessThan(100);
    expect(failures).toEqual([]);
  });

  it('when every watch is too old, is no list in less than half a minute', async () => {
    behave = { list: lists3, watch: failing('gone') };
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(Math.min(...gaps(lists))).toBeGreaterThan(29.9);
    expect(lists.length).toBeGreaterThan(15);
    expect(watches.length).toBeLessThanOrEqual(lists.length);
    expect(kept()).toBe('abc');
  });

  it('when only watches are forbidden, is a list a minute, which is enough to know', async () => {
    behave = { list: lists3, watch: failing('forbidden') };
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(Math.min(...gaps(lists))).toBeGreaterThan(29.9);
    expect(watches.length).toBeLessThan(100);
    expect(watch.age).toBeLessThan(70);
  });
});
