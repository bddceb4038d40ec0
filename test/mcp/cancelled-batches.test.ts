import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** The one revision with batches (MCP 2025-03-26, "Batching"). */
const VERSION = '2025-03-26';

let server: TestServer;
let session: string;

beforeAll(async () => {
  server = await startTestServer();
  const clientInfo = { name: 'batching', version: '1' };
  const params = { protocolVersion: VERSION, capabilities: {}, clientInfo };
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  await response.text();
  session = response.headers.get('mcp-session-id') ?? '';
});
afterAll(() => server.stop());

const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...headers,
    },
    body: JSON.stringify(body),
  });

const cancel = (requestId: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
});
const call = (id: number, name: string, args: unknown) => ({
  ...{ jsonrpc: '2.0', id, method: 'tools/call' },
  params: { name, arguments: args },
});

it.each([
  ['a call and then its cancellation', [call(1, 'hangs', {}), cancel(1)], 1, 'hangs'],
  ['a cancellation and then its call', [cancel(2), call(2, 'hangs', {})], 2, 'hangs'],
  ['a call that is refused, and its cancellation', [call(3, 'slow', 7), cancel(3)], 3, 'slow'],
  ['a cancellation, and a call that is refused', [cancel(4), call(4, 'blocks', 7)], 4, 'blocks'],
])('a batch of %s is answered, counted once and forgotten', async (_what, batch, id, tool) => {
  const calls = async (): Promise<number> =>
    (await server.scrape()).value('mcp_tool_calls_total', { tool_name: tool }) ?? 0;
  const before = await calls();
  const response = await post(batch, { 'mcp-session-id': session });
  const [, data = ''] = /^data: (.+)$/m.exec((await response.text()).replaceAll(/^data: *$/gm, '')) ?? [];
  expect(JSON.parse(data)).toMatchObject({ id, error: { code: -32600 } });
  await expect.poll(calls).toBe(before + 1);
  expect((await server.scrape()).value('mcp_tool_calls_in_flight')).toBe(0);
});
