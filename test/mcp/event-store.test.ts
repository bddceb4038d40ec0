import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { RecentEvents } from '../../src/mcp/event-store.ts';
import { ReplayBudget } from '../../src/mcp/replay-budget.ts';

const MAX = 100_000;

/** An answer that is so many characters of JSON, about. */
const answer = (characters: number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id: 1,
  result: { text: 'x'.repeat(characters) },
});
const progress = (step: number, characters = 1): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 1, progress: step, message: 'x'.repeat(characters) },
});
/** What a client gets that resumes after an event. */
function after(events: RecentEvents, id: string): readonly JSONRPCMessage[] {
  const sent: JSONRPCMessage[] = [];
  const replay = events.replayAfter(id, () => undefined);
  for (let event = replay.next(); event; event = replay.next())
    sent.push(JSON.parse(event.text) as JSONRPCMessage);
  replay.finish();
  return sent;
}

describe('what all sessions may keep for replay', () => {
  it('is taken from the one that holds most, not from the one that stores', () => {
    const budget = new ReplayBudget(MAX);
    const greedy = new RecentEvents('test', 1000, budget, 'greedy');
    const light = new RecentEvents('test', 1000, budget, 'light');
    for (let call = 0; call < 95; call += 1) greedy.store('stream', answer(1000));
    const { id: first } = light.store('light');
    for (let call = 0; call < 10; call += 1) light.store('light', answer(1000));
    expect(light.has(first)).toBe(true);
    expect(after(light, first)).toHaveLength(10);
    expect(budget.used).toBeLessThanOrEqual(MAX);
    expect(budget.used).toBeGreaterThan(MAX * 0.9);
  });

  it('is taken from the client that holds most, into however many sessions it divides it', () => {
    const budget = new ReplayBudget(MAX);
    const sessions = Array.from({ length: 50 }, () => new RecentEvents('test', 1000, budget, 'greedy'));
    for (const session of sessions) session.store('stream', answer(1800));
    const light = new RecentEvents('test', 1000, budget, 'light');
    const { id: first } = light.store('light');
    for (let call = 0; call < 5; call += 1) light.store('light', answer(4000));
    expect(after(light, first)).toHaveLength(5);
  });

  it('is given back by a session that ends', () => {
    const budget = new ReplayBudget(MAX);
    const one = new RecentEvents('test', 1000, budget, 'one');
    one.store('stream', answer(50_000));
    one.close();
    expect(budget.used).toBe(0);
    // A call that was still running then.
    one.store('stream', answer(50_000));
    expect(budget.used).toBe(0);
  });

  it('is not emptied for a message that is larger than all of it, and its stream cannot be resumed before it', () => {
    const budget = new ReplayBudget(MAX);
    const one = new RecentEvents('test', 1000, budget, 'one');
    const other = new RecentEvents('test', 1000, budget, 'other');
    const { id: kept } = other.store('stream');
    other.store('stream', answer(10_000));
    const { id: before } = one.store('large');
    const { id: elsewhere } = one.store('small');
    one.store('small', answer(10_000));
    const { id: large } = one.store('large', answer(MAX));
    expect(after(other, kept)).toHaveLength(1);
    expect(after(one, elsewhere)).toHaveLength(1);
    expect(one.has(before)).toBe(false);
    expect(one.has(large)).toBe(false);
  });

  it('costs a bounded search, however small what has to go', () => {
    const budget = new ReplayBudget(MAX);
    let looks = 0;
    class Watched extends RecentEvents {
      override get characters(): number {
        looks += 1;
        return super.characters;
      }
    }
    const sessions = Array.from({ length: 100 }, (_, index) => {
      return new Watched('test', 1000, budget, `client ${index}`);
    });
    for (const session of sessions)
      for (let call = 0; call < 18; call += 1) session.store('stream', answer(1));
    looks = 0;
    sessions[0]?.store('stream', answer(MAX - 2000));
    // Each gives way by halves, after a look at all: not one look at all for each of the 1800 messages.
    expect(looks).toBeLessThan(1800 * 100);
  });
});

describe('what a session keeps for replay', () => {
  it('is not pushed out by progress: answers are kept, and of progress the newest', () => {
    const events = new RecentEvents('test', 10, new ReplayBudget(MAX), 'client');
    const { id: first } = events.store('one');
    events.store('one', answer(10));
    const { id: long } = events.store('two');
    for (let step = 0; step < 100; step += 1) events.store('two', progress(step));
    expect(after(events, first)).toEqual([answer(10)]);
    const newest = Array.from({ length: 10 }, (_, index) => progress(90 + index));
    expect(after(events, long)).toEqual(newest);
    events.store('two', answer(20));
    expect(after(events, long)).toEqual([...newest, answer(20)]);
  });

  it('has a call that takes long among many that do not', () => {
    const events = new RecentEvents('test', 10, new ReplayBudget(MAX), 'client');
    const { id: long } = events.store('long');
    for (let call = 0; call < 9; call += 1) {
      events.store(`quick ${call}`);
      events.store(`quick ${call}`, answer(call));
    }
    events.store('long', answer(20));
    expect(after(events, long)).toEqual([answer(20)]);
  });

  it('is the newest of its answers, and no stream is resumed past one that is gone', () => {
    const events = new RecentEvents('test', 2, new ReplayBudget(MAX), 'client');
    const starts: string[] = [];
    for (const stream of ['one', 'two', 'three']) {
      starts.push(events.store(stream).id);
      events.store(stream, answer(1));
    }
    expect(starts.map((id) => events.has(id))).toEqual([false, true, true]);
  });
});

describe('a replay', () => {
  const begun = (streams: readonly string[]) => {
    const events = new RecentEvents('test', 2, new ReplayBudget(MAX), 'client');
    const { id: first } = events.store('stream');
    for (const stream of streams) events.store(stream, answer(1));
    let ended = 0;
    const replay = events.replayAfter(first, () => (ended += 1));
    return { events, first, replay, ended: () => ended };
  };

  it('goes on to what came while it waited for its client, and is then over whatever is dropped', () => {
    const { events, replay, ended } = begun(['stream']);
    expect(replay.next()?.text).toBe(JSON.stringify(answer(1)));
    expect(replay.next()).toBeUndefined();
    events.store('stream', answer(2));
    expect(replay.next()?.text).toBe(JSON.stringify(answer(2)));
    replay.finish();
    for (let call = 0; call < 5; call += 1) events.store('stream', answer(3));
    expect(ended()).toBe(0);
  });

  it('holds nothing that is no longer kept, and ends rather than leave out a message', () => {
    const { events, replay, ended } = begun(['stream', 'stream']);
    replay.next();
    events.store('other', answer(3));
    expect(ended()).toBe(0);
    events.store('other', answer(4));
    expect(ended()).toBe(1);
    expect(replay.next()).toBeUndefined();
  });

  it('ends when its session does, or another of its stream begins, and then does not end that one', () => {
    const { events, first, replay, ended } = begun(['stream']);
    let endedLater = 0;
    events.replayAfter(first, () => (endedLater += 1));
    expect(ended()).toBe(1);
    replay.end();
    expect(endedLater).toBe(0);
    events.close();
    expect(endedLater).toBe(1);
  });
});
