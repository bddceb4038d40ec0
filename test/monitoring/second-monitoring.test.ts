import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { counter, createMonitoring, gauge, type Monitoring } from '../../src/monitoring/index.ts';
import { newServer } from '../support/foreign-servers.ts';
import { scrape } from '../support/instrumented.ts';

const metrics = { orders_total: counter('Orders placed', { plan: ['free', 'pro'] }) };

describe('a second monitoring for one registry, as after a hot reload,', () => {
  it('goes on with the first when it is to be reused', async () => {
    const registry = new Registry();
    const create = () => createMonitoring({ registry, metrics, reuse: true });
    for (let reload = 0; reload < 3; reload += 1) {
      const monitoring = create();
      monitoring.custom.orders_total.inc({ plan: 'free' });
      await monitoring.tool('half', () => 1)();
    }
    const samples = await scrape(create());
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'half' })).toBe(3);
    expect(samples.value('orders_total', { plan: 'free' })).toBe(3);
  });

  it.each([
    ['is declared otherwise', { orders_total: counter('Orders placed', { plan: ['free'] }) }, 'orders_total'],
    ['is new', { ...metrics, carts_open: gauge('Carts') }, 'carts_open'],
  ])('is refused when it is to be reused and a metric %s', (_what, declared, name) => {
    const registry = new Registry();
    createMonitoring({ registry, metrics });
    expect(() => createMonitoring({ registry, metrics: declared, reuse: true })).toThrow(
      new Error(
        `metric ${name}: the monitoring to be reused declares it otherwise; call its dispose() before you make the new one`,
      ),
    );
  });

  it('is refused otherwise, with both ways out', () => {
    const registry = new Registry();
    createMonitoring({ registry });
    expect(() => createMonitoring({ registry })).toThrow(
      new Error(
        'The registry already has a monitoring: pass reuse: true to share it, or call its dispose() first',
      ),
    );
  });

  it('is a new one when the registry was cleared', async () => {
    const registry = new Registry();
    await createMonitoring({ registry }).tool('half', () => 1)();
    registry.clear();
    const monitoring = createMonitoring({ registry, reuse: true });
    await monitoring.tool('half', () => 1)();
    expect((await scrape(monitoring)).value('mcp_tool_calls_total', { tool_name: 'half' })).toBe(1);
  });

  it('is refused when someone else has metrics of these names', () => {
    const registry = new Registry();
    new Counter({ name: 'mcp_requests_total', help: 'x', registers: [registry] });
    expect(() => createMonitoring({ registry, reuse: true })).toThrow(
      new Error('The registry already has metrics with these names, from elsewhere: mcp_requests_total'),
    );
  });
});

/** Connects a client to a server with a tool that runs until it is told to end. */
async function connect(monitoring: Monitoring) {
  const ends: (() => void)[] = [];
  const server = monitoring.instrument(newServer());
  server.registerTool('held', {}, async () => {
    await new Promise<void>((resolve) => ends.push(resolve));
    return { content: [] };
  });
  server.registerTool('works', {}, () => ({ content: [] }));
  const client = new Client({ name: 'test-client', version: '1.2.3' });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  return { server, client, ends };
}

describe('a monitoring that is disposed of', () => {
  it('takes its metrics out of the registry, and leaves those of others', async () => {
    const registry = new Registry();
    new Counter({ name: 'shop_orders', help: 'Orders', registers: [registry] }).inc();
    const monitoring = createMonitoring({ registry, metrics, runtime: true });
    monitoring.dispose();
    monitoring.dispose();
    expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(['shop_orders']);
    expect(await registry.metrics()).toContain('shop_orders 1');
    createMonitoring({ registry, metrics, runtime: true });
  });

  it('measures nothing more, and disturbs no call', async () => {
    const registry = new Registry();
    const lines: unknown[] = [];
    const log = (line: unknown) => void lines.push(line);
    const logger = { debug: log, info: log, warn: log, error: log, isLevelEnabled: () => true };
    const first = createMonitoring({ registry, logger });
    const { server, client, ends } = await connect(first);
    const half = first.tool('half', () => 1);
    const calling = client.callTool({ name: 'held', arguments: {} });
    await expect.poll(() => ends.length).toBe(1);
    first.dispose();
    const second = createMonitoring({ registry, logger });
    second.instrument(server);
    ends[0]?.();
    await calling;
    await client.callTool({ name: 'works', arguments: {} });
    expect(await half()).toBe(1);
    expect(first.instrument(newServer())).toBeDefined();
    await client.close();
    const samples = await scrape(second);
    expect(samples.value('mcp_tool_calls_total')).toBe(1);
    expect(samples.value('mcp_requests_total')).toBe(1);
    expect(lines).toMatchObject([{ tool: 'works' }]);
  });

  it('logs what it held back', async () => {
    const lines: unknown[] = [];
    const log = (line: unknown) => void lines.push(line);
    const logger = { debug: log, info: log, warn: log, error: log, isLevelEnabled: () => true };
    const monitoring = createMonitoring({ logger });
    const fails = monitoring.tool('fails', () => {
      throw new Error('a bug');
    });
    for (let each = 0; each < 8; each += 1) await fails().catch(() => undefined);
    monitoring.dispose();
    expect(lines.at(-1)).toMatchObject({ tool: 'fails', folded: 3 });
  });
});
