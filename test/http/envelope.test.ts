import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { callsPerSecond: 0 }, tools: { enabled: ['echo', 'add'] } });
});
afterAll(() => server.stop());

const INFO = { name: 'test', version: '1' };
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': INFO,
};
const message = (method: string, params: object, more: object = {}): object => ({
  ...{ jsonrpc: '2.0', id: 7, method, params },
  ...more,
});
const initialize = (more: object): object =>
  message('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: INFO, ...more });
const call = (params: object): object =>
  message('tools/call', { name: 'echo', arguments: { text: 'hi' }, _meta: META, ...params });
const keys = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
const values = (count: number): number[] => Array<number>(count).fill(0);

async function post(path: string, body: unknown): Promise<{ status: number; text: string; cpuMs: number }> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(path === '/mcp' &&
      JSON.stringify(body).includes('2026-07-28') && {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': (body as { method: string }).method,
        'mcp-name': 'echo',
      }),
  };
  const sent = JSON.stringify(body);
  const before = process.cpuUsage();
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body: sent });
  const text = await response.text();
  const { user, system } = process.cpuUsage(before);
  return { status: response.status, text, cpuMs: (user + system) / 1000 };
}

const TOO_MUCH: readonly (readonly [what: string, message: object])[] = [
  ['an initialize with 500 000 icons', initialize({ clientInfo: { ...INFO, icons: values(500_000) } })],
  ['an initialize with 80 000 capabilities', initialize({ capabilities: keys(80_000) })],
  ['an initialize with 80 000 keys in _meta', initialize({ _meta: keys(80_000) })],
  ['an initialize with 80 000 parameters', initialize(keys(80_000))],
  [
    'an initialize with a name of a megabyte',
    initialize({ clientInfo: { name: 'x'.repeat(1e6), version: '1' } }),
  ],
  [
    'a call with 500 000 icons',
    call({ _meta: { ...META, 'io.modelcontextprotocol/clientInfo': { ...INFO, icons: values(500_000) } } }),
  ],
  ['a call with 80 000 keys in _meta', call({ _meta: { ...META, ...keys(80_000) } })],
  ['a call with 80 000 parameters', call(keys(80_000))],
  ['a call with 80 000 arguments', call({ arguments: keys(80_000) })],
  ['a call with 60 000 answers', call({ inputResponses: keys(60_000) })],
  ['a message with 80 000 fields', { ...message('tools/list', { _meta: META }), ...keys(80_000) }],
  ['an id of a megabyte', message('ping', {}, { id: 'x'.repeat(1e6) })],
  ['a method of a megabyte', message('x'.repeat(1e6), {})],
  ['an answer with 80 000 fields', { jsonrpc: '2.0', id: 7, result: keys(80_000) }],
  [
    'a progress with a token of a megabyte',
    message('notifications/progress', { progressToken: 'x'.repeat(1e6) }),
  ],
];

describe('what is too much besides arguments', () => {
  it.each(TOO_MUCH)('%s is refused before it is validated', async (_what, body) => {
    const { status, text } = await post('/mcp', body);
    expect({ status, ...(JSON.parse(text) as object) }).toMatchObject({
      status: 413,
      error: { code: -32600, message: expect.stringMatching(/at most 2000 values and 65536 char/) as string },
    });
  });

  it('costs no more than to read the same as an argument', async () => {
    const icons = values(500_000);
    const asArgument = await post('/execute', { tool_name: 'echo', arguments: { text: icons } });
    const asIcons = await post('/mcp', initialize({ clientInfo: { ...INFO, icons } }));
    // Validated, it was fifty times as much.
    expect(asIcons.cpuMs).toBeLessThan(10 * asArgument.cpuMs);
  });

  it('is told by id, where the message has one that is no excess', async () => {
    expect(JSON.parse((await post('/mcp', call(keys(3000)))).text)).toMatchObject({ id: 7 });
    const huge = await post('/mcp', message('ping', {}, { id: 'x'.repeat(1e6) }));
    expect(JSON.parse(huge.text)).toMatchObject({ id: null });
  });

  it('of a batch is counted together, and a batch has 100 messages at most', async () => {
    const list = message('tools/list', {});
    for (const batch of [Array(101).fill(list), Array(10).fill(message('tools/list', keys(300)))])
      expect((await post('/mcp', batch)).status).toBe(413);
  });

  it.each(['/execute', '/tools/echo/execute'])('is refused by POST %s, and not said back', async (path) => {
    const { status, text } = await post(path, { tool_name: 'echo', ...keys(80_000) });
    expect(status).toBe(413);
    expect(text.length).toBeLessThan(300);
    expect((await post(path, { tool_name: 'echo', arguments: keys(80_000) })).status).toBe(413);
  });
});

describe('what is within bounds', () => {
  it.each([
    ['a large argument', call({ arguments: { text: 'x'.repeat(300_000) } })],
    [
      'many values in an argument',
      call({ arguments: { text: 'hi' }, _meta: { ...META, list: values(1000) } }),
    ],
    [
      'a long answer',
      call({ inputResponses: { who: { action: 'accept', content: { a: 'x'.repeat(1e5) } } } }),
    ],
    [
      'an icon in its own data',
      initialize({ clientInfo: { ...INFO, icons: [{ src: `data:${'x'.repeat(5e4)}` }] } }),
    ],
  ])('%s is served', async (_what, body) => {
    const { status, text } = await post('/mcp', body);
    expect({ status, text }).toMatchObject({
      status: 200,
      text: expect.stringContaining('"result"') as string,
    });
  });

  it('many values in an argument are judged by the tool', async () => {
    const { text } = await post('/mcp', call({ arguments: { text: values(100_000) } }));
    expect(text).toContain('invalid_arguments');
  });
});
