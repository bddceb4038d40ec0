import { afterEach, describe, expect, it } from 'vitest';
import { counter, createMonitoring, gauge, histogram } from '../../src/monitoring/index.ts';
import { METRICS, type MetricName } from '../../src/monitoring/metrics.ts';
import { seriesOf } from '../../src/monitoring/series.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const NAMES = Object.keys(METRICS) as MetricName[];

/** The series of a metric in a scrape; of a histogram, those of its buckets, sums and counts. */
const seriesIn = ({ all }: Samples, metric: string): number =>
  all.filter(({ name }) => name === metric || name.replace(/_(?:bucket|sum|count)$/, '') === metric).length;

async function toolsOf({ url }: TestServer): Promise<number> {
  const { tools } = (await (await fetch(`${url}/tools`)).json()) as { tools: unknown[] };
  return tools.length;
}

/** Calls that succeed, fail and are refused, by every entrance, and requests for what there is not. */
async function useAll(server: TestServer): Promise<void> {
  const calls = [
    ['echo', { text: 'hi' }],
    ['echo', { text: 5 }],
    ['fails', {}],
    ['no such tool', {}],
  ] as const;
  for (const [tool, args] of calls) await server.execute(tool, args);
  for (const era of ERAS) {
    const { client, transport } = await connectClient(server.url, era);
    await client.listTools();
    for (const [name, args] of calls) await client.callTool({ name, arguments: args }).catch(() => undefined);
    await transport.terminateSession();
    await client.close();
  }
  for (const method of ['GET', 'PUT', 'BREW'])
    await fetch(`${server.url}/tools/x`, { method }).catch(() => undefined);
}

describe('the number of series that follows from our declarations', () => {
  let server: TestServer;
  afterEach(() => server.stop());

  it('is exactly what there is from the start, where nothing waits for use', async () => {
    server = await startTestServer();
    const tools = await toolsOf(server);
    const samples = await server.scrape();
    const unlike = NAMES.filter((name) => seriesIn(samples, name) !== seriesOf(METRICS[name], tools));
    expect(unlike).toEqual([
      // Has those of tools that do not exist for two reasons of ten.
      'mcp_tool_errors_total',
      'mcp_requests_total',
      'mcp_server_operation_duration_seconds',
      'mcp_server_session_duration_seconds',
      'http_server_request_duration_seconds',
      'mcp_label_values_folded_total',
    ]);
  });

  it('is never exceeded, and that of what was there from the start stays the same', async () => {
    server = await startTestServer();
    const tools = await toolsOf(server);
    const before = await server.scrape();
    await useAll(server);
    const samples = await server.scrape();
    for (const name of NAMES) {
      const most = seriesOf(METRICS[name], tools);
      expect(seriesIn(samples, name), name).toBeLessThanOrEqual(most);
      if (seriesIn(before, name) === most) expect(seriesIn(samples, name), name).toBe(most);
    }
    expect(samples.value('mcp_server_operation_duration_seconds_count')).toBeGreaterThan(0);
    expect(samples.value('http_server_request_duration_seconds_count')).toBeGreaterThan(0);
  });
});

it("the number of series that follows from a caller's declarations is reached, and never exceeded", async () => {
  const declared = {
    orders_total: counter('Orders placed', { plan: ['free', 'pro'], country: { atMost: 3 } }),
    carts_open: gauge('Carts open now', { plan: ['free', 'pro'] }),
    cart_value_euros: histogram('Value of carts', [10, 100], { country: { atMost: 2 } }),
  };
  const { custom, metrics } = createMonitoring({ metrics: declared });
  for (const plan of ['free', 'pro', 'made up'] as 'free'[]) {
    custom.carts_open.set({ plan }, 1);
    for (let each = 0; each < 20; each += 1) custom.orders_total.inc({ plan, country: `c${each}` });
  }
  for (let each = 0; each < 20; each += 1) custom.cart_value_euros.observe({ country: `c${each}` }, each);
  const samples = parseMetrics((await metrics()).body);
  for (const [name, declaration] of Object.entries(declared))
    expect(seriesIn(samples, name), name).toBe(seriesOf(declaration));
});
