import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startTracing } from '../../src/monitoring/traces/start-tracing.ts';
import { dial, requestBytes } from '../http/raw-client.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import { scrape } from '../support/metrics-text.ts';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { initialize } from '../support/raw-session.ts';
import { runHere } from '../support/run-here.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { startSite } from '../support/site.ts';
import { runCli } from '../support/spawn-cli.ts';
import { FIXTURE_TOOLS, startTestServer } from '../support/test-server.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';

const args = [
  '--tools.modules',
  FIXTURE_TOOLS,
  '--log.level',
  'debug',
  '--audit.enabled',
  'true',
  '--network.allowPrivateAddresses',
  'true',
  '--tools.enabled',
  'add,counts,divide,echo,fails,fetch_url_content,fetches,hangs,held,slow,throws,unreachable',
  '--tools.settings',
  '{held: {maxConcurrency: 1}, slow: {timeoutSeconds: 30}}',
];
const quickly = { OTEL_BSP_SCHEDULE_DELAY: '50' };

let receiver: OtlpReceiver;
/** Takes spans, or not, as each test has it answer. */
let moody: OtlpReceiver;
let server: ServerProcess;
beforeAll(async () => {
  [receiver, moody] = await Promise.all([startOtlpReceiver(), startOtlpReceiver()]);
  server = await startServer({
    args,
    env: { ...quickly, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SERVICE_NAME: 'tools-for-tests' },
  });
});
afterAll(async () => {
  await server.stop();
  await Promise.all([receiver.stop(), moody.stop()]);
});

/** The names of a span's children, in the order they ended. */
const childrenOf = ({ spanId }: ReceivedSpan): string[] =>
  receiver.spans.filter(({ parentSpanId }) => parentSpanId === spanId).map(({ name }) => name);

const logOf = (traceId: string): Record<string, unknown> | undefined =>
  server.logs.find((line) => line['trace_id'] === traceId && line['stream'] !== 'audit');

const openMetrics = async (url = server.url): Promise<string> => {
  const headers = { accept: 'application/openmetrics-text;version=1.0.0' };
  return (await fetch(`${url}/metrics`, { headers })).text();
};

const inFlight = (tool_name: string, count: number): Promise<void> =>
  waitFor(async () => {
    expect((await scrape(server.url)).value('mcp_tool_calls_in_flight', { tool_name })).toBe(count);
  });

/** A trace of its own for each test. */
let traces = 0;
function newTrace(): { traceId: string; _meta: Record<string, string> } {
  traces += 1;
  const traceId = TRACE_ID.slice(0, -4) + String(traces).padStart(4, '0');
  const meta = { traceparent: `00-${traceId}-${PARENT_ID}-01`, tracestate: 'vendor=1', baggage: 'user=1' };
  return { traceId, _meta: meta };
}

it('calls over REST that come on one connection before the answer to the first are each in their own trace', async () => {
  const each = [newTrace(), newTrace()];
  const socket = await dial(server.url);
  const body = JSON.stringify({ tool_name: 'slow', arguments: { milliseconds: 100 } });
  const sent = each.map(({ _meta: { traceparent } }) =>
    requestBytes(
      'POST /execute',
      { connection: undefined, 'content-type': 'application/json', traceparent },
      body,
    ),
  );
  socket.write(Buffer.concat(sent));
  for (const { traceId } of each) await receiver.span('POST /execute', (span) => span.traceId === traceId);
  socket.destroy();
});

it('the audit events of what a client asks, and of what it is refused, name its trace', async () => {
  const [call, session] = [newTrace(), newTrace()];
  const post = (path: string, { _meta: { traceparent = '' } }: ReturnType<typeof newTrace>, body: object) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        traceparent,
      },
      body: JSON.stringify(body),
    });
  await (await post('/execute', call, { tool_name: 'add', arguments: { a: 1, b: 2 } })).text();
  await (await post('/mcp', session, initialize())).text();
  const auditOf = (traceId: string): Record<string, unknown> | undefined =>
    server.logs.find((line) => line['trace_id'] === traceId && line['stream'] === 'audit');
  await waitFor(() => {
    expect(auditOf(call.traceId)).toMatchObject({ event: 'call', tool: 'add', outcome: 'success' });
    expect(auditOf(session.traceId)).toMatchObject({ event: 'session_opened', client_name: 'raw' });
  });
});

it('the audit event of a session that an upstream opens names the trace of its client', async () => {
  const behind = await startTestServer({ tools: { enabled: ['echo'] } });
  const relaying = await startServer({
    args: [
      ...['--audit.enabled', 'true'],
      ...['--upstreams', JSON.stringify([{ name: 'behind', url: `${behind.url}/mcp` }])],
    ],
    env: { ...quickly, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  const traces = [newTrace(), newTrace()];
  // The second goes to the upstream on the connection of the first.
  for (const { _meta } of traces)
    await waitFor(async () => {
      const response = await fetch(`${relaying.url}/servers/behind/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ..._meta,
        },
        body: JSON.stringify(initialize()),
      });
      await response.text();
      expect(response.status).toBe(200);
    });
  await waitFor(() => {
    const opened = relaying.logs.filter(({ event }) => event === 'session_opened');
    expect(opened.map((event) => event['trace_id'])).toEqual(traces.map(({ traceId }) => traceId));
    expect(opened[0]).toMatchObject({ upstream: 'behind', client_name: 'raw' });
  });
  await relaying.stop();
  await behind.stop();
});

describe.each(ERAS)('a tools/call of %s that sends traceparent', (era) => {
  it('is one trace: span, steps, log line and exemplar', async () => {
    const { traceId, _meta } = newTrace();
    const { client } = await connectClient(server.url, era);
    await client.callTool({ name: 'add', arguments: { a: 5, b: 3 }, _meta });
    await client.close();

    const span = await receiver.span('tools/call add', (each) => each.traceId === traceId);
    expect(span).toMatchObject({ parentSpanId: PARENT_ID, kind: 'server', failed: false });
    expect(span.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'add',
      'gen_ai.operation.name': 'execute_tool',
      'mcp.protocol.version': era,
      'network.transport': 'tcp',
      'jsonrpc.request.id': expect.any(String) as string,
    });
    expect(span.attributes['error.type']).toBeUndefined();
    expect('mcp.session.id' in span.attributes).toBe(era === '2025-11-25');
    expect(span.resource).toMatchObject({ 'service.name': 'tools-for-tests', 'service.version': '0.1.0' });
    await waitFor(() => {
      expect(childrenOf(span)).toEqual(['validate', 'run']);
    });

    const line = await waitUntil(() => logOf(traceId));
    expect(line).toMatchObject({ tool: 'add', status: 'success', span_id: span.spanId });
    expect(await openMetrics()).toMatch(
      new RegExp(
        `mcp_tool_duration_seconds_bucket\\{.*tool_name="add".*\\} \\d+ # \\{trace_id="${traceId}"\\} [\\d.e-]+ \\d+\\.\\d{3}\n`,
      ),
    );
  });

  it('is what the histogram of the OpenTelemetry conventions points to', async () => {
    const { traceId, _meta } = newTrace();
    const { client } = await connectClient(server.url, era);
    await client.callTool({ name: 'divide', arguments: { a: 6, b: 3 }, _meta });
    await client.close();
    const pattern = `mcp_server_operation_duration_seconds_bucket\\{.*gen_ai_tool_name="divide".*\\} \\d+ # \\{trace_id="${traceId}"`;
    expect(await openMetrics()).toMatch(new RegExp(pattern));
  });

  it('is linked to the span of its HTTP request', async () => {
    const { traceId, _meta } = newTrace();
    const { client } = await connectClient(server.url, era);
    await client.callTool({ name: 'echo', arguments: { text: 'hi' }, _meta });
    await client.close();
    const { links } = await receiver.span('tools/call echo', (each) => each.traceId === traceId);
    const [link] = links;
    const http = await receiver.span('POST /mcp', ({ spanId }) => spanId === link?.spanId);
    expect(http.traceId).not.toBe(traceId);
    expect(http.attributes).toMatchObject({ 'http.route': '/mcp', 'http.response.status_code': 200 });
  });
});

describe('a tools/call without traceparent', () => {
  it('is a child of the span of its HTTP request, whose parent is the header', async () => {
    const { traceId, _meta } = newTrace();
    const headers = { traceparent: _meta['traceparent'] ?? '' };
    const { client } = await connectClient(server.url, '2026-07-28', { headers });
    await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    await client.close();
    const span = await receiver.span('tools/call echo', (each) => each.traceId === traceId);
    const http = await receiver.span('POST /mcp', ({ spanId }) => spanId === span.parentSpanId);
    expect(http).toMatchObject({ traceId, parentSpanId: PARENT_ID, kind: 'server' });
    expect(span.links).toEqual([]);
  });

  it('is not disturbed by a traceparent that is none', async () => {
    const { client } = await connectClient(server.url, '2026-07-28');
    const _meta = { traceparent: 'nonsense', tracestate: 'x'.repeat(5000), baggage: 5 };
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'hi' }, _meta });
    expect(content).toMatchObject([{ text: 'hi' }]);
    await client.close();
  });
});

// OpenTelemetry semantic conventions for MCP: `error.type` is tool_error for isError, else the JSON-RPC code; codes
// that are the caller's fault are no error of the server's span.
describe('the span of a call that fails', () => {
  const call = async (name: string, toolArgs = {}): Promise<ReceivedSpan> => {
    const { traceId, _meta } = newTrace();
    const { client } = await connectClient(server.url, '2026-07-28');
    await client.callTool({ name, arguments: toolArgs, _meta }).catch(() => undefined);
    await client.close();
    return waitUntil(() =>
      receiver.spans.find((span) => span.traceId === traceId && span.name.startsWith('tools/call')),
    );
  };

  it.each([
    ['throws', 'exception'],
    ['fails', 'tool_error'],
    ['hangs', 'timeout'],
  ])('is an error, and says why: %s', async (name, reason) => {
    const span = await call(name);
    expect(span.failed).toBe(true);
    expect(span.attributes).toMatchObject({ 'error.type': 'tool_error', 'nexus_mcp.reason': reason });
    expect(JSON.stringify(span)).not.toContain('secret');
  });

  it('is no error when the caller named a tool that is not there, and does not carry that name', async () => {
    const span = await call('a_name_nobody_registered');
    expect(span.name).toBe('tools/call unknown');
    expect(span.failed).toBe(false);
    expect(span.attributes).toMatchObject({ 'rpc.response.status_code': '-32602' });
    expect(span.attributes['error.type']).toBeUndefined();
  });

  it('leaves an exemplar at the error counter', async () => {
    const { traceId } = await call('unreachable');
    expect(await openMetrics()).toContain(
      `mcp_tool_errors_total{tool_name="unreachable",reason="unavailable"} 1 # {trace_id="${traceId}"} 1 `,
    );
  });

  it('ends when the client goes away before the answer', async () => {
    const { traceId, _meta } = newTrace();
    const { client } = await connectClient(server.url, '2026-07-28');
    const gone = new AbortController();
    const options = { signal: gone.signal };
    const calling = client.callTool({ name: 'slow', arguments: { milliseconds: 20_000 }, _meta }, options);
    calling.catch(() => undefined);
    await inFlight('slow', 1);
    gone.abort();
    const span = await receiver.span('tools/call slow', (each) => each.traceId === traceId);
    expect(span).toMatchObject({ failed: false, attributes: { 'nexus_mcp.reason': 'cancelled' } });
    await client.close();
  });
});

describe('a call over REST', () => {
  it('is a span named by the conventions, under that of its request', async () => {
    const { traceId, _meta } = newTrace();
    await fetch(`${server.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: _meta['traceparent'] ?? '' },
      body: '{"tool_name":"echo","arguments":{"text":"hi"}}',
    });
    const span = await receiver.span('execute_tool echo', (each) => each.traceId === traceId);
    const http = await receiver.span('POST /execute', (each) => each.traceId === traceId);
    expect(http.parentSpanId).toBe(PARENT_ID);
    expect(span).toMatchObject({ parentSpanId: http.spanId, kind: 'internal' });
    expect(logOf(traceId)).toMatchObject({ span_id: span.spanId });
  });
});

describe('subscriptions/listen', () => {
  it('is a span under the parent that the client sends, until its stream ends', async () => {
    const { traceId, _meta } = newTrace();
    const response = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 'listen-1', method: 'subscriptions/listen' },
        params: {
          notifications: { toolsListChanged: true },
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
            'io.modelcontextprotocol/clientCapabilities': {},
            ..._meta,
          },
        },
      }),
    });
    expect(await response.text()).toContain('"resultType":"complete"');
    const span = await receiver.span('subscriptions/listen', (each) => each.traceId === traceId);
    expect(span).toMatchObject({
      parentSpanId: PARENT_ID,
      kind: 'server',
      failed: false,
      attributes: {
        'mcp.method.name': 'subscriptions/listen',
        'mcp.protocol.version': '2026-07-28',
        'jsonrpc.request.id': 'listen-1',
        'network.transport': 'tcp',
      },
    });
    const http = await receiver.span('POST /mcp', ({ spanId }) => spanId === span.links[0]?.spanId);
    expect(http.traceId).not.toBe(traceId);
    const samples = await scrape(server.url);
    const operation = { mcp_method_name: 'subscriptions/listen' };
    expect(samples.value('mcp_server_operation_duration_seconds_count', operation)).toBe(1);
  });
});

describe('what a tool fetches', () => {
  const call = async (url: string, _meta: Record<string, string>, options = {}): Promise<void> => {
    const { client } = await connectClient(server.url, '2026-07-28');
    await client
      .callTool({ name: 'fetch_url_content', arguments: { url }, _meta }, options)
      .catch(() => undefined);
    await client.close();
  };
  /** The headers a site has been sent. */
  const siteThatAnswers = async (status: number) => {
    const seen: Record<string, unknown>[] = [];
    const site = await startSite(({ headers }, response) => {
      seen.push(headers);
      response.writeHead(status, { 'content-type': 'text/plain' }).end('hello');
    });
    return { site, seen };
  };

  it('is a client span under the step that ran it, without the query, and passes on the trace alone', async () => {
    const { site, seen } = await siteThatAnswers(200);
    const { traceId, _meta } = newTrace();
    await call(`${site.url}/page?token=secret`, _meta);
    const outbound = await receiver.span('GET', (each) => each.traceId === traceId);
    const run = await receiver.span('run', (each) => each.spanId === outbound.parentSpanId);
    expect(run.traceId).toBe(traceId);
    expect(outbound).toMatchObject({
      kind: 'client',
      failed: false,
      attributes: {
        'http.request.method': 'GET',
        'url.full': `${site.url}/page`,
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': site.port,
      },
    });
    expect(outbound.startedAt).toBeGreaterThanOrEqual(run.startedAt);
    expect(outbound.endedAt).toBeGreaterThanOrEqual(outbound.startedAt);
    expect(seen).toMatchObject([{ traceparent: `00-${traceId}-${outbound.spanId}-01` }]);
    expect(seen[0]).not.toHaveProperty('tracestate');
    expect(seen[0]).not.toHaveProperty('baggage');
  });

  it('is an error when it is answered by one, or not at all', async () => {
    const { site } = await siteThatAnswers(503);
    const { traceId, _meta } = newTrace();
    await call(site.url, _meta);
    expect(await receiver.span('GET', (each) => each.traceId === traceId)).toMatchObject({
      failed: true,
      attributes: { 'error.type': '503', 'http.response.status_code': 503 },
    });
    site.server.close();
    site.server.closeAllConnections();
    const { traceId: next, _meta: nextMeta } = newTrace();
    await call(site.url, nextMeta);
    expect(await receiver.span('GET', (each) => each.traceId === next)).toMatchObject({
      failed: true,
      attributes: { 'error.type': 'ECONNREFUSED' },
    });
  });

  it('is answered by what comes after an early hint', async () => {
    const site = await startSite((_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
        response.writeHead(404, { 'content-type': 'text/plain' }).end();
      });
    });
    const { traceId, _meta } = newTrace();
    await call(site.url, _meta);
    expect(await receiver.span('GET', (each) => each.traceId === traceId)).toMatchObject({
      failed: true,
      attributes: { 'http.response.status_code': 404 },
    });
  });

  it('is an error when the call ends before the answer', async () => {
    const site = await startSite(() => undefined);
    const { traceId, _meta } = newTrace();
    const gone = new AbortController();
    const calling = call(`${site.url}/never`, _meta, { signal: gone.signal });
    await waitFor(() => {
      expect(site.visits).toEqual(['/never']);
    });
    gone.abort();
    await calling;
    const outbound = await receiver.span('GET', (each) => each.traceId === traceId);
    expect(outbound).toMatchObject({
      failed: true,
      attributes: { 'url.full': `${site.url}/never`, 'error.type': 'AbortError' },
    });
  });

  it('says that the trace is not kept, when it is not', async () => {
    const { site, seen } = await siteThatAnswers(200);
    const { traceId } = newTrace();
    await call(site.url, { traceparent: `00-${traceId}-${PARENT_ID}-00` });
    expect(seen).toMatchObject([
      { traceparent: expect.stringMatching(`^00-${traceId}-[0-9a-f]{16}-00$`) as string },
    ]);
    expect(seen[0]?.['traceparent']).not.toContain(PARENT_ID);
  });
});

it('a request that names a trace itself is left as it is', async () => {
  const seen: Record<string, unknown>[] = [];
  const site = await startSite(({ headers }, response) => {
    seen.push(headers);
    response.end();
  });
  const { _meta } = newTrace();
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const { client } = await connectClient(server.url, '2026-07-28');
  await client.callTool({
    name: 'fetches',
    arguments: { url: site.url, headers: { Traceparent: traceparent } },
    _meta,
  });
  await client.close();
  expect(seen).toMatchObject([{ traceparent }]);
});

it('a request that a tool gives up is an error named after why', async () => {
  const site = await startSite(() => undefined);
  const { traceId, _meta } = newTrace();
  const { client } = await connectClient(server.url, '2026-07-28');
  const toolArgs = { url: site.url, patienceMilliseconds: 100 };
  await client.callTool({ name: 'fetches', arguments: toolArgs, _meta });
  await client.close();
  const outbound = await receiver.span('GET', (each) => each.traceId === traceId);
  expect(outbound).toMatchObject({ failed: true, attributes: { 'error.type': 'TimeoutError' } });
});

it('a call that had to wait for its place shows the wait', async () => {
  const { traceId, _meta } = newTrace();
  const { client } = await connectClient(server.url, '2026-07-28');
  const { args, letGo } = hold();
  const first = client.callTool({ name: 'held', arguments: { ...args } });
  await inFlight('held', 1);
  const second = client.callTool({ name: 'held', arguments: { ...args }, _meta });
  await inFlight('held', 2);
  letGo();
  await Promise.all([first, second]);
  await client.close();
  const span = await receiver.span('tools/call held', (each) => each.traceId === traceId);
  await waitFor(() => {
    expect(childrenOf(span)).toEqual(['validate', 'queue', 'run']);
  });
});

describe('sampling', () => {
  it('follows the client: what it does not sample is not exported, and no exemplar points to it', async () => {
    const { client } = await connectClient(server.url, '2026-07-28');
    const unsampled = 'ffffffffffffffffffffffffffffffff';
    const _meta = { traceparent: `00-${unsampled}-${PARENT_ID}-00` };
    await client.callTool({ name: 'counts', arguments: {}, _meta });
    const { traceId, _meta: sampled } = newTrace();
    await client.callTool({ name: 'counts', arguments: {}, _meta: sampled });
    await client.close();
    await receiver.span('tools/call counts', (each) => each.traceId === traceId);
    expect(receiver.spans.filter((span) => span.traceId === unsampled)).toEqual([]);
    expect(await openMetrics()).not.toContain(unsampled);
    expect(logOf(unsampled)).toMatchObject({ tool: 'counts' });
  });
});

/** The lines that say that spans cannot be exported. */
const complaints = ({ logs }: Pick<typeof server, 'logs'>) =>
  logs.filter(({ msg }) => String(msg).startsWith('spans cannot be exported'));

describe('an OTLP endpoint that does not take spans', () => {
  /** Starts a server that sends its spans there, and sees that its calls are answered all the same. */
  async function startUnheard(endpoint: string) {
    const env = { ...quickly, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
    const alone = await startServer({ args, env });
    onTestFinished(() => void alone.stop());
    const { client } = await connectClient(alone.url, '2026-07-28');
    onTestFinished(() => client.close());
    const call = () => client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    const answers = await Promise.all(Array.from({ length: 20 }, call));
    expect(answers.filter(({ isError }) => isError)).toEqual([]);
    await waitFor(async () => {
      const samples = await scrape(alone.url);
      expect(samples.value('mcp_trace_spans_total', { outcome: 'failed' })).toBeGreaterThan(20);
      expect(samples.value('mcp_trace_spans_total', { outcome: 'exported' })).toBe(0);
    }, 15_000);
    expect(complaints(alone)).toMatchObject([{ level: 'warn', err: expect.anything() as unknown }]);
    return { alone, call };
  }

  it('(refuses them) hurts no call, and is counted; when it takes spans again, that is said', async () => {
    moody.answer(400);
    const { alone, call } = await startUnheard(moody.url);
    moody.answer(200);
    await call();
    await moody.span('tools/call echo');
    await waitFor(() => {
      expect(alone.logs).toContainEqual(expect.objectContaining({ msg: 'spans are exported again' }));
    });
    expect(complaints(alone)).toHaveLength(1);
    expect(await alone.stop()).toBe(0);
  });

  it('(is not there) hurts no call, and is counted', async () => {
    const { alone } = await startUnheard('http://127.0.0.1:1');
    expect(await alone.stop()).toBe(0);
  });
});

it('spans that wait are sent when the server stops', async () => {
  const slow = await startServer({
    args,
    env: { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  const { traceId, _meta } = newTrace();
  const { client } = await connectClient(slow.url, '2026-07-28');
  await client.callTool({ name: 'echo', arguments: { text: 'hi' }, _meta });
  await client.close();
  expect(await slow.stop()).toBe(0);
  expect(receiver.spans.map((span) => span.traceId)).toContain(traceId);
});

it('spans that are being sent when the server stops arrive, too', async () => {
  moody.answer(503);
  const alone = await startServer({ args, env: { ...quickly, OTEL_EXPORTER_OTLP_ENDPOINT: moody.url } });
  const { traceId, _meta } = newTrace();
  const { client } = await connectClient(alone.url, '2026-07-28');
  await client.callTool({ name: 'echo', arguments: { text: 'hi' }, _meta });
  await client.close();
  const isOurs = (span: ReceivedSpan): boolean => span.traceId === traceId;
  await waitUntil(() => moody.refused.some(isOurs));
  moody.answer(200);
  expect(await alone.stop()).toBe(0);
  expect(moody.spans.some(isOurs)).toBe(true);
});

describe('the OpenTelemetry SDK', () => {
  /** Has the process write the URL of each module it loads to stderr. */
  const hooks =
    'import{registerHooks}from"node:module";registerHooks({load:(u,c,n)=>{process.stderr.write(u+"\\n");return n(u,c)}})';
  const loaded = async (env: Record<string, string>): Promise<string> =>
    (
      await runCli(['tools', '--tools.enabled', 'add'], {
        env: { ...env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hooks)}` },
      })
    ).stderr;

  it('is loaded only when there is an endpoint', async () => {
    const sdk = '@opentelemetry/sdk-trace';
    const without = await loaded({});
    expect(without).toContain('@opentelemetry/api');
    expect(without).not.toContain(sdk);
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })).toContain(sdk);
  });

  it.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }])(
    'is not used with %o, endpoint or not',
    async (off) => {
      const now = () => 0;
      const ignore = () => undefined;
      const options = {
        version: '0',
        random: now,
        now,
        counted: ignore,
        onError: ignore,
        onRecovered: ignore,
      };
      expect(
        await startTracing(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...off }, options),
      ).toMatchObject({
        ok: true,
        tracing: undefined,
      });
    },
  );
});

it('an endpoint for traces that is no URL stops the start', async () => {
  const { code, stderr } = await runHere(['check'], {
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'localhost:4318/v1/traces' },
  });
  expect(code).toBe(2);
  expect(stderr.trim()).toBe(
    'nexus-mcp: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL that begins with http:// or https://',
  );
});

it('variables that ask for what there is not stop the start, all named', async () => {
  const { code, stderr } = await runHere(['check'], {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4317',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '2',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
    },
  });
  expect(code).toBe(2);
  expect(stderr.split('\n').filter((line) => line !== '')).toEqual([
    'nexus-mcp: OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf, not grpc',
    expect.stringMatching(/^nexus-mcp: OTEL_TRACES_SAMPLER: must be always_on or .*, not sometimes$/),
    'nexus-mcp: OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1',
    'nexus-mcp: OTEL_BSP_MAX_QUEUE_SIZE: must be a positive whole number',
  ]);
});
