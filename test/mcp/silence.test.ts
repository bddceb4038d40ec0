import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const VERSION = '2026-07-28';
const HEADER_TOOL = fileURLToPath(new URL('../support/header-tool.ts', import.meta.url));
const BOTH = 'application/json, text/event-stream';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    server: { streamKeepAliveSeconds: 0.1 },
    tools: { modules: [FIXTURE_TOOLS, HEADER_TOOL] },
  });
});
afterAll(() => server.stop());

/** Makes a call as a 2026-07-28 client. */
function send(
  name: string,
  args: Record<string, unknown>,
  headers: Record<string, string>,
): Promise<Response> {
  const params = {
    name,
    arguments: args,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': VERSION,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'patient', version: '1' },
    },
  };
  return fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ accept: BOTH, 'content-type': 'application/json', 'mcp-protocol-version': VERSION },
      ...{ 'mcp-method': 'tools/call', 'mcp-name': name },
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params }),
  });
}

const call = (milliseconds: number, accept: string): Promise<Response> =>
  send('slow', { milliseconds }, { accept });

it('a plain call that takes long is a stream that is never silent for long, and ends with the answer', async () => {
  const response = await call(1000, BOTH);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const [answer = '', ...before] = (await response.text()).split('\n\n').filter(Boolean).reverse();
  expect(before.length).toBeGreaterThan(1);
  expect(new Set(before)).toEqual(new Set([': keepalive']));
  const [event, data = ''] = answer.split('\ndata: ');
  expect(event).toBe('event: message');
  expect(JSON.parse(data)).toMatchObject({ id: 7, result: { content: [{ type: 'text', text: 'done' }] } });
});

it('a call whose arguments are in headers too is as little silent, and is refused when these differ', async () => {
  const text = await (await send('routed', { region: 'eu' }, { 'mcp-param-region': 'eu' })).text();
  expect(text).toMatch(/^(: keepalive\n\n)+event: message\ndata: .*"done".*\n\n$/);
  const refused = await send('routed', { region: 'eu' }, { 'mcp-param-region': 'us' });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ id: 7, error: { code: -32020 } });
  const called = (await server.scrape()).value('mcp_tool_calls_total', {
    ...{ tool_name: 'routed', status: 'success' },
  });
  expect(called).toBe(1);
});

it('a call that takes long is JSON for who takes nothing else', async () => {
  const response = await call(500, 'application/json');
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toMatchObject({
    id: 7,
    result: { content: [{ type: 'text', text: 'done' }] },
  });
});

it.each(ERAS)('the client of the SDK gets the answer of a call that takes long, in %s', async (era) => {
  const { client } = await connectClient(server.url, era);
  const { content } = await client.callTool({ name: 'slow', arguments: { milliseconds: 500 } });
  expect(content).toEqual([{ type: 'text', text: 'done' }]);
  await client.close();
});

it('a client that leaves a stream cancels its call', async () => {
  const response = await call(60_000, BOTH);
  await response.body?.cancel();
  const cancelled = { tool_name: 'slow', reason: 'cancelled' };
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_errors_total', cancelled)).toBe(1);
  });
});
