import { ProtocolError, type CallToolResult, type Transport } from '@modelcontextprotocol/server';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { LOW_LEVEL, listing, serveStateless, type LowLevelTools } from '../support/foreign-servers.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { BareTransport, callTool, initialize, scrape } from '../support/instrumented.ts';
import { waitUntil } from '../support/wait.ts';

const fails = (): CallToolResult => ({ content: [{ type: 'text', text: 'no such table' }], isError: true });
const throws = (error: unknown) => (): never => {
  throw error;
};

type Line = keyof typeof LOW_LEVEL;

/** A new server of the kind on a transport of its own, on which calls are made one after the other. */
async function connect(monitoring: Monitoring, line: Line, tools: LowLevelTools) {
  const transport = new BareTransport();
  const server = LOW_LEVEL[line](tools);
  await (monitoring.instrument(server) as { connect(transport: Transport): Promise<void> }).connect(
    transport as unknown as Transport,
  );
  transport.receive(initialize());
  await waitUntil(() => transport.sent.length === 1);
  let last = 0;
  return {
    server,
    transport,
    call: async (name: string, args = {}): Promise<void> => {
      last += 1;
      const id = last;
      transport.receive(callTool(id, name, args));
      await waitUntil(() => transport.sent.some((message) => message['id'] === id));
    },
  };
}

const errors = async (monitoring: Monitoring, tool_name: string, reason: string) =>
  (await scrape(monitoring)).value('mcp_tool_errors_total', { tool_name, reason });

async function expectCounted(
  monitoring: Monitoring,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const samples = await scrape(monitoring);
  const found = samples
    .select('mcp_tool_calls_total')
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => {
      const { tool_name = '', status } = labels;
      const reasons = samples
        .select('mcp_tool_errors_total', { tool_name })
        .filter((sample) => sample.value > 0)
        .map((sample) => sample.labels['reason']);
      return [`${tool_name} ${status === 'error' ? reasons.join('+') : 'success'}`, value] as const;
    });
  expect(Object.fromEntries(found)).toEqual(counts);
  expect(samples.value('mcp_tool_calls_in_flight') ?? 0).toBe(0);
  const operations = samples
    .select('mcp_server_operation_duration_seconds_count', { mcp_method_name: 'tools/call' })
    .map(({ labels }) => labels['gen_ai_tool_name']);
  const tools = Object.keys(counts).map((key) => key.split(' ')[0]);
  expect([...new Set(operations)].sort()).toEqual([...new Set(tools)].sort());
}

describe.each(['v1', 'v2'] as const)(
  'a low-level server of %s that nobody has asked for its tools',
  (line) => {
    it.each([
      ['says that it failed', fails, 'tool_error'],
      ['throws', throws(new Error('the database is down')), 'exception'],
      ['is late', throws(new DOMException('too late', 'TimeoutError')), 'timeout'],
      ['refuses its arguments', throws(new ProtocolError(-32_602, 'no such city')), 'invalid_arguments'],
    ] as const)('has a tool that %s counted under its name', async (_what, call, reason) => {
      const monitoring = createMonitoring();
      const { call: calls } = await connect(monitoring, line, { list: listing('other', 'query'), call });
      await calls('query');
      await calls('query');
      await expectCounted(monitoring, { [`query ${reason}`]: 2 });
    });

    it('has made-up names as unknown, whatever it answers to them', async () => {
      const monitoring = createMonitoring();
      for (const call of [
        fails,
        throws(new Error('no such tool')),
        throws(new ProtocolError(-32_602, 'none')),
      ]) {
        const { call: calls } = await connect(monitoring, line, { list: listing('query'), call });
        await calls('made_up');
      }
      await expectCounted(monitoring, { 'unknown unknown_tool': 3 });
      expect(JSON.stringify((await scrape(monitoring)).all)).not.toContain('made_up');
    });

    it('is asked for all of its list, and once for many calls', async () => {
      const monitoring = createMonitoring();
      const asked: unknown[] = [];
      const list = (cursor: string | undefined) => {
        asked.push(cursor);
        return Promise.resolve(
          cursor === undefined ? { names: ['first'], nextCursor: 'more' } : { names: ['query'] },
        );
      };
      for (let each = 0; each < 6; each += 1) {
        const { call } = await connect(monitoring, line, { list, call: fails });
        await call(each % 2 === 0 ? 'query' : `made_up_${each}`);
      }
      expect(asked).toEqual([undefined, 'more']);
      await expectCounted(monitoring, { 'query tool_error': 3, 'unknown unknown_tool': 3 });
    });

    it('has a failure counted by its tool though the list takes longer than the call', async () => {
      const monitoring = createMonitoring();
      let give: (() => void) | undefined;
      const list = () =>
        new Promise<{ names: string[] }>((resolve) => {
          give = () => {
            resolve({ names: ['query'] });
          };
        });
      const { call, server } = await connect(monitoring, line, { list, call: fails });
      await call('query');
      await server.close();
      expect((await scrape(monitoring)).value('mcp_tool_calls_total')).toBeFalsy();
      give?.();
      await waitUntil(async () => (await errors(monitoring, 'query', 'tool_error')) === 1);
      await expectCounted(monitoring, { 'query tool_error': 1 });
    });

    it.each([
      ['is not there', undefined],
      ['fails', () => Promise.reject(new Error('a bug'))],
    ] as const)('has calls told apart by the answers where the list %s', async (_what, list) => {
      const monitoring = createMonitoring();
      const kinds = {
        throws: throws(new Error('a bug')),
        fails,
        refuses: throws(new ProtocolError(-32_602, '?')),
      };
      const { call } = await connect(monitoring, line, { list, call: (name) => kinds[name as 'fails']() });
      for (const name of Object.keys(kinds)) await call(name);
      for (const reason of ['exception', 'tool_error', 'unknown_tool'])
        expect(await errors(monitoring, 'unknown', reason), reason).toBe(1);
    });

    it('has what its handler threw in the log', async () => {
      const lines: string[] = [];
      const logger = pino({ level: 'debug' }, { write: (line_) => void lines.push(line_) });
      const monitoring = createMonitoring({ logger });
      const call = throws(new Error('the database is down'));
      const { call: calls } = await connect(monitoring, line, { list: listing('query'), call });
      await calls('query');
      expect(lines.map((line_) => JSON.parse(line_) as unknown)).toMatchObject([
        { tool: 'query', reason: 'exception', err: { message: 'the database is down' } },
      ]);
    });

    it('counts a result that MCP forbids as its own fault', async () => {
      const monitoring = createMonitoring();
      const call = () => ({ content: 'no list' }) as unknown as CallToolResult;
      const { call: calls } = await connect(monitoring, line, { list: listing('query'), call });
      await calls('query');
      await expectCounted(monitoring, { 'query exception': 1 });
    });
  },
);

describe('a low-level server that is made for each request', () => {
  it.each(ERAS)('has the very first call counted by its tool though that fails, over %s', async (era) => {
    const monitoring = createMonitoring();
    const create = () => LOW_LEVEL.v2({ list: listing('query'), call: fails });
    const { client } = await connectClient(await serveStateless(create, monitoring), era);
    await client.callTool({ name: 'query', arguments: {} });
    await client.close();
    await expectCounted(monitoring, { 'query tool_error': 1 });
  });
});
