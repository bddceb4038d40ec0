import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as V1InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { InMemoryTransport, createMcpHandler } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { expect, describe, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { connectClient, connectV1Client } from '../support/clients.ts';
import {
  listenOnce,
  newResourceServer,
  newServer,
  newV1Server,
  registerTools,
  serveV1Sessions,
} from '../support/foreign-servers.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { waitFor } from '../support/wait.ts';

const info = { name: 'test-client', version: '1.2.3' };
const uri = 'demo://one';
const REFUSED = 'demo://refused';

const scrape = async (monitoring: Monitoring) => parseMetrics((await monitoring.metrics()).body);

const expectActive = (monitoring: Monitoring, count: number): Promise<void> =>
  waitFor(async () => {
    expect((await scrape(monitoring)).value('mcp_active_subscriptions')).toBe(count);
  });

function newV1ResourceServer() {
  const server = newV1Server();
  server.server.registerCapabilities({ resources: { subscribe: true } });
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    if (params.uri === REFUSED) throw new Error('no such resource');
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  return server;
}

/** Servers of both lines of the SDK, each with a client of the 2025 era and what ends the server. */
const SERVERS = {
  async v2(monitoring: Monitoring) {
    const server = monitoring.instrument(newResourceServer(REFUSED));
    const client = new Client(info);
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    return { client, server };
  },
  async v1(monitoring: Monitoring) {
    const server = monitoring.instrument(newV1ResourceServer());
    const client = new V1Client(info);
    const [near, far] = V1InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    return { client, server };
  },
} as const;

describe.each(Object.entries(SERVERS))('resources subscribed to on a %s server', (_line, start) => {
  it('are active until they are unsubscribed from, each once however often it is asked for', async () => {
    const monitoring = createMonitoring();
    const { client } = await start(monitoring);
    await client.subscribeResource({ uri });
    await client.subscribeResource({ uri });
    await client.subscribeResource({ uri: 'demo://two' });
    await expect(client.subscribeResource({ uri: REFUSED })).rejects.toThrow();
    await expectActive(monitoring, 2);
    await client.unsubscribeResource({ uri });
    await expectActive(monitoring, 1);
    await client.close();
  });

  it.each(['client', 'server'] as const)('end when the %s closes', async (who) => {
    const monitoring = createMonitoring();
    const ends = await start(monitoring);
    await ends.client.subscribeResource({ uri });
    await expectActive(monitoring, 1);
    await ends[who].close();
    await expectActive(monitoring, 0);
  });
});

it('resources subscribed to in an HTTP session end with it', async () => {
  const monitoring = createMonitoring();
  const url = await serveV1Sessions(newV1ResourceServer, monitoring);
  const [first, second] = await Promise.all([connectV1Client(url), connectV1Client(url)]);
  await first.client.subscribeResource({ uri });
  await second.client.subscribeResource({ uri });
  await expectActive(monitoring, 2);
  await first.transport.terminateSession();
  await expectActive(monitoring, 1);
  await first.client.close();
  await second.client.close();
});

describe('subscriptions/listen of serveStdio', () => {
  const start = async (monitoring: Monitoring) => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const handle = serveStdio(() => monitoring.instrument(registerTools(newServer())), { transport: far });
    const client = new Client(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(near);
    return { client, handle };
  };

  it('is active until the client ends it', async () => {
    const monitoring = createMonitoring();
    const { client } = await start(monitoring);
    const [first] = [
      await client.listen({ toolsListChanged: true }),
      await client.listen({ toolsListChanged: true }),
    ];
    await expectActive(monitoring, 2);
    await first.close();
    await expectActive(monitoring, 1);
    const labels = { method: 'subscriptions/listen', protocol_version: '2026-07-28', transport: 'stdio' };
    expect((await scrape(monitoring)).value('mcp_requests_total', labels)).toBe(2);
    await client.close();
    await expectActive(monitoring, 0);
  });

  it('ends when the server closes, as answered', async () => {
    const monitoring = createMonitoring();
    const { client, handle } = await start(monitoring);
    const subscription = await client.listen({ toolsListChanged: true });
    await expectActive(monitoring, 1);
    await handle.close();
    expect(await subscription.closed).toBe('graceful');
    await expectActive(monitoring, 0);
    const operation = { mcp_method_name: 'subscriptions/listen' };
    expect((await scrape(monitoring)).value('mcp_server_operation_duration_seconds_count', operation)).toBe(
      1,
    );
  });
});

it('streams of createMcpHandler and what servers show are added up', async () => {
  const monitoring = createMonitoring();
  const serve = () => {
    const create = () => monitoring.instrument(registerTools(newServer()));
    const handle = toNodeHandler(monitoring.instrument(createMcpHandler(create)));
    return listenOnce((request, response) => void handle(request as Parameters<typeof handle>[0], response));
  };
  const urls = await Promise.all([serve(), serve()]);
  const clients = await Promise.all(urls.map((url) => connectClient(url, '2026-07-28')));
  for (const { client } of clients) await client.listen({ toolsListChanged: true });
  const { client } = await SERVERS.v1(monitoring);
  await client.subscribeResource({ uri });
  await expectActive(monitoring, 3);
  await clients[0]?.client.close();
  await expectActive(monitoring, 2);
  await clients[1]?.client.close();
  await client.close();
});
