import { afterEach, describe, expect, it } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import {
  OPERATION_ATTRIBUTES,
  type OperationAttribute,
} from '../../src/monitoring/metrics/operation-attributes.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { newLowServer, serveStateless } from '../support/foreign-servers.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

// What is cited is the OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md of v1.41.1.

const OPERATION = 'mcp_server_operation_duration_seconds';
const SESSION = 'mcp_server_session_duration_seconds';

/** "This metric SHOULD be specified with ExplicitBucketBoundaries of": the same for all durations. */
const BOUNDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** The attributes of mcp.server.operation.duration, with what requires them. */
const ATTRIBUTES: Readonly<Record<string, 'required' | 'conditional' | 'recommended'>> = {
  'mcp.method.name': 'required',
  'error.type': 'conditional',
  'gen_ai.tool.name': 'conditional',
  'rpc.response.status_code': 'conditional',
  'gen_ai.operation.name': 'recommended',
  'mcp.protocol.version': 'recommended',
  'network.transport': 'recommended',
};

let server: TestServer;
afterEach(() => server.stop());

/** The labels of the one operation of a method, without `le`. */
function labelsOf(samples: Samples, mcp_method_name: string): Readonly<Record<string, string>> {
  const found = samples.select(`${OPERATION}_count`, { mcp_method_name });
  expect(found).toHaveLength(1);
  return found[0]?.labels ?? {};
}

const boundsOf = (samples: Samples, name: string): number[] =>
  [...new Set(samples.select(`${name}_bucket`).map(({ labels }) => Number(labels['le'])))].filter(
    Number.isFinite,
  );

async function afterCall(
  name: string,
  args: Record<string, unknown> = {},
  operationAttributes: OperationAttribute[] = [],
): Promise<Samples> {
  server = await startTestServer({ metrics: { operationAttributes } });
  const { client } = await connectClient(server.url, '2026-07-28');
  await client.callTool({ name, arguments: args }).catch(() => undefined);
  await client.close();
  return server.scrape();
}

describe(OPERATION, () => {
  it('has the bounds and no attribute but those of the conventions', async () => {
    const samples = await afterCall('fails');
    expect(boundsOf(samples, OPERATION)).toEqual(BOUNDS);
    const names = new Set(samples.select(`${OPERATION}_count`).flatMap(({ labels }) => Object.keys(labels)));
    const known = Object.keys(ATTRIBUTES).map((name) => name.replaceAll('.', '_'));
    expect([...names].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('says of a call that succeeds what it must and should', async () => {
    expect(labelsOf(await afterCall('echo', { text: 'hi' }), 'tools/call')).toEqual({
      mcp_method_name: 'tools/call',
      gen_ai_tool_name: 'echo',
      gen_ai_operation_name: 'execute_tool',
    });
  });

  it('says what multiplies its series only when it is asked for', async () => {
    const further = await afterCall('nope', {}, [...OPERATION_ATTRIBUTES]);
    expect(labelsOf(further, 'tools/call')).toEqual({
      mcp_method_name: 'tools/call',
      gen_ai_tool_name: 'unknown',
      gen_ai_operation_name: 'execute_tool',
      rpc_response_status_code: '-32602',
      mcp_protocol_version: '2026-07-28',
      network_transport: 'tcp',
    });
  });

  it('says tool_error of a result with isError', async () => {
    const labels = labelsOf(await afterCall('fails'), 'tools/call');
    expect(labels).toMatchObject({ error_type: 'tool_error' });
  });

  it('says no error of an answer that is the fault of the caller', async () => {
    const labels = labelsOf(await afterCall('nope'), 'tools/call');
    expect(labels).toMatchObject({ gen_ai_tool_name: 'unknown' });
    expect(labels).not.toHaveProperty('error_type');
  });

  it('says the code as the error of an answer that is the fault of the server', async () => {
    const monitoring = createMonitoring();
    const url = await serveStateless(newLowServer, monitoring);
    const { client } = await connectClient(url, '2025-11-25');
    await client.callTool({ name: 'throws', arguments: {} }).catch(() => undefined);
    await client.close();
    const samples = parseMetrics((await monitoring.metrics()).body);
    expect(labelsOf(samples, 'tools/call')).toMatchObject({ error_type: '-32603' });
    server = await startTestServer();
  });

  it('says of a request that is no call nothing of tools', async () => {
    server = await startTestServer();
    const { client } = await connectClient(server.url, '2026-07-28');
    await client.listTools();
    await client.close();
    expect(labelsOf(await server.scrape(), 'tools/list')).toEqual({
      mcp_method_name: 'tools/list',
    });
  });
});

describe(SESSION, () => {
  it('has the bounds, and is of sessions alone, which 2026-07-28 has none of', async () => {
    server = await startTestServer();
    for (const era of ERAS) {
      const { client, transport } = await connectClient(server.url, era);
      await client.listTools();
      await transport.terminateSession();
      await client.close();
    }
    const samples = await server.scrape();
    expect(boundsOf(samples, SESSION)).toEqual(BOUNDS);
    expect(samples.select(`${SESSION}_count`)).toMatchObject([
      { labels: { mcp_protocol_version: '2025-11-25', network_transport: 'tcp' }, value: 1 },
    ]);
  });
});

it('both are left out when metrics.openTelemetryNames is off', async () => {
  server = await startTestServer({ metrics: { openTelemetryNames: false } });
  const { client, transport } = await connectClient(server.url, '2025-11-25');
  await client.listTools();
  await transport.terminateSession();
  await client.close();
  const samples = await server.scrape();
  expect(samples.value('mcp_session_duration_seconds_count')).toBe(1);
  expect(samples.all.filter(({ name }) => name.startsWith('mcp_server_'))).toEqual([]);
});
