import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { call, post } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp, UNHURRIED } from './state-now.ts';

const AT_A_TIME = 4;
/** Calls of the catalogue, those of the relay, and what looks after the upstream and gives calls up. */
const MOST = 2 * AT_A_TIME + 4 + 2;
/** Many times as many calls as there may be connections. */
const ROUNDS = 15;
const SOON = { timeout: 30_000, interval: 5 };

const upstream = new RawUpstream();
let server: TestServer;
let most: number;

/** Has the upstream do something with calls, and counts connections at each. */
function calls(behave: Behaviour): void {
  most = 0;
  upstream.received.length = 0;
  upstream.behaviour = {
    'tools/call': async (message, response, request) => {
      most = Math.max(most, await upstream.connections());
      await behave(message, response, request);
    },
  };
}

beforeAll(async () => {
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'raw', url: await upstream.listen(), timeoutSeconds: 3600, maxConcurrency: AT_A_TIME },
      ],
    },
    undefined,
    UNHURRIED,
  );
  await areUp(server, 'raw');
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
});

describe.each([
  ['the catalogue', (signal?: AbortSignal) => server.execute('raw_works', {}, signal && { signal })],
  [
    'the relay',
    async (signal?: AbortSignal) => {
      const response = await post(
        `${server.url}/servers/raw`,
        call(1, 'works'),
        undefined,
        signal && { signal },
      );
      await response.text();
    },
  ],
] as const)('of calls by %s', (_face, make) => {
  /** Makes as many as there may be at a time. */
  const atOnce = (signal?: AbortSignal): Promise<unknown> =>
    Promise.all(Array.from({ length: AT_A_TIME }, () => make(signal).catch(() => undefined)));

  it('that are given up because it sleeps no connection stays', async () => {
    calls(() => undefined);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const gone = new AbortController();
      const left = atOnce(gone.signal);
      await waitFor(() => {
        expect(upstream.count('tools/call')).toBe(round * AT_A_TIME);
      }, SOON);
      gone.abort();
      await left;
      await waitFor(async () => {
        expect(await upstream.connections()).toBeLessThanOrEqual(MOST - AT_A_TIME);
      }, SOON);
    }
    expect(most).toBeGreaterThanOrEqual(AT_A_TIME);
    expect(most).toBeLessThanOrEqual(MOST);
  });

  it('that it resets no connection stays', async () => {
    let made = 0;
    // So few that calls are not kept from it.
    calls((message, response) => {
      made += 1;
      if (made % 3 > 0) upstream.usual(message, response);
      else if (made % 2 === 0) response.destroy();
      else
        response.writeHead(200, { 'content-type': 'application/json' }).write('{', () => response.destroy());
    });
    for (let round = 1; round <= ROUNDS; round += 1) await atOnce();
    expect(upstream.count('tools/call')).toBeGreaterThan(2 * MOST);
    expect(most).toBeLessThanOrEqual(MOST);
  });

  it('that it refuses none waits, to be made when it listens again', async () => {
    const { port } = upstream;
    await upstream.close();
    calls((message, response) => upstream.usual(message, response));
    for (let round = 1; round <= ROUNDS; round += 1) await atOnce();
    await upstream.listen(port);
    await areUp(server, 'raw');
    await make();
    expect(upstream.count('tools/call')).toBe(1);
    expect(await upstream.connections()).toBeLessThanOrEqual(MOST);
  });
});
