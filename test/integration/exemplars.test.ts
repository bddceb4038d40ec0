import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { startSite } from '../support/site.ts';
import { Prometheus, startProcess, type Replica } from './harness.ts';

const TRACES = [
  '4bf92f3577b34da6a3ce929d0e0e4736',
  '4bf92f3577b34da6a3ce929d0e0e4737',
  '4bf92f3577b34da6a3ce929d0e0e4738',
] as const;
const CALLER = '00f067aa0ba902b7';

let receiver: OtlpReceiver;
let replica: Replica;
let prometheus: Prometheus;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  replica = await startProcess({
    args: [
      ...['--tracing.endpoint', receiver.url, '--log.level', 'debug'],
      ...['--network.allowPrivateAddresses', 'true'],
    ],
  });
  prometheus = await Prometheus.start({
    scrapeConfigs: `- { job_name: nexus-mcp, static_configs: [{ targets: ['${replica.target}'] }] }`,
    features: ['exemplar-storage'],
  });
});
afterAll(async () => {
  await Promise.all([replica.stop(), prometheus.stop()]);
  receiver.stop();
});

/** Calls a tool as a client that takes part in a trace. */
async function call(name: string, traceId: string, args: Record<string, unknown> = {}): Promise<void> {
  const { client } = await connectClient(replica.url, '2026-07-28');
  const _meta = { traceparent: `00-${traceId}-${CALLER}-01`, tracestate: 'vendor=1' };
  await client.callTool({ name, arguments: args, _meta });
  await client.close();
}

const logOf = (traceId: string) => replica.logs.filter((line) => line['trace_id'] === traceId);

it('a trace leads from the client through the call to what the tool fetched, and is in the log and in Prometheus', async () => {
  const [traceId] = TRACES;
  const seen: unknown[] = [];
  const site = await startSite(({ headers }, response) => {
    seen.push(headers['traceparent']);
    response.writeHead(200, { 'content-type': 'text/plain' }).end('hello');
  });
  await call('fetch_url_content', traceId, { url: `${site.url}/page` });
  await prometheus.catchUp();

  const span = await receiver.span('tools/call fetch_url_content');
  const fetched = await receiver.span('GET');
  const run = await receiver.span('run', ({ spanId }) => spanId === fetched.parentSpanId);
  const tree = receiver.spans.filter((each) => each.traceId === traceId);
  expect(tree.map(({ name, kind, parentSpanId }) => ({ name, kind, parentSpanId }))).toEqual(
    expect.arrayContaining([
      { name: 'tools/call fetch_url_content', kind: 'server', parentSpanId: CALLER },
      { name: 'validate', kind: 'internal', parentSpanId: span.spanId },
      { name: 'run', kind: 'internal', parentSpanId: span.spanId },
      { name: 'GET', kind: 'client', parentSpanId: run.spanId },
    ]),
  );
  expect(tree).toHaveLength(4);
  expect(seen).toEqual([`00-${traceId}-${fetched.spanId}-01`]);
  const http = await receiver.span('POST /mcp', ({ spanId }) => spanId === span.links[0]?.spanId);
  expect(http.traceId).not.toBe(traceId);

  expect(logOf(traceId)).toMatchObject([{ tool: 'fetch_url_content', span_id: span.spanId }]);
  expect(
    await prometheus.exemplars('mcp_tool_duration_seconds_bucket{tool_name="fetch_url_content"}'),
  ).toMatchObject([{ labels: { trace_id: traceId } }]);
});

it('Prometheus keeps the exemplars of traced calls beside the value they had, and those of errors', async () => {
  const [, added, threw] = TRACES;
  await call('add', added, { a: 5, b: 3 });
  await call('throws', threw);
  await prometheus.catchUp();

  const duration = await prometheus.exemplars('mcp_tool_duration_seconds_bucket{tool_name="add"}');
  expect(duration).toMatchObject([{ labels: { trace_id: added }, series: { tool_name: 'add' } }]);
  const le = Number(duration[0]?.series['le']);
  expect(duration[0]?.value).toBeLessThanOrEqual(le);
  const errors = await prometheus.exemplars('mcp_tool_errors_total');
  expect(errors).toMatchObject([
    { labels: { trace_id: threw }, series: { tool_name: 'throws', reason: 'exception' } },
  ]);
  const span = await receiver.span('tools/call throws');
  expect(span).toMatchObject({ traceId: threw, parentSpanId: CALLER });
  expect(logOf(threw)).toMatchObject([{ tool: 'throws', span_id: span.spanId }]);
});
