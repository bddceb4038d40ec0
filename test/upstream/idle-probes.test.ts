import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { loneUpstreams, serveRelay, specOf } from '../support/lone-upstreams.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { call, post } from '../support/raw-session.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

/** So soon it looks whether it is due to ask, by timers; whether it is, it reads from the clock. */
const SILENCE = 0.02;
const STEPS = 12;

const upstream = new RawUpstream();
/** It only moves when a test moves it. */
let time: number;
/** How often it was read. */
let looks: number;
let lone: ReturnType<typeof loneUpstreams>;
let relay: Awaited<ReturnType<typeof serveRelay>>;
let url: string;

beforeAll(async () => {
  url = await upstream.listen();
});
afterAll(() => upstream.close());

beforeEach(async () => {
  [time, looks] = [1000, 0];
  lone = loneUpstreams({ ...UNHURRIED, silence: SILENCE, silenceIfIll: SILENCE }, () => {
    looks += 1;
    return time;
  });
  relay = await serveRelay(lone.upstreams);
  lone.upstreams.want([specOf(url)]);
  await waitFor(() => {
    expect(lone.upstreams.report()[0]?.state).toBe('up');
  });
  upstream.received.length = 0;
});
afterEach(async () => {
  relay.close();
  await lone.upstreams.stop();
});

const probes = (): number => upstream.count('ping') + upstream.count('server/discover');

/** Lets less time pass than it waits for, and the upstream be looked after then. */
async function passMost(): Promise<void> {
  time += 0.75 * SILENCE;
  const before = looks;
  await waitFor(
    () => {
      expect(looks).toBeGreaterThan(before);
    },
    { timeout: 30_000, interval: 5 },
  );
}

it.each([
  ['the catalogue', () => lone.run()],
  ['the relay', async () => (await post(relay.url, call(1, 'works'))).json()],
])(
  'an upstream is asked whether it is there in silence, and not while calls by %s go on',
  async (_face, make) => {
    for (let step = 0; step < STEPS; step += 1) {
      await make();
      await passMost();
    }
    expect([upstream.count('tools/call'), probes()]).toEqual([STEPS, 0]);
    for (let step = 0; step < STEPS; step += 1) await passMost();
    await waitFor(() => {
      expect(probes()).toBeGreaterThan(0);
    });
    expect(upstream.count('tools/call')).toBe(STEPS);
  },
);
