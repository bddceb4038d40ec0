import process from 'node:process';
import { PassThrough } from 'node:stream';
import {
  InMemoryTransport,
  ProtocolError,
  type JSONRPCMessage,
  type McpServer,
} from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createMonitoring, type Monitoring, type MonitoringOptions } from '../../src/monitoring/index.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { newQueryMcpServer, newQueryServer, newServer, serveStateless } from '../support/foreign-servers.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

const scrape = async (monitoring: Monitoring): Promise<Samples> =>
  parseMetrics((await monitoring.metrics()).body);

const info = { name: 'foreign', version: '1.0.0' };

describe.each([
  ['a low-level Server', newQueryServer],
  ['a McpServer with handlers of its own', newQueryMcpServer],
] as const)('%s, made for each request,', (_what, create) => {
  it.each(ERAS)('has failures counted by the tool once that was listed, over %s', async (era) => {
    const monitoring = createMonitoring();
    const { client } = await connectClient(await serveStateless(create, monitoring), era);
    await client.listTools();
    for (const throws of [true, false])
      await client.callTool({ name: 'query', arguments: { throws } }).catch(() => undefined);
    await client.close();
    const samples = await scrape(monitoring);
    for (const reason of ['exception', 'tool_error'])
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'query', reason }), reason).toBe(1);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name: 'query' })).toBe(2);
  });
});

/** A connection that takes any message, and what was answered on it. */
async function connectRaw(server: McpServer) {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const answers: JSONRPCMessage[] = [];
  near.onmessage = (message) => void answers.push(message);
  await near.start();
  await server.connect(far);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
  await near.send({ jsonrpc: '2.0', id: 'init', method: 'initialize', params });
  await waitUntil(() => answers.length === 1);
  const call = (id: number, name: string): Promise<void> =>
    near.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } });
  const cancel = (requestId: number): Promise<void> =>
    near.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
  return { near, answers, call, cancel };
}

/** A server with a tool that runs until it is told to end. */
function newHeldServer(monitoring: Monitoring) {
  const held: (() => void)[] = [];
  const server = monitoring.instrument(newServer());
  server.registerTool('held', {}, async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return { content: [] };
  });
  return { server, held };
}

describe('requests that use an id twice at a time', () => {
  it('are counted one by one when they are answered', async () => {
    const monitoring = createMonitoring();
    const { server, held } = newHeldServer(monitoring);
    const { answers, call } = await connectRaw(server);
    for (let each = 0; each < 3; each += 1) await call(7, 'held');
    await waitUntil(() => held.length === 3);
    expect((await scrape(monitoring)).value('mcp_tool_calls_in_flight')).toBe(3);
    for (const end of held) end();
    await waitUntil(() => answers.length === 4);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'held', status: 'success' })).toBe(3);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    await server.close();
  });

  it('are all settled when the connection closes', async () => {
    const monitoring = createMonitoring();
    const { server, held } = newHeldServer(monitoring);
    const { near, call } = await connectRaw(server);
    for (let each = 0; each < 3; each += 1) await call(7, 'held');
    await waitUntil(() => held.length === 3);
    await near.close();
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'held', reason: 'cancelled' })).toBe(3);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  });
});

it('a call that is cancelled while the tool runs is in its durations', async () => {
  const monitoring = createMonitoring();
  const { server, held } = newHeldServer(monitoring);
  const { call, cancel } = await connectRaw(server);
  await call(1, 'held');
  await waitUntil(() => held.length === 1);
  await cancel(1);
  const samples = await scrape(monitoring);
  expect(samples.value('mcp_tool_errors_total', { tool_name: 'held', reason: 'cancelled' })).toBe(1);
  expect(samples.value('mcp_tool_duration_seconds_count', { tool_name: 'held' })).toBe(1);
  await server.close();
});

describe('what a tool throws', () => {
  it.each([
    ['aborted work, of a client that is still there', new DOMException('gone', 'AbortError'), 'exception'],
    ['the code of an unknown method', new ProtocolError(-32_601, 'not found'), 'exception'],
    ['the code of invalid arguments', new ProtocolError(-32_602, 'no such city'), 'invalid_arguments'],
  ])('(%s) is counted by what it means for the server', async (_what, thrown, reason) => {
    const monitoring = createMonitoring();
    const create = (): McpServer => {
      const server = newServer();
      server.registerTool('fetches', {}, () => {
        throw thrown;
      });
      return server;
    };
    const { client } = await connectClient(await serveStateless(create, monitoring), '2026-07-28');
    await client.callTool({ name: 'fetches', arguments: {} }).catch(() => undefined);
    await client.close();
    expect((await scrape(monitoring)).value('mcp_tool_errors_total', { tool_name: 'fetches', reason })).toBe(
      1,
    );
  });
});

describe('a measured function', () => {
  const circular: unknown[] = [];
  circular.push(circular);

  it.each([
    ['a method', { content: () => 'html' }],
    ['a big integer', { content: [{ rows: 5n }] }],
    ['a circle', { content: circular }],
  ])('returns what it returned, though its content is %s', async (_what, returned) => {
    const monitoring = createMonitoring();
    expect(await monitoring.tool('opens', () => returned)()).toBe(returned);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'opens', status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total')).toBe(0);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  });
});

describe('the log line of a call', () => {
  /** Calls a tool once, and returns the lines as an application's own pino logger, without serializers, writes them. */
  async function linesOf(
    options: MonitoringOptions,
    register: (server: McpServer) => void,
    args: Record<string, unknown> = {},
  ): Promise<string[]> {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const monitoring = createMonitoring({ logger, ...options });
    const create = (): McpServer => {
      const server = newServer();
      register(server);
      return server;
    };
    const { client } = await connectClient(await serveStateless(create, monitoring), '2026-07-28');
    await client.callTool({ name: 'fetches', arguments: args }).catch(() => undefined);
    await client.close();
    return lines;
  }

  it('has of what was thrown the message, the stack and the causes, without secrets', async () => {
    const cause = new Error('401 for https://bob:hunter2hunter2@example.com/');
    const headers = { Authorization: 'Bearer hunter2hunter2' };
    const thrown = Object.assign(new Error('no prices', { cause }), { config: { headers }, code: 'E401' });
    const lines = await linesOf({}, (server) => {
      server.registerTool('fetches', {}, () => {
        throw thrown;
      });
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        reason: 'exception',
        err: {
          type: 'Error',
          message: 'no prices: 401 for https://[redacted]@example.com/',
          stack: expect.stringContaining('caused by: Error: 401 for') as string,
          code: 'E401',
        },
      },
    ]);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('does not quote arguments that were refused', async () => {
    const inputSchema = z.object({
      plan: z.string().refine(() => false, { error: ({ input }) => `not ${String(input)}` }),
    });
    const lines = await linesOf(
      {},
      (server) => server.registerTool('fetches', { inputSchema }, () => ({ content: [] })),
      { plan: 'hunter2hunter2' },
    );
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ reason: 'invalid_arguments' }]);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('has the successes, arguments and results that the options name', async () => {
    const lines = await linesOf(
      { log: { successes: 1, arguments: { fetches: ['plan'] }, results: ['fetches'] } },
      (server) => {
        const inputSchema = z.object({ plan: z.string(), user: z.string() });
        server.registerTool('fetches', { inputSchema }, () => ({
          content: [{ type: 'text', text: 'done' }],
        }));
      },
      { plan: 'free', user: 'bob' },
    );
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 30, arguments: { plan: 'free' }, result: '[{"type":"text","text":"done"}]' },
    ]);
    expect(lines.join()).not.toContain('bob');
  });
});

it('a logger that throws hurts no call, and is warned of', async () => {
  const fails = (): never => {
    throw new Error('the disk is full');
  };
  const logger = { debug: fails, info: fails, warn: fails, error: fails, isLevelEnabled: () => true };
  const monitoring = createMonitoring({ logger });
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
  expect(await monitoring.tool('half', () => 1)()).toBe(1);
  const server = monitoring.instrument(newServer());
  server.registerTool('works', {}, () => ({ content: [] }));
  const { answers, call } = await connectRaw(server);
  await call(1, 'works');
  await waitUntil(() => answers.length === 2);
  expect(answers[1]).toMatchObject({ id: 1, result: { content: [] } });
  expect(warned.mock.calls).toMatchObject([
    [{ message: 'the disk is full' }],
    [{ message: 'the disk is full' }],
  ]);
  warned.mockRestore();
  await server.close();
});

it('a tool beyond the bound counts as folded once, however often servers with it are made', async () => {
  const monitoring = createMonitoring({ maxTools: 2 });
  for (let each = 0; each < 3; each += 1) {
    const server = monitoring.instrument(newServer());
    for (const name of ['a', 'b', 'c', 'd']) server.registerTool(name, {}, () => ({ content: [] }));
  }
  const labels = { metric: 'mcp_tool_calls_total', label: 'tool_name' };
  expect((await scrape(monitoring)).value('mcp_label_values_folded_total', labels)).toBe(2);
});

describe('a stdio session', () => {
  it.each(['client', 'shutdown'] as const)('that ends by the %s says so', async (reason) => {
    const monitoring = createMonitoring();
    const stdin = new PassThrough();
    const transport = new StdioServerTransport(stdin, new PassThrough());
    const handle = serveStdio(() => monitoring.instrument(newServer()), { transport });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
    await waitFor(async () => {
      expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(1);
    });
    if (reason === 'client') stdin.end();
    else await handle.close();
    await waitFor(async () => {
      const samples = await scrape(monitoring);
      expect(samples.value('mcp_sessions_closed_total', { transport: 'stdio', reason })).toBe(1);
    });
  });
});
