import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ofStatus } from '../../src/upstream/fault.ts';
import { Health } from '../../src/upstream/health.ts';
import { loneUpstreams, serveRelay, specOf } from '../support/lone-upstreams.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { call, post } from '../support/raw-session.ts';
import { relayEnvironment } from '../support/relay-environment.ts';
import { relayTo } from '../support/silent-relay.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

/** Enough that one of them would be a trial, if any were. */
const MANY = 100;
const UNAVAILABLE = { failure: { reason: 'unavailable' } };

const upstream = new RawUpstream();
/** Trials are due by it; it only moves when a test moves it. */
let time = 1000;
let lone: ReturnType<typeof loneUpstreams>;
let relay: Awaited<ReturnType<typeof serveRelay>>;
let url: string;

beforeAll(async () => {
  url = await upstream.listen();
});
afterAll(() => upstream.close());

beforeEach(async () => {
  upstream.behaviour = {};
  lone = loneUpstreams(UNHURRIED, () => time);
  relay = await serveRelay(lone.upstreams);
  lone.upstreams.want([specOf(url)]);
  await waitFor(() => {
    expect(lone.catalogue.get('works')).toBeDefined();
  });
  upstream.behaviour = { 'tools/call': (_message, response) => response.writeHead(503).end() };
  for (let made = 0; made < 5; made += 1) expect(await lone.run()).toMatchObject(UNAVAILABLE);
  expect(lone.upstreams.report()[0]?.state).toBe('open');
  upstream.received.length = 0;
});
afterEach(async () => {
  relay.close();
  await lone.upstreams.stop();
});

/** Turns of the event loop until something is settled. */
async function turnsUntil(settled: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isSettled = false;
  void settled.then(() => (isSettled = true));
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (isSettled) {
        resolve();
        return;
      }
      turns += 1;
      setImmediate(look);
    };
    setImmediate(look);
  });
  return turns;
}

it('calls of the catalogue are unavailable at once while the breaker is open, and nothing is sent', async () => {
  for (let made = 0; made < MANY; made += 1) {
    const outcome = lone.run();
    // It waits for no timer and no packet: it has ended before anything else can happen.
    expect(await turnsUntil(outcome)).toBe(0);
    expect(await outcome).toMatchObject(UNAVAILABLE);
  }
  expect(upstream.received).toEqual([]);
});

it('calls by the relay are unavailable while the breaker is open, and nothing is sent', async () => {
  for (let made = 0; made < MANY; made += 1) {
    const response = await post(relay.url, call(made, 'works'));
    expect([response.status, await response.text()]).toEqual([
      503,
      expect.stringMatching(/raw is not available: HTTP 503/),
    ]);
  }
  expect(upstream.received).toEqual([]);
});

it('a call by the relay is refused at once while the breaker is open', async () => {
  const environment = relayEnvironment();
  const health = new Health(
    () => 0,
    () => 0.5,
    5,
    () => undefined,
  );
  for (let made = 0; made < 5; made += 1) health.failed('normal', ofStatus(503, false));
  const { serve, dispatch } = relayTo(environment, health);
  const refused = serve(call(1, 'works'));
  expect(await turnsUntil(refused)).toBe(0);
  expect(await refused).toMatchObject({ status: 503 });
  expect(dispatch).not.toHaveBeenCalled();
});

it('of calls of both faces at a time one is let through as a trial when that is due', async () => {
  // At most, with what chance may add to it.
  time += 1.2;
  // It may be a call, or a look.
  upstream.behaviour = { any: (_message, response) => response.writeHead(503).end() };
  const [byCatalogue, byRelay] = await Promise.all([
    Promise.all(Array.from({ length: MANY }, () => lone.run())),
    Promise.all(Array.from({ length: MANY }, (_, id) => post(relay.url, call(id, 'works')))),
  ]);
  for (const outcome of byCatalogue) expect(outcome).toMatchObject(UNAVAILABLE);
  for (const response of byRelay) expect(response.status).toBe(503);
  expect(upstream.received.length).toBe(1);
});
