import { InMemoryTransport as V1InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import express from 'express';
import { Counter, Registry, type PrometheusContentType } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { REASONS } from '../../src/tools/reasons.ts';
import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';
import {
  listenOnce,
  newLowServer,
  newServer,
  newV1Server,
  registerTools,
  registerV1Tools,
  serveStateless,
  serveV1Sessions,
} from '../support/foreign-servers.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { waitFor } from '../support/wait.ts';

const UUID = /^[0-9a-f-]{36}$/;

const scrape = async (monitoring: Monitoring): Promise<Samples> =>
  parseMetrics((await monitoring.metrics()).body);

interface Caller {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

/** Servers of both lines of the SDK, each with a client. */
const SERVERS: Readonly<Record<string, (monitoring: Monitoring) => Promise<Caller>>> = {
  ...Object.fromEntries(
    ERAS.map((era) => [
      `a v2 McpServer made per request, over ${era}`,
      async (monitoring: Monitoring) => {
        const url = await serveStateless(() => registerTools(newServer()), monitoring);
        return (await connectClient(url, era)).client;
      },
    ]),
  ),
  'a v2 McpServer whose tools come after': async (monitoring) => {
    const server = monitoring.instrument(newServer());
    registerTools(server);
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    return client;
  },
  'a v1 McpServer with sessions': async (monitoring) => {
    const url = await serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring);
    return (await connectV1Client(url)).client;
  },
  'a v1 McpServer that is connected already': async (monitoring) => {
    const server = registerV1Tools(newV1Server());
    const client = new V1Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = V1InMemoryTransport.createLinkedPair();
    await server.connect(far);
    monitoring.instrument(server);
    await client.connect(near);
    return client;
  },
};

const OUTCOMES = [
  { tool: 'works', reason: undefined, runs: 1 },
  { tool: 'fails', reason: 'tool_error', runs: 1 },
  { tool: 'throws', reason: 'exception', runs: 1 },
  { tool: 'times_out', reason: 'timeout', runs: 1 },
  { tool: 'breaks_schema', reason: 'exception', runs: 1 },
  { tool: 'takes_a_number', reason: 'invalid_arguments', runs: 0 },
  { tool: 'nobody_registered_this', reason: 'unknown_tool', runs: undefined },
  { tool: 'disabled', reason: 'unknown_tool', runs: undefined },
] as const;

describe.each(Object.entries(SERVERS))('%s', (_name, start) => {
  it.each(OUTCOMES)('has a call of $tool counted once, as $reason', async ({ tool, reason, runs }) => {
    const monitoring = createMonitoring();
    const client = await start(monitoring);
    await client.callTool({ name: tool, arguments: {} }).catch(() => undefined);
    const samples = await scrape(monitoring);
    const tool_name = reason === 'unknown_tool' ? 'unknown' : tool;
    const status = reason === undefined ? 'success' : 'error';
    expect(samples.value('mcp_tool_calls_total')).toBe(1);
    expect(samples.value('mcp_tool_calls_total', { tool_name, status })).toBe(1);
    expect(samples.value('mcp_tool_errors_total')).toBe(reason === undefined ? 0 : 1);
    if (reason) expect(samples.value('mcp_tool_errors_total', { tool_name, reason })).toBe(1);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name })).toBe(runs);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    const operation = { mcp_method_name: 'tools/call', gen_ai_tool_name: tool_name };
    expect(samples.value('mcp_server_operation_duration_seconds_count', operation)).toBe(1);
    expect(samples.value('mcp_requests_total', { method: 'tools/call' })).toBe(1);
    expect(JSON.stringify(samples.all)).not.toContain('nobody_registered_this');
    await client.close();
  });

  it('shows a call in flight, and the size of its result', async () => {
    const monitoring = createMonitoring();
    const client = await start(monitoring);
    const calling = client.callTool({ name: 'slow', arguments: {} });
    await waitFor(async () => {
      const samples = await scrape(monitoring);
      expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(1);
    });
    await calling;
    await client.callTool({ name: 'works', arguments: {} });
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_result_size_bytes_sum', { tool_name: 'works' })).toBeGreaterThan(1000);
    expect(samples.value('mcp_tool_duration_seconds_sum', { tool_name: 'slow' })).toBeGreaterThan(0.35);
    await client.close();
  });

  it('has the series of its tools at zero before the first call', async () => {
    const monitoring = createMonitoring();
    const client = await start(monitoring);
    const samples = await scrape(monitoring);
    for (const reason of REASONS)
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'throws', reason })).toBe(0);
    expect(samples.value('mcp_tool_info', { tool_name: 'works', source: 'library' })).toBe(1);
    await client.close();
  });
});

describe('sessions of a v1 server', () => {
  it('are those that are open', async () => {
    const monitoring = createMonitoring();
    const url = await serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring);
    const active = async () => (await scrape(monitoring)).value('mcp_active_sessions');
    expect(await active()).toBe(0);
    const [first, second] = await Promise.all([connectV1Client(url), connectV1Client(url)]);
    expect(await active()).toBe(2);
    await first.transport.terminateSession();
    await first.client.close();
    expect(await active()).toBe(1);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_sessions_closed_total', { reason: 'client', transport: 'http' })).toBe(1);
    expect(samples.value('mcp_sessions_opened_total', { transport: 'http' })).toBe(2);
    // Each is one session to the library, wherever it was before: opened less closed are those that are open.
    expect(samples.value('mcp_sessions_resumed_total', { transport: 'http' })).toBe(0);
    const labels = { mcp_protocol_version: '2025-11-25', network_transport: 'tcp' };
    expect(samples.value('mcp_server_session_duration_seconds_count', labels)).toBe(1);
    await second.client.close();
  });
});

describe('a connection without HTTP', () => {
  it('is a session, which ends as shutdown when the application closes the server', async () => {
    const monitoring = createMonitoring();
    const server = monitoring.instrument(registerTools(newServer()));
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(1);
    await server.close();
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_active_sessions')).toBe(0);
    expect(samples.value('mcp_sessions_closed_total', { transport: 'stdio', reason: 'shutdown' })).toBe(1);
  });
});

describe('a low-level Server', () => {
  it('has its tools counted once they are listed or have worked, and made-up names as unknown', async () => {
    const monitoring = createMonitoring();
    const url = await serveStateless(newLowServer, monitoring);
    const { client } = await connectClient(url, '2025-11-25');
    const call = (name: string) => client.callTool({ name, arguments: {} }).catch(() => undefined);
    await call('works');
    await call('made_up');
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'works', status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'unknown', reason: 'unknown_tool' })).toBe(1);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    await client.close();
  });

  it('has the tools it is said to have counted from the start', async () => {
    const monitoring = createMonitoring();
    const server = monitoring.instrument(newLowServer(), { tools: ['works', 'throws', 'fails'] });
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    for (const name of ['throws', 'fails'])
      await client.callTool({ name, arguments: {} }).catch(() => undefined);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'throws', reason: 'exception' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'fails', reason: 'tool_error' })).toBe(1);
    await client.close();
  });
});

describe('instrument', () => {
  it('counts once when it is called twice', async () => {
    const monitoring = createMonitoring();
    const server = registerTools(newServer());
    monitoring.instrument(monitoring.instrument(server));
    monitoring.instrument(server.server);
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    await client.callTool({ name: 'works', arguments: {} });
    expect((await scrape(monitoring)).value('mcp_tool_calls_total')).toBe(1);
    await client.close();
  });

  it('folds tools beyond the bound into other, and counts that', async () => {
    const monitoring = createMonitoring({ maxTools: 2 });
    const server = monitoring.instrument(registerTools(newServer()));
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    await client.callTool({ name: 'throws', arguments: {} });
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'other', reason: 'exception' })).toBe(1);
    expect(samples.select('mcp_tool_info')).toHaveLength(3);
    const labels = { metric: 'mcp_tool_calls_total', label: 'tool_name' };
    expect(samples.value('mcp_label_values_folded_total', labels)).toBeGreaterThan(0);
    await client.close();
  });

  it('counts a call that the client cancels', async () => {
    const monitoring = createMonitoring();
    const url = await serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring);
    const { client } = await connectV1Client(url);
    const gone = new AbortController();
    const options = { signal: gone.signal };
    const calling = client
      .callTool({ name: 'slow', arguments: {} }, undefined, options)
      .catch(() => undefined);
    await waitFor(async () => {
      expect((await scrape(monitoring)).value('mcp_tool_calls_in_flight')).toBe(1);
    });
    gone.abort();
    await calling;
    await waitFor(async () => {
      const samples = await scrape(monitoring);
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'slow', reason: 'cancelled' })).toBe(1);
      expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    });
    await client.close();
  });

  it.each([
    ['v1', 'gateway-1/42', 'gateway-1/42'],
    ['v2', 'gateway-1/42', 'gateway-1/42'],
    ['v1', 'has spaces', expect.stringMatching(UUID)],
    ['v2', 'x'.repeat(129), expect.stringMatching(UUID)],
  ] as const)(
    'logs the request id that a %s server is sent if it is well-formed: %s',
    async (line, id, logged) => {
      const lines: Record<string, unknown>[] = [];
      const log = (entry: Record<string, unknown>) => void lines.push(entry);
      const logger = { debug: log, info: log, warn: log, error: log, isLevelEnabled: () => true };
      const monitoring = createMonitoring({ logger });
      const url = await (line === 'v1'
        ? serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring)
        : serveStateless(() => registerTools(newServer()), monitoring));
      const era = line === 'v1' ? '2025-11-25' : '2026-07-28';
      const { client } = await connectClient(url, era, { headers: { 'x-request-id': id } });
      await client.callTool({ name: 'works', arguments: {} });
      await client.close();
      expect(lines).toMatchObject([{ tool: 'works', request_id: logged as unknown }]);
    },
  );

  it('logs one line a call to the logger it is given', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = (level: string) => (line: Record<string, unknown>) => void lines.push({ level, ...line });
    const logger = {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      isLevelEnabled: () => true,
    };
    const monitoring = createMonitoring({ logger });
    const url = await serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring);
    const { client } = await connectV1Client(url);
    await client.callTool({ name: 'throws', arguments: {} });
    expect(lines).toMatchObject([
      {
        level: 'error',
        tool: 'throws',
        reason: 'exception',
        request_id: expect.stringMatching(UUID) as string,
        session_id: expect.any(String) as string,
        client_name: 'test-client',
        err: expect.objectContaining({ message: 'a bug' }) as Error,
      },
    ]);
    await client.close();
  });
});

describe('tool', () => {
  it('says what it takes, when given something else', () => {
    const tool = createMonitoring().tool as (...given: unknown[]) => unknown;
    for (const given of [[], ['name'], [() => 1], ['name', 'function']])
      expect(() => tool(...given)).toThrow(new TypeError('tool takes a name and a function'));
  });

  it('measures any function, and returns and throws what it does', async () => {
    const monitoring = createMonitoring();
    const half = monitoring.tool('half', (n: number) => {
      if (n % 2 === 1) throw new RangeError('odd');
      return Promise.resolve(n / 2);
    });
    expect(await half(4)).toBe(2);
    await expect(half(5)).rejects.toThrow(new RangeError('odd'));
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'half', status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'half', reason: 'exception' })).toBe(1);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name: 'half' })).toBe(2);
  });

  it('tells aborted and late work, and results with isError, from bugs', async () => {
    const monitoring = createMonitoring();
    const fetching = monitoring.tool('fetching', (signal: AbortSignal) => {
      signal.throwIfAborted();
      return { isError: true };
    });
    await fetching(new AbortController().signal);
    await expect(fetching(AbortSignal.abort())).rejects.toThrow();
    await expect(fetching(AbortSignal.abort(new DOMException('late', 'TimeoutError')))).rejects.toThrow();
    const samples = await scrape(monitoring);
    for (const reason of ['tool_error', 'cancelled', 'timeout'])
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'fetching', reason }), reason).toBe(1);
  });

  it('counts nothing more within the same tool of an instrumented server', async () => {
    const monitoring = createMonitoring();
    const server = monitoring.instrument(newServer());
    const inner = monitoring.tool('inner', () => 1);
    const run = monitoring.tool('outer', async () => {
      await inner();
      return { content: [] };
    });
    server.registerTool('outer', {}, run);
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    await client.callTool({ name: 'outer', arguments: {} });
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'outer' })).toBe(1);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'inner' })).toBe(1);
    await client.close();
  });
});

describe('the metrics', () => {
  it('are served by express and by bare node:http, as text, gzip and OpenMetrics', async () => {
    const monitoring = createMonitoring();
    const app = express();
    app.get('/metrics', monitoring.expressHandler());
    const handler = monitoring.expressHandler();
    const bare = await listenOnce((request, response) => void handler(request, response));
    const inExpress = await listenOnce(app);
    for (const url of [bare, `${inExpress}/metrics`]) {
      const plain = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
      expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(plain.headers.get('content-encoding')).toBeNull();
      expect(await plain.text()).toContain('# TYPE mcp_tool_calls_total counter');
      const open = await fetch(url, {
        headers: { accept: 'application/openmetrics-text', 'accept-encoding': 'gzip' },
      });
      expect(open.headers.get('content-encoding')).toBe('gzip');
      expect(await open.text()).toMatch(/# TYPE mcp_tool_calls counter\n[^]*# EOF\n$/);
    }
  });

  it('are the whole contract of what a server has, and nothing of ours that it has not', async () => {
    const { body } = await createMonitoring().metrics();
    const families = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    const ours = Object.keys(METRICS);
    const missing = ours.filter((name) => !families.includes(name));
    expect(missing.sort()).toEqual([
      'http_server_buffered_bytes',
      'http_server_connections_cut_total',
      'http_server_connections_limit',
      'http_server_open_connections',
      'http_server_request_duration_seconds',
      'mcp_audit_events_total',
      'mcp_audit_write_errors_total',
      'mcp_auth_failures_total',
      'mcp_auth_key_refreshes_total',
      'mcp_auth_keys_age_seconds',
      'mcp_client_operation_duration_seconds',
      'mcp_discovery_errors_total',
      'mcp_discovery_last_sync_timestamp_seconds',
      'mcp_discovery_services',
      'mcp_peer_messages_total',
      'mcp_session_not_found_total',
      'mcp_sessions_limit',
      'mcp_subscriptions_limit',
      'mcp_token_file_current',
      'mcp_trace_spans_total',
      'mcp_upstream_definition_changes_total',
      'mcp_upstream_fault',
      'mcp_upstream_last_transition_timestamp_seconds',
      'mcp_upstream_state',
      'mcp_upstream_tools',
      'mcp_upstream_tools_dropped',
      'mcp_upstream_transitions_total',
      'mcp_worker_pool_busy',
      'mcp_worker_pool_size',
      'mcp_worker_pool_waiting',
      'mcp_worker_restarts_total',
    ]);
    expect(families).toContain('process_cpu_seconds_total');
  });

  it('go into a prom-client registry of the caller, beside what is there, with its labels', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ app: 'shop' });
    new Counter({ name: 'shop_orders', help: 'Orders', registers: [registry] }).inc();
    const monitoring = createMonitoring({ registry, build: { version: '1.2.3' } });
    await monitoring.tool('half', () => 1)();
    const text = await registry.metrics();
    expect(text).toContain('mcp_tool_calls_total{tool_name="half",status="success",app="shop"} 1');
    expect(text).not.toContain('process_cpu_seconds_total');
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'half', app: 'shop' })).toBe(1);
    expect(samples.value('shop_orders', { app: 'shop' })).toBe(1);
    expect(samples.value('mcp_build_info', { version: '1.2.3', revision: 'unknown' })).toBe(1);
    const open = await monitoring.metrics('application/openmetrics-text');
    expect(open.body).toContain('# TYPE shop_orders counter\nshop_orders_total{app="shop"} 1\n');
    expect(() => createMonitoring({ registry })).toThrow(/already has a monitoring/);
  });

  it('are not put into a registry that writes OpenMetrics itself', () => {
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as unknown as PrometheusContentType);
    expect(() => createMonitoring({ registry })).toThrow(
      new TypeError(
        'createMonitoring takes a registry with the default content type: pass new Registry(). Scrapers that ask for ' +
          'OpenMetrics get it all the same',
      ),
    );
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  it('leave the OpenTelemetry names out when asked to', async () => {
    const monitoring = createMonitoring({ openTelemetryNames: false });
    const url = await serveStateless(() => registerTools(newServer()), monitoring);
    const { client } = await connectClient(url, '2026-07-28');
    await client.callTool({ name: 'works', arguments: {} });
    await client.close();
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'works' })).toBe(1);
    expect(samples.value('mcp_server_operation_duration_seconds_count')).toBeUndefined();
  });
});
