import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Admission, createLane, type Lane, type Release } from '../../src/tools/admission.ts';

const patient = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount(), 'timers left behind').toBe(0);
  vi.useRealTimers();
});

const admissionOf = (queueLimit = 100, queueWaitSeconds = 5): Admission =>
  new Admission({ queueLimit, queueWaitSeconds });

/** Enters at once, or fails. */
function enterNow(admission: Admission, lanes: readonly Lane[]): Release {
  const entered = admission.enter('client', lanes, patient);
  if (typeof entered !== 'function') throw new Error('did not enter at once');
  return entered;
}

/** A call that waits, and what has become of it. */
function queue(admission: Admission, lanes: readonly Lane[], signal: AbortSignal = patient) {
  const call: { state: 'waiting' | 'in' | 'refused'; release: Release } = {
    state: 'waiting',
    release: () => undefined,
  };
  const entered = admission.enter('client', lanes, signal);
  if (!(entered instanceof Promise)) throw new Error('did not have to wait');
  void entered.then((release) => {
    call.state = release ? 'in' : 'refused';
    if (release) call.release = release;
  });
  return call;
}

/** Lets the promises that are settled go on. */
const settle = () => vi.advanceTimersByTimeAsync(0);

const places = ({ busy, waiting }: Lane): { busy: number; waiting: number } => ({ busy, waiting });
const EMPTY = { busy: 0, waiting: 0 };

describe('admission', () => {
  it('lets calls in at once while every lane has room', () => {
    const admission = admissionOf();
    const [all, tool] = [createLane(3), createLane(2)];
    const releases = [enterNow(admission, [all, tool]), enterNow(admission, [all, tool])];
    expect([places(all), places(tool)]).toEqual([
      { busy: 2, waiting: 0 },
      { busy: 2, waiting: 0 },
    ]);
    for (const release of releases) release();
    expect([places(all), places(tool)]).toEqual([EMPTY, EMPTY]);
  });

  it('lets those that wait in, first come first served, when places are given up', async () => {
    const admission = admissionOf();
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const calls = [queue(admission, [lane]), queue(admission, [lane]), queue(admission, [lane])];
    expect(places(lane)).toEqual({ busy: 1, waiting: 3 });
    release();
    await settle();
    expect(calls.map(({ state }) => state)).toEqual(['in', 'waiting', 'waiting']);
    calls[0]?.release();
    await settle();
    expect(calls.map(({ state }) => state)).toEqual(['in', 'in', 'waiting']);
    calls[1]?.release();
    await settle();
    calls[2]?.release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('does not let a newcomer overtake one that waits for the same place', async () => {
    const admission = admissionOf();
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const first = queue(admission, [lane]);
    release();
    // In the same turn, before the first has heard that it may enter.
    const second = queue(admission, [lane]);
    await settle();
    expect([first.state, second.state]).toEqual(['in', 'waiting']);
    first.release();
    await settle();
    second.release();
  });

  it('lets others pass one that waits for a saturated tool', async () => {
    const admission = admissionOf();
    const [all, slow, quick] = [createLane(2), createLane(1), createLane(10)];
    const holding = enterNow(admission, [all, slow]);
    const waiting = queue(admission, [all, slow]);
    for (let call = 0; call < 10; call += 1) enterNow(admission, [all, quick])();
    expect(waiting.state).toBe('waiting');
    holding();
    await settle();
    expect(waiting.state).toBe('in');
    waiting.release();
    expect([places(all), places(slow), places(quick)]).toEqual([EMPTY, EMPTY, EMPTY]);
  });

  it('gives a place that several wait for to the oldest that can use it', async () => {
    const admission = admissionOf();
    const [all, slow, quick] = [createLane(2), createLane(1), createLane(10)];
    const releases = [enterNow(admission, [all, slow]), enterNow(admission, [all, quick])];
    const first = queue(admission, [all, slow]);
    const second = queue(admission, [all, quick]);
    const third = queue(admission, [all, quick]);
    releases[1]?.();
    await settle();
    expect([first.state, second.state, third.state]).toEqual(['waiting', 'in', 'waiting']);
    releases[0]?.();
    await settle();
    expect([first.state, third.state]).toEqual(['in', 'waiting']);
    first.release();
    second.release();
    await settle();
    third.release();
  });

  it('fills every place that a release frees', async () => {
    const admission = admissionOf();
    const [all, worker] = [createLane(2), createLane(1)];
    const both = enterNow(admission, [all, all]);
    const calls = [queue(admission, [all]), queue(admission, [all]), queue(admission, [worker, all])];
    both();
    await settle();
    expect(calls.map(({ state }) => state)).toEqual(['in', 'in', 'waiting']);
    expect(all.busy).toBe(2);
    for (const { release } of calls) release();
    await settle();
    calls[2]?.release();
    expect([places(all), places(worker)]).toEqual([EMPTY, EMPTY]);
  });

  it('refuses at once when as many wait as may', async () => {
    const admission = admissionOf(2);
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const waiting = [queue(admission, [lane]), queue(admission, [lane])];
    expect(admission.enter('client', [lane], patient)).toBeUndefined();
    expect(places(lane)).toEqual({ busy: 1, waiting: 2 });
    // The queue is one for all lanes, but whoever need not wait is let in.
    enterNow(admission, [createLane(1)])();
    release();
    await settle();
    const next = queue(admission, [lane]);
    waiting[0]?.release();
    await settle();
    waiting[1]?.release();
    await settle();
    next.release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('with no queue refuses whoever would have to wait', () => {
    const admission = admissionOf(0);
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    expect(admission.enter('client', [lane], patient)).toBeUndefined();
    release();
    enterNow(admission, [lane])();
  });

  it('refuses one that has waited too long, and only that one', async () => {
    const admission = admissionOf(100, 5);
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const early = queue(admission, [lane]);
    await vi.advanceTimersByTimeAsync(3000);
    const late = queue(admission, [lane]);
    await vi.advanceTimersByTimeAsync(1999);
    expect(early.state).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect([early.state, late.state]).toEqual(['refused', 'waiting']);
    expect(places(lane)).toEqual({ busy: 1, waiting: 1 });
    release();
    await settle();
    expect(late.state).toBe('in');
    late.release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('lets go of one whose client goes away while it waits', async () => {
    const admission = admissionOf(1);
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const gone = new AbortController();
    const waiting = queue(admission, [lane], gone.signal);
    gone.abort();
    await settle();
    expect(waiting.state).toBe('refused');
    expect(places(lane)).toEqual({ busy: 1, waiting: 0 });
    // Its place in the queue is free again, and nothing is kept for it in the lane.
    const next = queue(admission, [lane]);
    release();
    await settle();
    expect(next.state).toBe('in');
    next.release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('does not let in one whose client is gone already, room or not', () => {
    const admission = admissionOf();
    const lane = createLane(1);
    expect(admission.enter('client', [lane], AbortSignal.abort())).toBeUndefined();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('does not mind a client that goes away after its call was let in', async () => {
    const admission = admissionOf();
    const lane = createLane(1);
    const release = enterNow(admission, [lane]);
    const gone = new AbortController();
    const call = queue(admission, [lane], gone.signal);
    release();
    gone.abort();
    await settle();
    expect(call.state).toBe('in');
    expect(places(lane)).toEqual({ busy: 1, waiting: 0 });
    call.release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('frees a place once, however often it is given up', async () => {
    const admission = admissionOf();
    const lane = createLane(2);
    const [first, second] = [enterNow(admission, [lane]), enterNow(admission, [lane])];
    const calls = [queue(admission, [lane]), queue(admission, [lane])];
    first();
    first();
    first();
    await settle();
    expect(calls.map(({ state }) => state)).toEqual(['in', 'waiting']);
    expect(lane.busy).toBe(2);
    second();
    await settle();
    for (const { release } of calls) release();
    expect(places(lane)).toEqual(EMPTY);
  });

  it('leaves no listener on the signal of a call, however it ends', async () => {
    const admission = admissionOf(10, 1);
    const lane = createLane(1);
    const signal = new AbortController().signal;
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const release = enterNow(admission, [lane]);
    const [lucky] = [queue(admission, [lane], signal), queue(admission, [lane], signal)];
    release();
    await vi.advanceTimersByTimeAsync(1000);
    lucky.release();
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove).toHaveBeenCalledTimes(2);
  });

  it('loses no place among thousands of calls that end in every way', async () => {
    const admission = admissionOf(50, 2);
    const lanes = { all: createLane(20), a: createLane(3), b: createLane(50), worker: createLane(2) };
    const choices = [
      [lanes.all, lanes.a],
      [lanes.all, lanes.b],
      [lanes.all, lanes.b, lanes.worker],
    ];
    let seed = 42;
    const random = (below: number): number =>
      (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const outcomes = { in: 0, refused: 0 };
    const calls = Array.from({ length: 5000 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 3 + random(100)));
      const gone = new AbortController();
      const leaving =
        random(4) === 0
          ? setTimeout(() => {
              gone.abort();
            }, random(3000))
          : undefined;
      const release = await admission.enter('client', choices[random(3)] ?? [], gone.signal);
      for (const { busy, limit } of Object.values(lanes)) expect(busy).toBeLessThanOrEqual(limit);
      outcomes[release ? 'in' : 'refused'] += 1;
      await new Promise((resolve) => setTimeout(resolve, random(200)));
      clearTimeout(leaving);
      release?.();
      if (random(10) === 0) release?.();
    });
    const done = Promise.all(calls);
    await vi.advanceTimersByTimeAsync(60_000);
    await done;
    expect(outcomes.in).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
    for (const lane of Object.values(lanes)) expect(places(lane)).toEqual(EMPTY);
  });
});
