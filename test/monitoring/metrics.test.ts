import { afterEach, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/monitoring/metrics/metrics.ts';
import { REASONS } from '../../src/tools/reasons.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;
afterEach(() => server.stop());

describe('/metrics', () => {
  it('has every metric of the table, with its type and help, and no other of ours', async () => {
    server = await startTestServer();
    const text = await (await fetch(`${server.url}/metrics`)).text();
    for (const [name, { type, help }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    const unexpected = families.filter(
      (name) => !Object.hasOwn(METRICS, name) && !/^(nodejs|process)_/.test(name),
    );
    expect(unexpected).toEqual([]);
    expect(families).toContain('process_cpu_seconds_total');
  });

  it('has every series of every tool at zero from the start', async () => {
    // The deadlines of these are longer than 10 s.
    server = await startTestServer({ tools: { disabled: ['eats_memory', 'held'] } });
    const samples = await server.scrape();
    const { tools } = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] };
    expect(tools.length).toBeGreaterThan(25);
    for (const { name: tool_name } of tools) {
      for (const status of ['success', 'error']) {
        expect(samples.value('mcp_tool_calls_total', { tool_name, status })).toBe(0);
      }
      for (const reason of REASONS)
        expect(samples.value('mcp_tool_errors_total', { tool_name, reason })).toBe(0);
      expect(samples.value('mcp_tool_duration_seconds_count', { tool_name })).toBe(0);
      const buckets = samples.select('mcp_tool_duration_seconds_bucket', { tool_name });
      expect(buckets.map(({ labels }) => labels['le']).join(' ')).toBe(
        '0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf',
      );
      expect(samples.value('mcp_tool_calls_in_flight', { tool_name })).toBe(0);
      expect(samples.value('mcp_tool_info', { tool_name })).toBe(1);
    }
  });

  it('counts one call once: success, duration, size, request and operation', async () => {
    server = await startTestServer();
    await server.execute('echo', { text: 'x'.repeat(300) });
    const samples = await server.scrape();
    const tool_name = 'echo';
    expect(samples.value('mcp_tool_calls_total', { tool_name, status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name })).toBe(1);
    expect(samples.value('mcp_tool_result_size_bytes_count', { tool_name })).toBe(1);
    expect(samples.value('mcp_tool_result_size_bytes_sum', { tool_name })).toBeGreaterThan(300);
    const route = { http_route: '/execute', http_request_method: 'POST', http_response_status_code: '200' };
    expect(samples.value('http_server_request_duration_seconds_count', route)).toBe(1);
  });

  it('is written so that the same counters appear in OpenMetrics under their OpenMetrics names', async () => {
    server = await startTestServer();
    const headers = { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' };
    const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
    expect(text).toContain('# TYPE mcp_tool_calls counter\nmcp_tool_calls_total{');
    expect(text).not.toContain('# TYPE mcp_tool_calls_total');
    expect(text).toMatch(/\n# EOF\n$/);
  });

  it('says in every scrape that the reasons add up to the errors, while calls fail', async () => {
    server = await startTestServer({ limits: { callsPerSecond: 0 } });
    const failing = Array.from({ length: 400 }, () => server.execute('echo', { text: 5 }));
    for (let scrape = 0; scrape < 20; scrape += 1) {
      const samples = await server.scrape();
      const errors = samples.value('mcp_tool_calls_total', { tool_name: 'echo', status: 'error' });
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'echo' })).toBe(errors);
    }
    await Promise.all(failing);
  });

  it('names the build', async () => {
    server = await startTestServer();
    const [build] = (await server.scrape()).select('mcp_build_info');
    expect(build?.labels).toEqual({
      version: '0.0.0',
      revision: 'test',
      node_version: process.version,
      protocol: '2026-07-28',
    });
  });
});

describe('monitoring switched off', () => {
  it('exposes nothing, and calls still work', async () => {
    server = await startTestServer({ metrics: { enabled: false } });
    expect((await server.execute('echo', { text: 'hi' })).body).toMatchObject({ result: 'hi' });
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  });

  it('leaves only the OpenTelemetry names out when only those are switched off', async () => {
    server = await startTestServer({ metrics: { openTelemetryNames: false } });
    await server.execute('echo', { text: 'hi' });
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(1);
    expect(samples.value('mcp_server_operation_duration_seconds_count')).toBeUndefined();
  });
});
