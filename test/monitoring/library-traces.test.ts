import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { SpanStatusCode, context, createContextKey, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { Tracing, type OperationSpan } from '../../src/monitoring/traces/tracing.ts';
import { connectClient, connectV1Client } from '../support/clients.ts';
import {
  newServer,
  newV1Server,
  registerTools,
  registerV1Tools,
  serveStateless,
  serveV1Sessions,
} from '../support/foreign-servers.ts';
import { keptMegabytes } from '../support/garbage.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const _meta = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` };

// Made before the SDK is there, as an application may.
const monitoring = createMonitoring();

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);

beforeEach(() => {
  exporter.reset();
});

/** The spans of a name, with their parents' ids. */
const spansNamed = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

describe('an SDK that the application has registered', () => {
  it.each([
    ['v2', () => serveStateless(() => registerTools(newServer()), monitoring)],
    ['v1', () => serveV1Sessions(() => registerV1Tools(newV1Server()), monitoring)],
  ] as const)(
    'gets the spans of a %s server, under the parent that the client sends',
    async (line, start) => {
      const url = await start();
      const { client } = line === 'v1' ? await connectV1Client(url) : await connectClient(url, '2026-07-28');
      await client.callTool({ name: 'throws', arguments: {}, _meta });
      await client.close();
      const [span] = spansNamed('tools/call throws');
      expect(span?.spanContext().traceId).toBe(TRACE_ID);
      expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
      expect(span?.attributes).toMatchObject({
        'gen_ai.tool.name': 'throws',
        'error.type': 'tool_error',
        'nexus_mcp.reason': 'exception',
      });
      const [run] = spansNamed('run');
      expect(run?.parentSpanContext?.spanId).toBe(span?.spanContext().spanId);
    },
  );

  it('gets the spans of measured functions, and what they call is below', async () => {
    const outer = monitoring.tool('outer', () => monitoring.tool('inner', () => 1)());
    await outer();
    const [above] = spansNamed('execute_tool outer');
    const [below] = spansNamed('execute_tool inner');
    expect(below?.parentSpanContext?.spanId).toBe(above?.spanContext().spanId);
    const { body } = await monitoring.metrics('application/openmetrics-text');
    expect(body).toContain(`# {trace_id="${String(above?.spanContext().traceId)}"}`);
  });

  it('has failed functions marked as errors, and not those that their caller aborted', async () => {
    await expect(monitoring.tool('breaks', () => Promise.reject(new Error('a bug')))()).rejects.toThrow();
    const aborted = new DOMException('gone', 'AbortError');
    await expect(monitoring.tool('aborts', () => Promise.reject(aborted))()).rejects.toThrow();
    const [failed] = spansNamed('execute_tool breaks');
    expect(failed).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'error.type': 'exception', 'nexus_mcp.reason': 'exception' },
    });
    const [ended] = spansNamed('execute_tool aborts');
    expect(ended).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'nexus_mcp.reason': 'cancelled' },
    });
  });

  it.each([
    ['without a parent', undefined],
    ['under the parent that a client sends', _meta],
  ])('leaves tools what the application put into its context, %s', async (_what, meta) => {
    const tenant = createContextKey('tenant');
    const seen: unknown[] = [];
    const server = monitoring.instrument(newServer());
    server.registerTool('looks', {}, () => {
      seen.push(context.active().getValue(tenant));
      return { content: [] };
    });
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    await context.with(context.active().setValue(tenant, 'acme'), () =>
      client.callTool({ name: 'looks', arguments: {}, ...(meta && { _meta: meta }) }),
    );
    expect(seen).toEqual(['acme']);
    const [span] = spansNamed('tools/call looks');
    expect(span?.parentSpanContext?.traceId).toBe(meta && TRACE_ID);
    await client.close();
  });
});

it('of a parent that a client names, no more is kept than its ids', async () => {
  const tracing = new Tracing();
  const kept: (OperationSpan | undefined)[] = [];
  const before = await keptMegabytes();
  for (let index = 0; index < 40; index += 1) {
    const traceId = TRACE_ID.slice(0, -2) + String(index).padStart(2, '0');
    const more = String(index % 10).repeat(200_000);
    const meta =
      index % 2 === 0
        ? { traceparent: `01-${traceId}-b7ad6b7169203331-01-${more}` }
        : { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: `a=${more}`, baggage: `a=${more}` };
    kept.push(
      tracing.operation({ method: 'tools/call', tool: 'echo', id: index, sessionId: undefined, meta }),
    );
  }
  expect(kept.filter((span) => span?.sampledTraceId !== undefined)).toHaveLength(40);
  expect((await keptMegabytes()) - before).toBeLessThan(2);
});
