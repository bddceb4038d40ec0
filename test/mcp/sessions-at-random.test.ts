import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, deleteSession, initialize, list, openSession, post } from '../support/raw-session.ts';
import { settingsOfReplicas } from '../support/replicas.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const MAX = 4;
const STEPS = 250;

/** Three replicas, each with what is known of it. */
const replicas: { server: TestServer; ended: Set<string>; restart: () => Promise<TestServer> }[] = [];

beforeAll(async () => {
  for (const settings of await settingsOfReplicas(3)) {
    const restart = (): Promise<TestServer> =>
      startTestServer({
        ...settings,
        sessions: { ...settings['sessions'], max: MAX },
        limits: { callsPerSecond: 0 },
        tools: { enabled: ['echo'] },
        shutdown: { idleSeconds: 0.01 },
      });
    replicas.push({ server: await restart(), ended: new Set(), restart });
  }
});
afterAll(() => Promise.all(replicas.map(({ server }) => server.stop())));

function pick(random: (below: number) => number): (typeof replicas)[number] {
  const replica = replicas[random(replicas.length)];
  if (!replica) throw new Error('there are no replicas');
  return replica;
}

/** In every process, always: opened + resumed - closed = active, and never more than there are places. */
async function expectReconciled(server: TestServer): Promise<void> {
  const samples = await server.scrape();
  const count = (what: string): number =>
    samples.value(`mcp_sessions_${what}_total`, { transport: 'http' }) ?? NaN;
  const active = samples.value('mcp_active_sessions') ?? NaN;
  expect(count('opened') + count('resumed') - count('closed')).toBe(active);
  expect(samples.value('mcp_session_duration_seconds_count')).toBe(count('closed'));
  expect(active).toBeLessThanOrEqual(MAX);
}

it('whatever clients do, and replicas, sessions add up in each of them', { timeout: 300_000 }, async () => {
  let seed = 7;
  const random = (below: number): number =>
    // The lowest bits repeat soon.
    ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) >> 8) % below;
  const sessions: string[] = [];
  const done = new Map<string, number>();
  for (let step = 0; step < STEPS; step += 1) {
    const [replica, another] = [pick(random), pick(random)];
    const { server, ended } = replica;
    const session = sessions[random(Math.max(1, sessions.length))];
    const use = async (what: () => Promise<Response>, expected: number): Promise<void> => {
      const response = await what();
      await response.text();
      expect(response.status).toBe(session !== undefined && ended.has(session) ? 404 : expected);
    };
    const kinds: Record<string, () => Promise<unknown>> = {
      open: async () => sessions.push(await openSession(server.url)),
      abandon: () => post(server.url, initialize()),
      call: () => use(() => post(server.url, call(step, 'echo', { text: 'x' }), session), 200),
      list: () => use(() => post(server.url, list(step), session), 200),
      // Of one session at once, by two replicas.
      both: () =>
        Promise.all([
          use(() => post(server.url, list(step), session), 200),
          post(another.server.url, list(step), session).then(({ status }) => {
            expect(status).toBe(another.ended.has(String(session)) ? 404 : 200);
          }),
        ]),
      forge: async () => {
        expect((await post(server.url, list(step), `${String(session)}x`)).status).toBe(404);
      },
      delete: async () => {
        await use(() => deleteSession(server.url, session ?? ''), 200);
        ended.add(session ?? '');
      },
      restart: async () => {
        await server.stop();
        ended.clear();
        replica.server = await replica.restart();
      },
    };
    const weighted = [
      'open',
      'open',
      'abandon',
      'call',
      'call',
      'call',
      'list',
      'list',
      'both',
      'forge',
      'delete',
    ];
    const kind =
      sessions.length === 0
        ? 'open'
        : step % 40 === 39
          ? 'restart'
          : String(weighted[random(weighted.length)]);
    await kinds[kind]?.();
    done.set(kind, (done.get(kind) ?? 0) + 1);
    await Promise.all(replicas.map((each) => expectReconciled(each.server)));
  }
  expect(done.size).toBe(8);
  const evicted = await Promise.all(
    replicas.map(async ({ server }) =>
      (await server.scrape()).value('mcp_sessions_closed_total', { reason: 'evicted' }),
    ),
  );
  expect(Math.max(...evicted.map((count) => count ?? 0))).toBeGreaterThan(0);
});
