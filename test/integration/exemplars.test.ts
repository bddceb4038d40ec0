import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { Prometheus, startProcess, type Replica } from './harness.ts';

const TRACES = ['4bf92f3577b34da6a3ce929d0e0e4736', '4bf92f3577b34da6a3ce929d0e0e4737'] as const;

let receiver: OtlpReceiver;
let replica: Replica;
let prometheus: Prometheus;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  replica = await startProcess({ args: ['--tracing.endpoint', receiver.url, '--log.level', 'debug'] });
  prometheus = await Prometheus.start({
    scrapeConfigs: `- { job_name: nexus-mcp, static_configs: [{ targets: ['${replica.target}'] }] }`,
    features: ['exemplar-storage'],
  });
});
afterAll(async () => {
  await Promise.all([replica.stop(), prometheus.stop()]);
  receiver.stop();
});

it('Prometheus keeps the exemplars of traced calls, with the trace of the span and of the log line', async () => {
  const { client } = await connectClient(replica.url, '2026-07-28');
  const call = (name: string, traceId: string, args: Record<string, unknown> = {}) =>
    client.callTool({
      name,
      arguments: args,
      _meta: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    });
  await call('add', TRACES[0], { a: 5, b: 3 });
  await call('throws', TRACES[1]);
  await client.close();
  await prometheus.catchUp();

  const duration = await prometheus.exemplars('mcp_tool_duration_seconds_bucket{tool_name="add"}');
  expect(duration).toMatchObject([{ labels: { trace_id: TRACES[0] }, series: { tool_name: 'add' } }]);
  const le = Number(duration[0]?.series['le']);
  expect(duration[0]?.value).toBeLessThanOrEqual(le);
  const errors = await prometheus.exemplars('mcp_tool_errors_total');
  expect(errors).toMatchObject([
    { labels: { trace_id: TRACES[1] }, series: { tool_name: 'throws', reason: 'exception' } },
  ]);

  for (const [traceId, tool] of [
    [TRACES[0], 'add'],
    [TRACES[1], 'throws'],
  ] as const) {
    const span = await receiver.span(`tools/call ${tool}`);
    expect(span).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    expect(replica.logs.find((line) => line['trace_id'] === traceId)).toMatchObject({
      tool,
      span_id: span.spanId,
    });
  }
});
