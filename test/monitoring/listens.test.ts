import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createMonitoring, type McpHandler, type Monitoring } from '../../src/monitoring/index.ts';
import { connectClient } from '../support/clients.ts';
import { listenOnce, newServer, registerTools } from '../support/foreign-servers.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { waitFor } from '../support/wait.ts';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);

const LISTEN = 'subscriptions/listen';
const spans = () => exporter.getFinishedSpans().filter(({ name }) => name === LISTEN);

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

let monitoring: Monitoring;
let handler: McpHttpHandler;
let url: string;
beforeEach(async () => {
  exporter.reset();
  monitoring = createMonitoring();
  handler = createMcpHandler(() => monitoring.instrument(registerTools(newServer())), {
    maxSubscriptions: 2,
  });
  expect(monitoring.instrument(monitoring.instrument(handler))).toBe(handler);
  const handle = toNodeHandler(handler);
  url = await listenOnce(
    (request, response) => void handle(request as Parameters<typeof handle>[0], response),
  );
});

const scrape = async (): Promise<Samples> => parseMetrics((await monitoring.metrics()).body);
const connect = async () => (await connectClient(url, '2026-07-28')).client;
const requests = { method: LISTEN, protocol_version: '2026-07-28', transport: 'http' };
const operations = { mcp_method_name: LISTEN };

async function expectOpen(count: number): Promise<void> {
  await waitFor(async () => {
    expect((await scrape()).value('mcp_active_subscriptions')).toBe(count);
  });
}

describe("a stream of subscriptions/listen, which the SDK's handler answers without a server", () => {
  it('is counted while it is open, and hears of changes', async () => {
    const client = await connect();
    const heard = vi.fn();
    client.setNotificationHandler('notifications/tools/list_changed', heard);
    const subscription = await client.listen({ toolsListChanged: true });
    await expectOpen(1);
    expect((await scrape()).value('mcp_requests_total', requests)).toBe(1);
    handler.notify.toolsChanged();
    await waitFor(() => {
      expect(heard).toHaveBeenCalledOnce();
    });
    await subscription.close();
    await expectOpen(0);
    await client.close();
  });

  it('is over when its client goes away, and that is no answer', async () => {
    const client = await connect();
    await client.listen({ toolsListChanged: true });
    await expectOpen(1);
    await client.close();
    await expectOpen(0);
    expect((await scrape()).value('mcp_server_operation_duration_seconds_count', operations) ?? 0).toBe(0);
    await waitFor(() => {
      expect(spans().map(({ attributes }) => attributes['nexus_mcp.reason'])).toEqual(['cancelled']);
    });
  });

  it('is an operation, and a span, as long as the handler keeps it open', async () => {
    const client = await connect();
    const subscription = await client.listen({ toolsListChanged: true });
    await expectOpen(1);
    expect(spans()).toEqual([]);
    await handler.close();
    expect(await subscription.closed).toBe('graceful');
    await expectOpen(0);
    expect((await scrape()).value('mcp_server_operation_duration_seconds_count', operations)).toBe(1);
    expect(spans()).toMatchObject([
      { attributes: { 'mcp.method.name': LISTEN, 'mcp.protocol.version': '2026-07-28' } },
    ]);
    await client.close();
  });

  it('has the parent that its client names', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const body = {
      jsonrpc: '2.0',
      id: 'a',
      method: LISTEN,
      params: {
        notifications: {},
        _meta: {
          traceparent,
          ...META,
        },
      },
    };
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': LISTEN,
      },
      body: JSON.stringify(body),
    });
    expect(await response.text()).toContain('"resultType":"complete"');
    await waitFor(() => {
      expect(spans().map((span) => span.parentSpanContext?.spanId)).toEqual(['b7ad6b7169203331']);
    });
  });

  it('that is refused is an operation with an error, and not open', async () => {
    const client = await connect();
    await client.listen({ toolsListChanged: true });
    await client.listen({ toolsListChanged: true });
    await expectOpen(2);
    await expect(client.listen({ toolsListChanged: true })).rejects.toThrow(/limit/);
    await expectOpen(2);
    const failed = { ...operations, error_type: '-32603' };
    expect((await scrape()).value('mcp_server_operation_duration_seconds_count', failed)).toBe(1);
    await client.close();
  });
});

it('what the handler passes to a server is counted there, once', async () => {
  const client = await connect();
  await client.callTool({ name: 'works', arguments: {} });
  const samples = await scrape();
  expect(samples.value('mcp_requests_total', { method: 'tools/call' })).toBe(1);
  expect(samples.value('mcp_requests_total', { method: LISTEN })).toBeUndefined();
  await client.close();
});

describe('a request that is not for a stream', () => {
  const postTo = (to: string, body: unknown, headers: Record<string, string> = {}) =>
    new Request(to, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    });

  it('is counted once where a server of the 2025 era gets it', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: LISTEN, params: {} };
    const request = postTo(url, body, { 'mcp-protocol-version': '2025-11-25' });
    const response = await handler.fetch(request, { parsedBody: body });
    expect(await response.text()).toContain('-32601');
    const counted = (await scrape()).select('mcp_requests_total').filter(({ value }) => value > 0);
    expect(counted).toMatchObject([{ value: 1 }]);
  });

  it('counts nothing when it is no POST, whatever its headers say', async () => {
    await handler.fetch(new Request(url, { headers: { 'mcp-method': LISTEN } }));
    expect((await scrape()).value('mcp_requests_total', { method: LISTEN })).toBeUndefined();
  });

  it.each([null, [], [null], 'text', 5])('may have %j for a body', async (parsedBody) => {
    const request = postTo(url, parsedBody, { 'mcp-method': LISTEN });
    await request.text();
    expect((await handler.fetch(request, { parsedBody })).status).toBe(400);
    expect((await scrape()).value('mcp_requests_total', { method: LISTEN })).toBeUndefined();
  });
});

describe('a handler of another make', () => {
  const body = { jsonrpc: '2.0', id: 1, method: LISTEN, params: { _meta: META } };
  const ask = (signal?: AbortSignal) =>
    new Request('http://localhost/mcp', {
      method: 'POST',
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  const answering = (answer: () => Response | Promise<Response>) =>
    monitoring.instrument<McpHandler>({
      fetch: () => Promise.resolve().then(answer),
      close: () => Promise.resolve(),
      notify: { toolsChanged: () => undefined },
    });
  const streaming = (source: {
    pull?: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>;
  }) =>
    answering(
      () =>
        new Response(new ReadableStream(source), {
          headers: { 'content-type': 'text/event-stream; charset=utf-8' },
        }),
    );

  it('may say which characters its stream has', async () => {
    const gone = new AbortController();
    await streaming({}).fetch(ask(gone.signal), { parsedBody: body });
    await expectOpen(1);
    gone.abort();
    await expectOpen(0);
  });

  it('may answer what is no JSON and does not end', async () => {
    const endless = answering(
      () => new Response(new ReadableStream(), { headers: { 'content-type': 'text/plain' } }),
    );
    expect((await endless.fetch(ask(), { parsedBody: body })).status).toBe(200);
    await expectOpen(0);
  });

  it('has closed a stream that breaks', async () => {
    const response = await streaming({
      pull: () => Promise.reject(new Error('the bus is gone')),
    }).fetch(ask(), { parsedBody: body });
    await expect(response.text()).rejects.toThrow('the bus is gone');
    await expectOpen(0);
    expect(spans()).toHaveLength(1);
  });

  it('is asked no faster than its stream is read', async () => {
    let pulled = 0;
    const response = await streaming({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1));
      },
    }).fetch(ask(), { parsedBody: body });
    const reader = response.body?.getReader();
    for (let read = 0; read < 5; read += 1) await reader?.read();
    expect(pulled).toBeLessThan(10);
    await reader?.cancel();
    await expectOpen(0);
  });

  it('that throws has failed, and says so', async () => {
    const broken = answering(() => {
      throw new Error('a bug');
    });
    await expect(broken.fetch(ask(), { parsedBody: body })).rejects.toThrow('a bug');
    const failed = { ...operations, error_type: '-32603' };
    expect((await scrape()).value('mcp_server_operation_duration_seconds_count', failed)).toBe(1);
    expect(spans()).toMatchObject([{ attributes: { 'error.type': '-32603' } }]);
  });
});

describe('a handler whose servers are not instrumented', () => {
  it.each([
    ['is warned of once, at its first request', () => registerTools(newServer()), 1],
    ['is not warned of otherwise', () => monitoring.instrument(registerTools(newServer())), 0],
  ])('%s', async (_what, create, warnings) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    monitoring = createMonitoring();
    const handle = toNodeHandler(monitoring.instrument(createMcpHandler(create)));
    url = await listenOnce(
      (request, response) => void handle(request as Parameters<typeof handle>[0], response),
    );
    expect(warned).not.toHaveBeenCalled();
    const client = await connect();
    await client.listTools();
    await client.listTools();
    expect(warned).toHaveBeenCalledTimes(warnings);
    if (warnings > 0) expect(warned.mock.calls[0]?.[0]).toContain('call instrument in the factory');
    await client.close();
    warned.mockRestore();
  });
});
