import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const upstream = new RawUpstream();
let server: TestServer;

/** With a session for each that asks. */
let sessions = 0;
const initialize: Behaviour = (message, response) => {
  response.setHeader('mcp-session-id', `session-${(sessions += 1)}`);
  upstream.usual(message, response);
};
const never: Behaviour = () => undefined;

const isUp = (): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'raw', state: 'up' })).toBe(1);
  });

beforeAll(async () => {
  upstream.behaviour = { initialize, 'notifications/initialized': never };
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url: await upstream.listen(), timeoutSeconds: 10 }],
    },
    undefined,
    { silence: 3600, silenceIfIll: 0.05, answer: 1, again: 0.05, calm: 0 },
  );
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
});

it('a greeting that an upstream does not take is said again, and its session is ended', async () => {
  await waitFor(() => {
    expect(upstream.count('notifications/initialized')).toBeGreaterThan(1);
    expect(upstream.count('DELETE')).toBeGreaterThan(0);
  });
  upstream.behaviour = { initialize };
  await isUp();
});

it('a caller whose session could not be opened has one when the upstream is well again', async () => {
  upstream.behaviour = { initialize, 'notifications/initialized': never };
  expect((await server.execute('raw_works')).body.reason).toMatch(/unavailable|timeout/);
  upstream.behaviour = { initialize };
  await waitFor(async () => {
    expect((await server.execute('raw_works')).body.status).toBe('success');
  });
});
