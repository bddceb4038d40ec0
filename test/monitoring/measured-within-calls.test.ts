import type { CallToolResult, Transport } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { LOW_LEVEL, newServer } from '../support/foreign-servers.ts';
import { BareTransport, callTool, initialize, scrape } from '../support/instrumented.ts';
import { waitUntil } from '../support/wait.ts';

const done: CallToolResult = { content: [{ type: 'text', text: 'done' }] };
const failed: CallToolResult = { content: [{ type: 'text', text: 'it failed' }], isError: true };

interface Connectable {
  connect(transport: Transport): Promise<void>;
}

async function callOnce(server: Connectable, name: string): Promise<void> {
  const transport = new BareTransport();
  await server.connect(transport as unknown as Transport);
  transport.receive(initialize());
  transport.receive(callTool(1, name));
  await waitUntil(() => transport.sent.length === 2);
}

/** What a handler does with a function that is measured. */
type Use = (measured: () => Promise<CallToolResult>) => Promise<CallToolResult>;

/** Servers whose tool `query` is carried out by a handler. */
const SERVERS: Readonly<
  Record<string, (monitoring: Monitoring, handler: () => Promise<CallToolResult>) => Connectable>
> = {
  'a low-level server of v1': (monitoring, handler) => monitoring.instrument(LOW_LEVEL.v1({ call: handler })),
  'a low-level server of v2': (monitoring, handler) => monitoring.instrument(LOW_LEVEL.v2({ call: handler })),
  'a McpServer': (monitoring, handler) => {
    const server = monitoring.instrument(newServer());
    server.registerTool('query', {}, handler);
    return server;
  },
};

const ENDINGS: readonly (readonly [
  what: string,
  run: () => CallToolResult,
  use: Use,
  reason: string | undefined,
])[] = [
  ['works', () => done, (measured) => measured(), undefined],
  ['reports a failure', () => failed, (measured) => measured(), 'tool_error'],
  [
    'throws, which the handler lets through',
    () => {
      throw new Error('a bug');
    },
    (measured) => measured(),
    'exception',
  ],
  [
    'throws, of which the handler makes a result with isError',
    () => {
      throw new Error('a bug');
    },
    (measured) => measured().catch(() => failed),
    'exception',
  ],
  [
    'is late, of which the handler makes a result with isError',
    () => {
      throw new DOMException('late', 'TimeoutError');
    },
    (measured) => measured().catch(() => failed),
    'timeout',
  ],
  [
    'throws, and the handler does without',
    () => {
      throw new Error('a bug');
    },
    (measured) => measured().catch(() => done),
    undefined,
  ],
];

describe.each(Object.entries(SERVERS))('%s, within whose call a measured function', (_server, create) => {
  it.each(ENDINGS)('%s, has one call counted, as what it was', async (_what, run, use, reason) => {
    const monitoring = createMonitoring();
    const measured = monitoring.tool('query', run);
    const server = create(monitoring, () => use(measured));
    await callOnce(server, 'query');
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_calls_total')).toBe(1);
    const status = reason === undefined ? 'success' : 'error';
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'query', status })).toBe(1);
    expect(samples.value('mcp_tool_errors_total')).toBe(reason === undefined ? 0 : 1);
    if (reason !== undefined)
      expect(samples.value('mcp_tool_errors_total', { tool_name: 'query', reason })).toBe(1);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name: 'query' })).toBe(1);
  });

  it('works at the second attempt, has a failure that came after it as the tool reported it', async () => {
    const monitoring = createMonitoring();
    let attempts = 0;
    const measured = monitoring.tool('query', () => {
      attempts += 1;
      if (attempts === 1) throw new Error('a bug');
      return done;
    });
    const server = create(monitoring, async () => {
      await measured().catch(() => measured());
      return failed;
    });
    await callOnce(server, 'query');
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'query', reason: 'tool_error' })).toBe(1);
  });
});

it('a measured function of another name is a call of its own, though both names are beyond the bound', async () => {
  const monitoring = createMonitoring({ maxTools: 1 });
  monitoring.tool('has_the_place', () => done);
  const inner = monitoring.tool('inner', () => done);
  const server = monitoring.instrument(newServer());
  server.registerTool('query', {}, () => inner());
  await callOnce(server, 'query');
  expect((await scrape(monitoring)).value('mcp_tool_calls_total', { tool_name: 'other' })).toBe(2);
});
