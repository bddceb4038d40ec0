import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport as V1InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { InMemoryTransport, type Transport } from '@modelcontextprotocol/server';
import type { Transport as V1Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { describe, expect, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { newServer, newV1Server, registerTools, registerV1Tools } from '../support/foreign-servers.ts';
import { BareTransport, callTool, initialize, newV1Client, scrape } from '../support/instrumented.ts';
import { waitUntil } from '../support/wait.ts';

/** A server with the test tools on each line of the SDK, connected to any transport. */
const LINES = {
  v1: (monitoring: Monitoring, transport: BareTransport) =>
    monitoring.instrument(registerV1Tools(newV1Server())).connect(transport as unknown as V1Transport),
  v2: (monitoring: Monitoring, transport: BareTransport) =>
    monitoring.instrument(registerTools(newServer())).connect(transport as unknown as Transport),
};

/** A client and a server in one process, of which the client connects first. */
const CLIENT_FIRST = {
  async v1(monitoring: Monitoring) {
    const [near, far] = V1InMemoryTransport.createLinkedPair();
    const client = newV1Client();
    const connected = client.connect(near);
    await monitoring.instrument(registerV1Tools(newV1Server())).connect(far);
    await connected;
    return client;
  },
  async v2(monitoring: Monitoring) {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const connected = client.connect(near);
    await monitoring.instrument(registerTools(newServer())).connect(far);
    await connected;
    return client;
  },
};

describe.each(['v1', 'v2'] as const)('on the %s line, what arrives while a transport connects', (line) => {
  it('is seen when the client connects first', async () => {
    const monitoring = createMonitoring({ operationAttributes: ['mcp.protocol.version'] });
    const client = await CLIENT_FIRST[line](monitoring);
    await client.callTool({ name: 'works', arguments: {} });
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_requests_total', { method: 'initialize' })).toBe(1);
    expect(samples.value('mcp_requests_total', { protocol_version: 'other' })).toBeUndefined();
    const agreed = { mcp_method_name: 'tools/call', mcp_protocol_version: '2025-11-25' };
    expect(samples.value('mcp_server_operation_duration_seconds_count', agreed)).toBe(1);
    await client.close();
  });

  it('is seen when it is delivered by start() itself', async () => {
    const monitoring = createMonitoring();
    const transport = new BareTransport((starting) => {
      starting.receive(initialize());
      starting.receive(callTool(1, 'works'));
      starting.receive(callTool(2, 'throws'));
    });
    await LINES[line](monitoring, transport);
    await waitUntil(() => transport.sent.length === 3);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'works', status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'throws', reason: 'exception' })).toBe(1);
    expect(samples.value('mcp_requests_total')).toBe(3);
    expect(samples.value('mcp_server_operation_duration_seconds_count')).toBe(3);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  });

  it('leaves nothing behind when the transport cannot be started', async () => {
    const monitoring = createMonitoring();
    const transport = new BareTransport((starting) => {
      starting.receive(callTool(1, 'slow'));
      throw new Error('no such pipe');
    });
    Object.assign(transport, { _stdin: {} }); // as a transport over stdio has
    await expect(LINES[line](monitoring, transport)).rejects.toThrow('no such pipe');
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_active_sessions')).toBe(0);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  });
});

describe('a server that is instrumented when it is connected already', () => {
  it('has its session, and the revision that was agreed on', async () => {
    const monitoring = createMonitoring();
    const transport = new BareTransport();
    Object.assign(transport, { sessionId: 'a-session', handleRequest: () => undefined });
    const server = registerTools(newServer());
    await server.connect(transport as unknown as Transport);
    transport.receive(initialize('2025-06-18'));
    await waitUntil(() => transport.sent.length === 1);
    monitoring.instrument(server);
    transport.receive(callTool(1, 'works'));
    await waitUntil(() => transport.sent.length === 2);
    const open = await scrape(monitoring);
    expect(open.value('mcp_active_sessions')).toBe(1);
    expect(open.value('mcp_requests_total', { protocol_version: '2025-06-18', transport: 'http' })).toBe(1);
    await server.close();
    const closed = await scrape(monitoring);
    expect(closed.value('mcp_active_sessions')).toBe(0);
    expect(closed.value('mcp_sessions_closed_total', { transport: 'http' })).toBe(1);
  });
});

describe('a transport that the SDK does not have', () => {
  it('is not taken for stdio, and leaves no session behind when nobody closes it', async () => {
    const monitoring = createMonitoring();
    for (let each = 0; each < 3; each += 1) {
      const transport = new BareTransport();
      await LINES.v2(monitoring, transport);
      transport.receive(initialize());
      transport.receive(callTool(1, 'works'));
      await waitUntil(() => transport.sent.length === 2);
    }
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_requests_total', { transport: 'stdio' })).toBeUndefined();
    expect(samples.value('mcp_requests_total', { transport: 'http', method: 'tools/call' })).toBe(3);
    expect(samples.value('mcp_active_sessions')).toBe(0);
  });

  it('has a session once it has an id for one', async () => {
    const monitoring = createMonitoring();
    const transport = new BareTransport();
    await LINES.v1(monitoring, transport);
    Object.assign(transport, { sessionId: 'a-session' });
    transport.receive(initialize());
    await waitUntil(() => transport.sent.length === 1);
    expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(1);
    await transport.close();
    expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(0);
  });

  it('is what the application says it is', async () => {
    const monitoring = createMonitoring();
    const server = monitoring.instrument(registerTools(newServer()), { transport: 'stdio' });
    const transport = new BareTransport();
    await server.connect(transport as unknown as Transport);
    transport.receive(initialize());
    await waitUntil(() => transport.sent.length === 1);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_requests_total', { transport: 'stdio' })).toBe(1);
    expect(samples.value('mcp_active_sessions')).toBe(1);
    await server.close();
    expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(0);
  });
});
