import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { startSite } from '../support/site.ts';
import { waitFor, waitUntil } from '../support/wait.ts';
import { Prometheus, startProcess, type Replica } from './harness.ts';

const PARENT = '00f067aa0ba902b7';

let receiver: OtlpReceiver;
let replica: Replica;
let prometheus: Prometheus;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  replica = await startProcess({
    args: [
      ...['--tracing.endpoint', receiver.url, '--log.level', 'debug'],
      // One place for calls, so that a second one waits for it.
      ...['--limits.concurrency', '1', '--network.allowPrivateAddresses', 'true'],
    ],
  });
  prometheus = await Prometheus.start({
    scrapeConfigs: `- { job_name: nexus-mcp, static_configs: [{ targets: ['${replica.target}'] }] }`,
    features: ['exemplar-storage'],
  });
});
afterAll(async () => {
  await Promise.all([replica.stop(), prometheus.stop()]);
  await receiver.stop();
});

const metaOf = (traceId: string) => ({
  traceparent: `00-${traceId}-${PARENT}-01`,
  tracestate: 'vendor=opaque',
});

const inFlight = (tool_name: string): Promise<void> =>
  waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${replica.url}/metrics`)).text());
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name })).toBe(1);
  });

const logOf = (traceId: string) => waitUntil(() => replica.logs.find((line) => line['trace_id'] === traceId));

it('a call is one trace from the client through every step to what it fetched, in the log and in Prometheus', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const seen: Record<string, unknown>[] = [];
  const site = await startSite(({ headers }, response) => {
    seen.push(headers);
    response.writeHead(200, { 'content-type': 'text/plain' }).end('hello');
  });
  const { client } = await connectClient(replica.url, '2026-07-28');
  const { args, letGo } = hold();
  const ahead = client.callTool({ name: 'held', arguments: { ...args } });
  await inFlight('held');
  const waiting = client.callTool({
    name: 'fetch_url_content',
    arguments: { url: `${site.url}/page` },
    _meta: metaOf(traceId),
  });
  await inFlight('fetch_url_content');
  letGo();
  expect((await waiting).isError).toBeFalsy();
  await ahead;
  await client.close();

  const call = await receiver.span('tools/call fetch_url_content', (span) => span.traceId === traceId);
  const http = await receiver.span('POST /mcp', ({ spanId }) => spanId === call.links[0]?.spanId);
  const inOrderOfEnd = ['validate', 'queue', 'GET', 'run', call.name];
  await waitFor(() => {
    const trace = receiver.spans.filter((span) => span.traceId === traceId);
    expect(trace.map(({ name }) => name)).toEqual(inOrderOfEnd);
  });
  const step = (name: string) => receiver.span(name, (span) => span.traceId === traceId);
  const run = await step('run');
  expect(call).toMatchObject({ parentSpanId: PARENT, kind: 'server', failed: false });
  expect(call.links).toEqual([{ traceId: http.traceId, spanId: http.spanId }]);
  expect(http).toMatchObject({ kind: 'server', parentSpanId: '' });
  expect(http.traceId).not.toBe(traceId);
  for (const name of ['validate', 'queue', 'run'])
    expect(await step(name), name).toMatchObject({ parentSpanId: call.spanId, kind: 'internal' });
  const outbound = await step('GET');
  expect(outbound).toMatchObject({ parentSpanId: run.spanId, kind: 'client', failed: false });
  expect(outbound.attributes).toMatchObject({ 'url.full': `${site.url}/page` });
  for (const span of [call, run, outbound]) expect(span.traceState, span.name).toBe('vendor=opaque');
  // What the client's vendors say of the trace is for nobody else.
  expect(seen).toMatchObject([{ traceparent: `00-${traceId}-${outbound.spanId}-01` }]);
  expect(seen[0]).not.toHaveProperty('tracestate');

  expect(await logOf(traceId)).toMatchObject({
    tool: 'fetch_url_content',
    status: 'success',
    span_id: call.spanId,
  });
  await prometheus.catchUp();
  const series = { tool_name: 'fetch_url_content' };
  const exemplars = await prometheus.exemplars(
    'mcp_tool_duration_seconds_bucket{tool_name="fetch_url_content"}',
  );
  expect(exemplars).toMatchObject([{ labels: { trace_id: traceId }, series }]);
  expect(exemplars[0]?.value).toBeLessThanOrEqual(Number(exemplars[0]?.series['le']));
});

it('Prometheus keeps the exemplar of a call that failed, with the trace of the span and of the log line', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4737';
  const { client } = await connectClient(replica.url, '2026-07-28');
  await client.callTool({ name: 'throws', arguments: {}, _meta: metaOf(traceId) });
  await client.close();
  await prometheus.catchUp();
  expect(await prometheus.exemplars('mcp_tool_errors_total')).toMatchObject([
    { labels: { trace_id: traceId }, series: { tool_name: 'throws', reason: 'exception' } },
  ]);
  const span = await receiver.span('tools/call throws');
  expect(span).toMatchObject({ traceId, parentSpanId: PARENT, failed: true });
  expect(await logOf(traceId)).toMatchObject({ tool: 'throws', span_id: span.spanId });
});
