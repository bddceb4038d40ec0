import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { connectClient } from '../support/clients.ts';
import { listenOnce, newServer, registerTools } from '../support/foreign-servers.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);

const LISTEN = 'subscriptions/listen';
const spans = () => exporter.getFinishedSpans().filter(({ name }) => name === LISTEN);

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
  await vi.waitFor(async () => {
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
    await vi.waitFor(() => {
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
    await vi.waitFor(() => {
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
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
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
    await vi.waitFor(() => {
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
