import { Client } from '@modelcontextprotocol/client';
import {
  InMemoryTransport,
  inputRequired,
  type CallToolResult,
  type InputRequiredResult,
} from '@modelcontextprotocol/server';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMonitoring, type Monitoring } from '../../src/monitoring/index.ts';
import { connectClient } from '../support/clients.ts';
import { newServer, serveStateless } from '../support/foreign-servers.ts';
import { scrape } from '../support/instrumented.ts';

type Returned = CallToolResult | InputRequiredResult;

const server = (returned: () => Returned) => {
  const made = newServer();
  made.registerTool('asks', {}, () => returned() as CallToolResult);
  return made;
};

const ask = (requestedSchema: object): InputRequiredResult =>
  inputRequired({
    inputRequests: {
      name: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Who?', requestedSchema },
      } as never,
    },
  });
const askForName = () => ask({ type: 'object', properties: { name: { type: 'string' } } });

/** Calls the tool once as a client of the 2025 era, which accepts whatever it is asked if it can be asked. */
async function callOnce(monitoring: Monitoring, returned: () => Returned, elicitation: boolean) {
  const capabilities = elicitation ? { elicitation: {} } : {};
  const client = new Client({ name: 'test-client', version: '1.2.3' }, { capabilities });
  if (elicitation)
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }));
  const [near, far] = InMemoryTransport.createLinkedPair();
  await monitoring.instrument(server(returned)).connect(far);
  await client.connect(near);
  const answer = await client.callTool({ name: 'asks', arguments: {} }).catch((error: unknown) => error);
  await client.close();
  return answer;
}

const KINDS: readonly (readonly [string, () => Returned, boolean, string])[] = [
  ['asks with a schema that MCP forbids', () => ask({ type: 'array', items: {} }), true, 'exception'],
  ['asks for ever', askForName, true, 'exception'],
  ['asks a client that cannot be asked', askForName, false, 'tool_error'],
  ['returns what MCP forbids', () => ({ content: 'text' }) as unknown as CallToolResult, true, 'exception'],
  ['reports a failure', () => ({ content: [], isError: true }), true, 'tool_error'],
];

describe('a tool of a McpServer that', () => {
  it.each(KINDS)(
    '%s is counted once, by whose fault that is',
    async (_what, returned, elicitation, reason) => {
      const monitoring = createMonitoring();
      await callOnce(monitoring, returned, elicitation);
      const samples = await scrape(monitoring);
      expect(samples.value('mcp_tool_calls_total', { tool_name: 'asks' })).toBe(1);
      const failed = samples.select('mcp_tool_errors_total').filter(({ value }) => value > 0);
      expect(failed.map(({ labels }) => labels)).toEqual([{ tool_name: 'asks', reason }]);
    },
  );

  it('asks a client of 2026-07-28 that cannot be asked has not failed by itself', async () => {
    const monitoring = createMonitoring();
    const url = await serveStateless(() => server(askForName), monitoring);
    const { client } = await connectClient(url, '2026-07-28');
    await client.callTool({ name: 'asks', arguments: {} }).catch(() => undefined);
    await client.close();
    const labels = { tool_name: 'asks', reason: 'tool_error' };
    expect((await scrape(monitoring)).value('mcp_tool_errors_total', labels)).toBe(1);
  });

  it('returns what MCP forbids has a line in the log that says what is wrong', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const monitoring = createMonitoring({ logger });
    await callOnce(monitoring, () => ({ content: 'text' }) as unknown as CallToolResult, true);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        tool: 'asks',
        reason: 'exception',
        err: expect.stringContaining('Invalid tools/call result') as string,
      },
    ]);
  });
});
