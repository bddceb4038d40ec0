import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { InMemoryTransport as V1InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ConnectionOptions, RequestRecorder } from '../../src/monitoring/door/connection.ts';
import { onConnected, passThroughDoor } from '../../src/monitoring/door/door-adapter.ts';
import { Door } from '../../src/monitoring/door/door.ts';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { newServer, newV1Server, registerTools, registerV1Tools } from '../support/foreign-servers.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { waitFor } from '../support/wait.ts';

const breaks = (): never => {
  throw new Error('a bug of monitoring');
};

interface Parts {
  readonly recorder: RequestRecorder;
  readonly connection: Omit<ConnectionOptions<unknown>, 'transport'>;
}

const recorder: RequestRecorder = { request: () => undefined, operation: () => undefined };
const connection: Parts['connection'] = { toolLabel: (name) => name };

/** What of the door's surroundings may break, and when. */
const BROKEN: Readonly<Record<string, Partial<Parts>>> = {
  'counting a request': { recorder: { ...recorder, request: breaks } },
  'counting an answer': { recorder: { ...recorder, operation: breaks } },
  'naming the tool': { connection: { toolLabel: breaks } },
  'what follows the receipt': { connection: { ...connection, received: breaks } },
  'what comes before the answer': { connection: { ...connection, answered: breaks } },
  'the end of the connection': { connection: { ...connection, closed: breaks } },
};

describe('what breaks in monitoring', () => {
  it.each(Object.entries(BROKEN))('(%s) is reported, and hurts no request', async (_what, broken) => {
    const onError = vi.fn();
    const server = registerTools(newServer());
    const parts = { recorder, connection, ...broken };
    const door = new Door({ recorder: parts.recorder, tracing: undefined, now: () => 0, onError });
    onConnected(server.server, (transport) => {
      passThroughDoor(transport, door.connect({ transport: 'stdio', ...parts.connection }));
    });
    const client = new Client({ name: 'test-client', version: '1.2.3' });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    expect(await client.callTool({ name: 'works', arguments: {} })).toMatchObject({ content: [{}] });
    await client.close();
    expect(onError).toHaveBeenCalledWith(new Error('a bug of monitoring'));
  });
});

describe.each([
  ['v2', () => registerTools(newServer()), InMemoryTransport],
  ['v1', () => registerV1Tools(newV1Server()), V1InMemoryTransport],
] as const)('a call whose name is no text, on a %s server', (_line, create, Transport) => {
  it('is answered, and counted as a call of an unknown tool', async () => {
    const monitoring = createMonitoring();
    const server = monitoring.instrument(create());
    const [near, far] = Transport.createLinkedPair();
    const answers: unknown[] = [];
    near.onmessage = (message: unknown) => void answers.push(message);
    await near.start();
    await server.connect(far);
    onTestFinished(() => server.close());
    const name = { toString: 1, valueOf: 1 };
    await near.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } });
    await waitFor(() => {
      expect(answers).toMatchObject([{ id: 1, error: {} }]);
    });
    const samples = parseMetrics((await monitoring.metrics()).body);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'unknown', status: 'error' })).toBe(1);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  });
});
