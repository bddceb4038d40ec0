import { describe, expect, it } from 'vitest';
import { UPSTREAM_STATES } from '../../src/upstream/labels.ts';
import { StateMachine, type Transition, type UpstreamEvent } from '../../src/upstream/state.ts';
import { oneOf, randomFrom } from './random.ts';

const EVENTS: readonly UpstreamEvent[] = [
  { kind: 'answered', isCalm: true },
  { kind: 'answered', isCalm: false },
  { kind: 'failed', trouble: { fault: 'server', why: 'failed' } },
  { kind: 'opened', trouble: { fault: 'timeout', why: 'opened' } },
  { kind: 'unreached', trouble: { fault: 'connection', why: 'unreached' } },
  { kind: 'refused', trouble: { fault: 'unauthorized', why: 'refused' } },
  { kind: 'listed' },
  { kind: 'unlisted', trouble: { fault: 'broken', why: 'unlisted' } },
];

function machine(...events: readonly UpstreamEvent['kind'][]): StateMachine {
  const made = new StateMachine(
    () => 0,
    () => undefined,
  );
  for (const kind of events) {
    const event = EVENTS.find((each) => each.kind === kind);
    made.take(event ?? { kind: 'removed' });
  }
  return made;
}

describe('the state of an upstream', () => {
  it.each([
    [[], 'connecting', ''],
    [['listed', 'answered'], 'up', ''],
    [['unreached'], 'down', 'unreached'],
    [['unlisted', 'answered'], 'down', 'unlisted'],
    [['refused'], 'unauthorized', 'refused'],
    [['listed', 'answered', 'failed'], 'degraded', 'failed'],
    [['listed', 'answered', 'failed', 'answered'], 'up', ''],
    [['listed', 'answered', 'unlisted'], 'degraded', 'unlisted'],
    [['listed', 'answered', 'opened'], 'open', 'opened'],
    [['listed', 'answered', 'opened', 'unreached'], 'open', 'unreached'],
    [['listed', 'answered', 'opened', 'answered'], 'up', ''],
    [['listed', 'answered', 'unreached'], 'down', 'unreached'],
    [['listed', 'answered', 'unreached', 'failed'], 'down', 'unreached'],
    [['listed', 'answered', 'unreached', 'answered'], 'up', ''],
    [['listed', 'answered', 'removed', 'answered'], 'removed', ''],
  ] as const)('after %j is %s', (events, state, why) => {
    const made = machine(...events);
    expect([made.state, made.why]).toEqual([state, why]);
  });

  it('stays degraded while calls fail now and then', () => {
    const made = machine('listed', 'answered', 'failed');
    made.take({ kind: 'answered', isCalm: false });
    expect(made.state).toBe('degraded');
  });

  it('is told of again when its reason changes, at most once a minute, and then with the reason it has', () => {
    let time = 0;
    const told: (Transition & { readonly at: number })[] = [];
    const made = new StateMachine(
      () => time,
      (transition) => told.push({ at: time, ...transition }),
    );
    made.take({ kind: 'unreached', trouble: { why: 'connection refused' } });
    // A look every second, of which each second one ends otherwise; then always in the same way.
    for (time = 1; time <= 150; time += 1) {
      const why = time > 130 || time % 2 === 1 ? 'no answer' : 'connection reset';
      made.take({ kind: 'unreached', trouble: { why } });
    }
    expect(told).toEqual([
      { at: 0, from: 'connecting', to: 'down', why: 'connection refused' },
      { at: 60, from: 'down', to: 'down', why: 'connection reset' },
      { at: 121, from: 'down', to: 'down', why: 'no answer' },
    ]);
    expect(made.seconds).toBe(151);
    // What it goes back to is told at once.
    made.take({ kind: 'listed' });
    made.take({ kind: 'answered', isCalm: true });
    expect(told.at(-1)).toMatchObject({ from: 'down', to: 'up' });
  });

  it('is told of exactly when it changes, with its reason, and lasts from then on', () => {
    const random = randomFrom(3);
    let time = 0;
    const told: Transition[] = [];
    const made = new StateMachine(
      () => time,
      (transition) => told.push(transition),
    );
    for (let step = 0; step < 1500; step += 1) {
      const before = made.state;
      const known = told.length;
      time += 1;
      made.take(oneOf(EVENTS, random));
      expect(UPSTREAM_STATES).toContain(made.state);
      const isWell = made.state === 'up' || made.state === 'connecting';
      expect(made.why === '').toBe(isWell);
      if (made.fault === undefined) expect(made.why).toMatch(/^(it has not said which tools it has)?$/);
      else expect(isWell).toBe(false);
      if (made.state === before) expect(told.length).toBe(known);
      else {
        expect(told.slice(known)).toEqual([{ from: before, to: made.state, why: made.why }]);
        expect(made.seconds).toBe(0);
      }
    }
    expect(new Set(told.map(({ to }) => to)).size).toBe(5);
  });
});
