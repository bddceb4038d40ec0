import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const LONG = 'k'.repeat(50_000);
const MANY = Object.fromEntries(
  Array.from({ length: 1500 }, (_, index) => [`the key that has the number ${index}`, 1]),
);
const MODERN = '2026-07-28';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { callsPerSecond: 0 } });
});
afterAll(() => server.stop());

async function post(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

/** A request of the stateless era, whose headers say something else where they are given. */
function modern(
  method: string,
  params: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const key = (name: string): string => `io.modelcontextprotocol/${name}`;
  const _meta = {
    [key('protocolVersion')]: MODERN,
    [key('clientInfo')]: { name: 'test', version: '1' },
    [key('clientCapabilities')]: {},
  };
  return post(
    '/mcp',
    { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
    { 'mcp-protocol-version': MODERN, 'mcp-method': method.slice(0, 100), ...headers },
  );
}

const call = (params: object): Promise<Response> => modern('tools/call', params, { 'mcp-name': 'echo' });

describe('what is refused is answered in few words, however much it is:', () => {
  it.each<[string, () => Promise<Response>]>([
    ['REST, fields that there are not', () => post('/execute', { tool_name: 'echo', ...MANY })],
    ['REST, a field that there is not', () => post('/execute', { tool_name: 'echo', [LONG]: 1 })],
    ['REST, a tool that there is not', () => post('/execute', { tool_name: LONG })],
    ['REST, arguments that there are not', () => post('/execute', { tool_name: 'echo', arguments: MANY })],
    ['REST, an argument that there is not', () => post('/tools/echo/execute', { arguments: { [LONG]: 1 } })],
    ['MCP, arguments that there are not', () => call({ name: 'echo', arguments: MANY })],
    ['MCP, an argument that there is not', () => call({ name: 'echo', arguments: { [LONG]: 1 } })],
    ['MCP, a name that its header does not say', () => call({ name: LONG, arguments: {} })],
    ['MCP, a method that its header does not say', () => modern(LONG, {})],
    [
      'MCP, a resource that its header does not say',
      () => modern('resources/read', { uri: LONG }, { 'mcp-name': 'x' }),
    ],
    ['MCP, a method with a header', () => modern(LONG, {}, { 'mcp-method': 'tools/list' })],
  ])('%s', async (_what, send) => {
    const response = await send();
    const text = await response.text();
    expect(text.length).toBeLessThan(2500);
    expect(text).toMatch(/"(?:error|isError)":/);
  });
});
