import { Router } from 'express';
import { describe, expect, it, vi } from 'vitest';
import type { Declaration } from '../../src/monitoring/metrics/declaration.ts';
import { counter, createMonitoring, gauge, histogram } from '../../src/monitoring/index.ts';
import { ERROR_CODES } from '../../src/monitoring/door/json-rpc.ts';
import {
  HTTP_METHODS,
  HTTP_ROUTES,
  HTTP_STATUS_CODES,
  METHODS,
  PEER_MESSAGES,
  PEER_OUTCOMES,
  PROTOCOL_VERSIONS,
  RELAY_ROUTE,
  SESSION_CLOSE_REASONS,
  SESSION_NOT_FOUND_REASONS,
  TRANSPORTS,
  UNMATCHED,
} from '../../src/monitoring/metrics/labels.ts';
import {
  OPERATION_ATTRIBUTES,
  type OperationAttribute,
} from '../../src/monitoring/metrics/operation-attributes.ts';
import type { Operation } from '../../src/monitoring/metrics/operation.ts';
import { createMetrics, METRICS, type MetricName } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { describeBuild, RUNTIME_SAMPLES } from '../../src/monitoring/metrics/runtime.ts';
import { Series } from '../../src/monitoring/metrics/series.ts';
import { FAILURE_REASONS } from '../../src/kubernetes/labels.ts';
import { NONE_DROPPED, SERVICE_OUTCOMES, type ServiceOutcome } from '../../src/upstream/labels.ts';
import { ERROR_REASONS, REASONS, UNKNOWN_TOOL } from '../../src/tools/reasons.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { recordOf } from '../support/call-records.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { numbersFrom } from '../support/numbers-from.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** The table has the buckets that are always there: those of a server whose tools all end within 10 s. */
const NO_SLOW_TOOL = { tools: { disabled: ['eats_memory', 'held'] } };

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

/** The bound on a metric's series that follows from its declaration. */
const mostOf = (declaration: Declaration, tools?: number): number => new Series(declaration).most(tools);

/** Has the recorder told of everything it can be told of: each value of each label, and one that is not declared. */
function recordAll(recorder: Recorder, tools: readonly string[]): void {
  for (const name of tools) {
    recorder.addTool({ name, toolset: 'shop', source: 'module', isolation: 'none' });
    for (const reason of [undefined, ...REASONS]) {
      recorder.started(name, 0);
      recorder.finished(recordOf(name, 1, reason));
    }
  }
  const revisions = [...PROTOCOL_VERSIONS, 'undeclared', undefined];
  for (const [protocolVersion, transport] of pairs(revisions, TRANSPORTS)) {
    for (const method of [...METHODS, 'undeclared']) {
      recorder.request(method, protocolVersion, transport);
      const called = method === 'tools/call' ? [...tools, UNKNOWN_TOOL, undefined] : [undefined];
      for (const [tool, answer] of pairs(called, ANSWERS))
        recorder.operation({ method, protocolVersion, transport, tool, seconds: 1, ...answer });
    }
    recorder.sessionOpened(transport);
    recorder.sessionResumed(transport);
    for (const reason of SESSION_CLOSE_REASONS) recorder.sessionClosed(transport, reason, 1, protocolVersion);
  }
  for (const [route, method] of pairs([...HTTP_ROUTES, '/undeclared'], [...HTTP_METHODS, 'BREW']))
    for (const status of [...HTTP_STATUS_CODES.map(Number), 418])
      recorder.httpRequest(route, method, status, 1);
  for (const reason of SESSION_NOT_FOUND_REASONS) recorder.sessionNotFound(reason);
  for (const [kind, outcome] of pairs(PEER_MESSAGES, PEER_OUTCOMES)) recorder.peerMessage(kind, outcome);
  recorder.tokenFile(true);
  recorder.audit.begin();
  const { upstreams } = recorder;
  const counts = SERVICE_OUTCOMES.map((outcome) => [outcome, 1] as const);
  upstreams.services(Object.fromEntries(counts) as Record<ServiceOutcome, number>);
  for (const reason of FAILURE_REASONS) upstreams.discoveryFailed(reason);
  upstreams.bindLastSync(() => 1);
}

/** A call of a tool, as it is recorded: what became of it, and how it was answered. */
function recordCall(
  recorder: Recorder,
  tool: string,
  answer: Pick<Operation, 'protocolVersion' | 'transport' | 'isError' | 'errorCode'>,
): void {
  recorder.started(tool, 0);
  recorder.finished(recordOf(tool, 1, answer.isError ? 'tool_error' : undefined));
  recorder.operation({ method: 'tools/call', tool, seconds: 1, ...answer });
}

/** A result, one with isError, and all error codes that are told apart, with some more. */
const ANSWERS = [
  { isError: false },
  { isError: true },
  ...[...Object.values(ERROR_CODES), ...Array.from({ length: 20 }, (_, index) => index + 1)].map(
    (errorCode) => ({ isError: false, errorCode }),
  ),
];

const pairs = <A, B>(some: readonly A[], others: readonly B[]): (readonly [A, B])[] =>
  some.flatMap((one) => others.map((other) => [one, other] as const));

describe('the number of series that follows from our declarations', () => {
  it('is reached exactly, and never exceeded', async () => {
    const { metrics, registry } = createMetrics();
    describeBuild(metrics, { version: '1', revision: '2', protocol: '3' });
    recordAll(new Recorder(metrics), ['shop']);
    const there = await registry.getMetricsAsJSON();
    const series = there.map(({ name, values }) => [name, values.length]);
    expect(series).toEqual(NAMES.map((name) => [name, mostOf(METRICS[name], 1)]));
  });

  it('is 16 654 for 25 tools, and 109 more for each further one', () => {
    const most = (name: MetricName, tools = 25): number => mostOf(METRICS[name], tools);
    const large = ['mcp_server_operation_duration_seconds', 'http_server_request_duration_seconds'] as const;
    // 15 methods, `other`, 25 tools and `unknown`; 4 outcomes; 17 series of a histogram.
    expect(most(large[0])).toBe((16 + 26) * 4 * 17);
    // What is served at each of 13 routes, and another method at each; 19 status codes; 17 series.
    expect(most(large[1])).toBe((25 + 13) * 19 * 17);
    const all = (tools: number): number => NAMES.reduce((sum, name) => sum + most(name, tools), 0);
    expect([all(25), all(26) - all(25)]).toEqual([16_654, 109]);
  });

  it('grows with the attributes that operations are broken down by', () => {
    const operations = (...further: OperationAttribute[]): number => {
      const { metrics } = createMetrics({ operationAttributes: further });
      return metrics.mcp_server_operation_duration_seconds.mostSamples(25);
    };
    expect(operations('mcp.protocol.version')).toBe((16 + 26) * 4 * 6 * 17);
    expect(operations('network.transport')).toBe((16 + 26) * 4 * 2 * 17);
    // Without a code nothing or `tool_error`; 9 codes, and one for the others.
    expect(operations('rpc.response.status_code')).toBe((16 + 26) * 12 * 17);
    expect(operations(...OPERATION_ATTRIBUTES)).toBe((16 + 26) * 12 * 6 * 2 * 17);
  });

  it.each([[[]], [OPERATION_ATTRIBUTES]])(
    'is reached exactly, and said to be, when operations are broken down by %j besides',
    async (operationAttributes) => {
      const { metrics, registry } = createMetrics({ operationAttributes });
      describeBuild(metrics, { version: '1', revision: '2', protocol: '3' });
      const recorder = new Recorder(metrics);
      recordAll(recorder, ['shop']);
      const samples = parseMetrics(await registry.metrics());
      expect(samples.all).toHaveLength(recorder.mostSamples());
      expect(samples.value('mcp_metrics_samples')).toBe(samples.all.length);
      expect(samples.value('mcp_metrics_samples_limit')).toBe(samples.all.length);
    },
  );

  it('is reached exactly by a server with upstreams, when relays call tools that only the upstreams know', async () => {
    const { metrics, registry } = createMetrics({ mostUpstreams: 2 });
    describeBuild(metrics, { version: '1', revision: '2', protocol: '3' });
    const recorder = new Recorder(metrics);
    recordAll(recorder, ['shop']);
    for (const reason of [undefined, ...REASONS]) recorder.finished(recordOf(UNKNOWN_TOOL, 1, reason));
    for (const method of [...HTTP_METHODS, 'BREW'])
      for (const status of [...HTTP_STATUS_CODES.map(Number), 418])
        recorder.httpRequest(RELAY_ROUTE, method, status, 1);
    const known = new Set(['a', 'b']);
    recorder.upstreams.bindFaults(() => [...known].map((upstream) => [upstream, 'timeout'] as const));
    for (const upstream of known) {
      recorder.upstreams.added(upstream);
      recorder.upstreams.state(upstream, 'up', 1);
      recorder.upstreams.tools(upstream, 1, NONE_DROPPED);
      const faults = ['timeout', 'connection', 'server', undefined];
      for (const [method, kind] of pairs(
        ['ping', 'initialize', 'server/discover', 'tools/call', 'tools/list', 'x/new'],
        faults,
      ))
        for (const answer of [{ isError: true }, ...ANSWERS])
          recorder.upstreams.operation(upstream, {
            method,
            seconds: 1,
            ...(kind === undefined
              ? answer
              : { isError: false, fault: { kind, isOfSize: kind === 'connection' } }),
          });
    }
    const samples = parseMetrics(await registry.metrics());
    expect(samples.all).toHaveLength(recorder.mostSamples());
    // That others answer as they like is nothing that was not declared.
    const folded = samples.select('mcp_label_values_folded_total', { label: 'http_response_status_code' });
    expect(folded.map(({ value }) => value)).toEqual([
      HTTP_ROUTES.length * (HTTP_METHODS.length + 1) + HTTP_METHODS.length + 1,
    ]);
    known.delete('b');
    recorder.upstreams.removed('b');
    expect(await registry.metrics()).not.toContain('upstream="b"');
    expect(recorder.mostSamples()).toBe(samples.all.length);
  });

  it('holds for 500 tools that are called in all revisions with all outcomes, and any other requests', async () => {
    const { metrics, registry } = createMetrics();
    describeBuild(metrics, { version: '1', revision: '2', protocol: '3' });
    const tools = Array.from({ length: 500 }, (_, index) => `tool-${index}`);
    const recorder = new Recorder(metrics);
    for (const name of tools)
      recorder.addTool({ name, toolset: 'shop', source: 'module', isolation: 'none' });
    const most = recorder.mostSamples();
    const random = numbersFrom(16);
    const oneOf = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value;
    for (const [name, revision] of pairs(tools, PROTOCOL_VERSIONS))
      for (const answer of [{ isError: false }, { isError: true }, { isError: false, errorCode: -32_603 }])
        recordCall(recorder, name, { protocolVersion: revision, transport: 'http', ...answer });
    for (let request = 0; request < 5000; request += 1) {
      const answer = { ...oneOf(ANSWERS), ...(random(2) === 0 && { errorCode: random(1e6) }) };
      const name = oneOf([...tools.slice(0, 20), UNKNOWN_TOOL, `made-up-${random(1e6)}`]);
      const protocolVersion = oneOf([...PROTOCOL_VERSIONS, undefined, `v${random(1e6)}`]);
      const transport = oneOf(TRANSPORTS);
      recorder.request(oneOf([...METHODS, `m${random(1e6)}`]), protocolVersion, transport);
      recordCall(recorder, name, { protocolVersion, transport, ...answer });
      recorder.httpRequest(
        oneOf([...HTTP_ROUTES, `/${random(1e6)}`]),
        oneOf([...HTTP_METHODS, `M${random(1e6)}`]),
        random(1000),
        1,
      );
    }
    const samples = parseMetrics(await registry.metrics());
    expect(samples.value('mcp_metrics_samples')).toBe(samples.all.length);
    expect(samples.value('mcp_metrics_samples_limit')).toBe(most);
    expect(most).toBe(16_654 + 475 * 109);
    expect(samples.all.length).toBeLessThanOrEqual(most);
  });

  it('is exactly what a server has from the start, where nothing waits for use', async () => {
    const server = await startTestServer(NO_SLOW_TOOL);
    const tools = await toolsOf(server);
    const samples = await server.scrape();
    const unlike = NAMES.filter((name) => seriesIn(samples, name) !== mostOf(METRICS[name], tools));
    expect(unlike).toEqual([
      'mcp_requests_total',
      'mcp_server_operation_duration_seconds',
      'mcp_server_session_duration_seconds',
      'mcp_discovery_last_sync_timestamp_seconds',
      'mcp_discovery_services',
      'mcp_token_file_current',
      'mcp_audit_events_total',
      'mcp_audit_write_errors_total',
      'http_server_request_duration_seconds',
      'mcp_label_values_folded_total',
    ]);
    await server.stop();
  });

  it('is not exceeded by a server, whose series that were there from the start stay the same', async () => {
    const server = await startTestServer(NO_SLOW_TOOL);
    const tools = await toolsOf(server);
    const before = await server.scrape();
    await useAll(server);
    const samples = await server.scrape();
    for (const name of NAMES) {
      const most = mostOf(METRICS[name], tools);
      expect(seriesIn(samples, name), name).toBeLessThanOrEqual(most);
      if (seriesIn(before, name) === most) expect(seriesIn(samples, name), name).toBe(most);
    }
    // The rest is of Node and the process.
    const own = samples.value('mcp_metrics_samples') ?? NaN;
    expect(own).toBeLessThan(samples.value('mcp_metrics_samples_limit') ?? NaN);
    expect(samples.all.length - own).toBeLessThan(RUNTIME_SAMPLES);
    expect(samples.value('mcp_server_operation_duration_seconds_count')).toBeGreaterThan(0);
    expect(samples.value('http_server_request_duration_seconds_count')).toBeGreaterThan(0);
    await server.stop();
  });
});

it('the status codes that are declared include what REST answers to calls that fail', () => {
  const answered = Object.values(ERROR_REASONS).map(({ httpStatus }) => String(httpStatus));
  expect(answered.filter((status) => !HTTP_STATUS_CODES.includes(status))).toEqual([]);
});

it('the routes that are declared are those of the server, with the methods it serves there', async () => {
  const added = vi.spyOn(Router.prototype, 'route');
  const upstreams = [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }];
  const auth = { resource: 'https://mcp.example/mcp', issuers: [{ issuer: 'http://127.0.0.1:9' }] };
  const server = await startTestServer({ upstreams, auth });
  await server.stop();
  const routes = added.mock.calls.map(([path]) => path).filter((path) => typeof path === 'string');
  added.mockRestore();
  expect([...new Set(routes), UNMATCHED].sort()).toEqual([...HTTP_ROUTES, RELAY_ROUTE].sort());
});

describe('values of ours that were not declared', () => {
  it('become other, and are counted by metric and label', async () => {
    const { metrics, registry } = createMetrics();
    const recorder = new Recorder(metrics);
    recorder.request('undeclared', '2026-07-28', 'http');
    recorder.request('ping', undefined, 'http');
    recorder.httpRequest('/undeclared', 'BREW', 418, 1);
    const samples = parseMetrics(await registry.metrics());
    expect(samples.select('http_server_request_duration_seconds_count').map(({ labels }) => labels)).toEqual([
      { http_route: UNMATCHED, http_request_method: '_OTHER', http_response_status_code: 'other' },
    ]);
    const counted = samples.select('mcp_label_values_folded_total');
    expect(counted.map(({ labels, value }) => [labels['metric'], labels['label'], value])).toEqual([
      ['mcp_requests_total', 'method', 1],
      ['http_server_request_duration_seconds', 'http_response_status_code', 1],
    ]);
  });

  it('are _OTHER when they are codes of errors, the caller knowing none of them', async () => {
    const { metrics, registry } = createMetrics({ operationAttributes: ['rpc.response.status_code'] });
    const recorder = new Recorder(metrics);
    for (const errorCode of [-32_603, -32_602, 1, 2, 3])
      recorder.operation({
        method: 'ping',
        protocolVersion: undefined,
        transport: 'http',
        seconds: 1,
        isError: false,
        errorCode,
      });
    const counts = parseMetrics(await registry.metrics()).select(
      'mcp_server_operation_duration_seconds_count',
    );
    expect(
      counts.map(({ labels, value }) => [labels['rpc_response_status_code'], labels['error_type'], value]),
    ).toEqual([
      ['-32603', '-32603', 1],
      ['-32602', undefined, 1],
      ['_OTHER', '_OTHER', 3],
    ]);
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
    expect(seriesIn(samples, name), name).toBe(mostOf(declaration));
});
