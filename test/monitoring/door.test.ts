import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { InMemoryTransport as V1InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { watchDoor, type Watcher } from '../../src/monitoring/door.ts';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { newServer, newV1Server, registerTools, registerV1Tools } from '../support/foreign-servers.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { waitFor } from '../support/wait.ts';

const breaks = (): never => {
  throw new Error('a bug of monitoring');
};

const sound: Omit<Watcher, 'onError'> = {
  recorder: { request: () => undefined, operation: () => undefined },
  tracing: undefined,
  now: () => 0,
  transportName: 'stdio',
  versionOf: () => undefined,
  toolLabel: (name) => name,
};

/** What of a watcher may break, and when. */
const BROKEN: Readonly<Record<string, Partial<Watcher>>> = {
  'counting a request': { recorder: { request: breaks, operation: () => undefined } },
  'counting an answer': { recorder: { request: () => undefined, operation: breaks } },
  'naming the tool': { toolLabel: breaks },
  'what follows the receipt': { received: breaks },
  'what comes before the answer': { answered: breaks },
  'the end of the connection': { closed: breaks },
};

describe('what breaks in monitoring', () => {
  it.each(Object.entries(BROKEN))('(%s) is reported, and hurts no request', async (_what, broken) => {
    const onError = vi.fn();
    const server = registerTools(newServer());
    watchDoor(server.server, () => ({ ...sound, ...broken, onError }));
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
