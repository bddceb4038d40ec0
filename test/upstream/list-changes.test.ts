import { expect, it, vi } from 'vitest';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { tellOfChanges } from '../../src/mcp/list-changes.ts';
import type { OfferedTool } from '../../src/tools/offered-tool.ts';
import { connectClient } from '../support/clients.ts';
import { startStdio } from '../support/raw-stdio.ts';
import { answer, RawUpstream, refuse, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer } from '../support/test-server.ts';
import { V1Upstream } from '../support/v1-upstream.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

it('clients of both eras are told when an upstream has another tool, and find it', async () => {
  const upstream = new V1Upstream();
  const url = await upstream.listen();
  const server = await startTestServer(
    { tools: { enabled: ['add'] }, upstreams: [{ name: 'notebook', url }] },
    undefined,
    { silence: 3600, answer: 60, listAtLeast: 0 },
  );
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_upstream_tools')).toBe(3);
  });
  const told: string[] = [];
  const [legacy, modern] = await Promise.all([
    connectClient(server.url, '2025-11-25'),
    connectClient(server.url, '2026-07-28'),
  ]);
  for (const { client } of [legacy, modern]) {
    expect(client.getServerCapabilities()?.tools).toEqual({ listChanged: true });
    client.setNotificationHandler('notifications/tools/list_changed', () => {
      told.push(client.getProtocolEra() ?? '');
    });
  }
  const names = async (): Promise<string[]> =>
    (await modern.client.listTools()).tools.map(({ name }) => name);
  expect(await names()).not.toContain('notebook_late');
  const subscription = await modern.client.listen({ toolsListChanged: true });
  expect(subscription.honoredFilter).toEqual({ toolsListChanged: true });
  await waitFor(() => {
    expect(upstream.listeners).toBeGreaterThan(0);
  });
  upstream.addTool('late');
  await waitFor(() => {
    expect([...told].sort()).toEqual(['legacy', 'modern']);
  });
  expect(await names()).toContain('notebook_late');
  await subscription.close();
  await Promise.all([legacy.client.close(), modern.client.close()]);
  await server.stop();
  upstream.close();
});

it('a client over stdio is told, too', async () => {
  const upstream = new V1Upstream();
  const url = await upstream.listen();
  const server = await startStdio({
    'tools.enabled': 'add',
    upstreams: JSON.stringify([{ name: 'notebook', url }]),
  });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  };
  server.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  server.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  await waitFor(() => {
    expect(server.messages.some(({ id }) => id === 1)).toBe(true);
    expect(upstream.listeners).toBe(1);
  });
  const notices = () => server.messages.filter(({ method }) => method === 'notifications/tools/list_changed');
  const before = notices().length;
  upstream.addTool('late');
  await waitFor(() => {
    expect(notices().length).toBeGreaterThan(before);
  }, 30_000);
  upstream.close();
}, 60_000);

const tellsOfChanges: Behaviour = (message, response) =>
  answer(response, message, {
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'raw', version: '1' },
  });

const FAILURES: readonly (readonly [string, Behaviour])[] = [
  ['HTTP 503', (_message, response) => response.writeHead(503).end()],
  ['HTTP 408', (_message, response) => response.writeHead(408).end()],
  ['HTTP 429', (_message, response) => response.writeHead(429, { 'retry-after': '0' }).end()],
  ['a lost connection', (_message, response) => response.destroy()],
];

it.each(FAILURES)(
  'changes of a list are heard though the first tries to listen met %s',
  async (_what, fail) => {
    const upstream = new RawUpstream();
    upstream.behaviour = {
      initialize: tellsOfChanges,
      GET: (message, response, request) => {
        if (upstream.count('GET') <= 3) return fail(message, response, request);
        upstream.tools = ['works', 'late'];
        const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
        return response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(`data: ${JSON.stringify(changed)}\n\n`);
      },
    };
    const server = await startTestServer(
      { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url: await upstream.listen() }] },
      undefined,
      UNHURRIED,
    );
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_upstream_tools')).toBe(2);
    });
    // Nothing was told before: the list was read for the change alone.
    expect(upstream.count('tools/list')).toBe(2);
    await server.stop();
    await upstream.close();
  },
);

const isOfNewEra: Behaviour = (message, response) =>
  answer(response, message, {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'raw', version: '1' },
    ttlMs: 0,
    cacheScope: 'private',
  });

it.each<readonly [string, number, Behaviour]>([
  ['HTTP 429', 3, (_message, response) => response.writeHead(429).end()],
  ['an internal error', 3, (message, response) => refuse(response, message, -32_603)],
  ['that it knows no such method', 1, (message, response) => refuse(response, message)],
])(
  'an upstream of 2026-07-28 that answers a subscription with %s is asked for one %d times in three',
  async (_what, asked, refuses) => {
    const upstream = new RawUpstream();
    upstream.behaviour = {
      'server/discover': isOfNewEra,
      'tools/list': (message, response) =>
        answer(response, message, { resultType: 'complete', tools: [], ttlMs: 0, cacheScope: 'private' }),
      'subscriptions/listen': (message, response, request) => {
        // The third is taken, and never ends.
        if (upstream.count('subscriptions/listen') < 3) return refuses(message, response, request);
        return undefined;
      },
    };
    const server = await startTestServer(
      { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url: await upstream.listen() }] },
      undefined,
      { ...UNHURRIED, listAtMost: 0.1 },
    );
    await waitFor(() => {
      expect(upstream.count('subscriptions/listen')).toBeGreaterThanOrEqual(asked);
      expect(upstream.count('tools/list')).toBeGreaterThan(5);
    });
    expect(upstream.count('subscriptions/listen')).toBe(asked);
    await server.stop();
    await upstream.close();
  },
);

it('an upstream that has no stream for changes is asked for one once', async () => {
  const upstream = new RawUpstream();
  upstream.behaviour = { initialize: tellsOfChanges };
  const server = await startTestServer(
    { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url: await upstream.listen() }] },
    undefined,
    { ...UNHURRIED, listAtMost: 0.1 },
  );
  // Each takes longer than another attempt would wait.
  await waitFor(() => {
    expect(upstream.count('tools/list')).toBeGreaterThan(5);
  });
  expect(upstream.count('GET')).toBe(1);
  await server.stop();
  await upstream.close();
});

it('without upstreams no client is promised to be told', async () => {
  const server = await startTestServer();
  const { client } = await connectClient(server.url, '2025-11-25');
  expect(client.getServerCapabilities()?.tools).toEqual({ listChanged: false });
  await client.close();
  await server.stop();
});

it('of many changes one notice comes, and none of a list that is again as it was', async () => {
  const tool = (name: string) => ({ name, listing: { name } }) as OfferedTool;
  const catalogue = new Catalogue([tool('a')]);
  let notices = 0;
  let time = 0;
  const stop = tellOfChanges(
    catalogue,
    () => time,
    () => {
      notices += 1;
    },
  );
  catalogue.change({ add: [tool('b')] });
  catalogue.change({ add: [tool('c')] });
  await waitFor(() => {
    expect(notices).toBe(1);
  });
  // Long after the last notice, so that nothing waits for the next.
  time = 100;
  catalogue.change({ remove: ['b'] });
  catalogue.change({ add: [tool('b')] });
  const other = tellOfChanges(
    catalogue,
    () => time,
    () => {
      notices += 10;
    },
  );
  catalogue.change({ remove: ['c'] });
  await waitFor(() => {
    expect(notices).toBe(12);
  });
  stop();
  other();
});

it('after a notice the next one comes five seconds later, however often the list changes until then', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const tool = (name: string) => ({ name, listing: { name } }) as OfferedTool;
  const catalogue = new Catalogue([]);
  const now = (): number => performance.now() / 1000;
  const start = now();
  const toldAt: number[] = [];
  const stop = tellOfChanges(catalogue, now, () => toldAt.push(Math.round(now() - start)));
  try {
    for (let second = 0; second < 12; second += 1) {
      catalogue.change({ add: [tool(`of ${second}`)] });
      vi.advanceTimersByTime(1000);
    }
    expect(toldAt).toEqual([0, 5, 10]);
    // The last changes are told of, too, and nothing after that.
    vi.advanceTimersByTime(60_000);
    expect(toldAt).toEqual([0, 5, 10, 15]);
    catalogue.change({ remove: ['of 0'] });
    vi.advanceTimersByTime(0);
    expect(toldAt).toEqual([0, 5, 10, 15, 72]);
  } finally {
    stop();
    vi.useRealTimers();
  }
});
