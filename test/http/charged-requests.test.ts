import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask } from './raw-client.ts';

/** Nothing is given back during a test. */
const RATE = { callsPerSecond: 0.0001 };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ server: { trustedProxies: 1 }, limits: { ...RATE, burst: 2 } });
});
afterAll(() => server.stop());

/** A client of its own for each test. */
let clients = 0;
const newClient = (): Record<string, string> => ({
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'x-forwarded-for': `192.0.2.${(clients += 1)}`,
});

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const rpc = (method: string, more: object = {}): object => ({
  ...{ jsonrpc: '2.0', id: 1, method, params: {} },
  ...more,
});
const NOTIFICATION = rpc('notifications/initialized', { id: undefined });

it.each([
  ['the list of tools', 'GET /tools', undefined, 200],
  ['a tool', 'GET /tools/echo', undefined, 200],
  ['a tool that is none', 'GET /tools/nope', undefined, 404],
  ['the document', 'GET /openapi.json', undefined, 200],
  ['a call of no tool', 'POST /execute', { tool_name: 'nope' }, 404],
  ['a call with wrong arguments', 'POST /execute', { tool_name: 'echo', arguments: 7 }, 422],
  ['no call', 'POST /execute', 7, 400],
  ['no call of a tool', 'POST /tools/echo/execute', { none: 1 }, 400],
  ['no message', 'POST /mcp', 7, 400],
  ['too large a message', 'POST /mcp', rpc('x'.repeat(100_000)), 413],
  ['a wrong initialize', 'POST /mcp', rpc('initialize'), 400],
  ['a list without a session', 'POST /mcp', rpc('tools/list'), 400],
  ['a ping without its headers', 'POST /mcp', rpc('ping', { params: { _meta: META } }), 400],
  ['a notification', 'POST /mcp', NOTIFICATION, 400],
  ['an answer to nothing', 'POST /mcp', { jsonrpc: '2.0', id: 'never asked', result: {} }, 400],
  ['a stream without a session', 'GET /mcp', undefined, 405],
  ['the end of no session', 'DELETE /mcp', undefined, 405],
])('%s takes from the quota, whatever the answer', async (_what, line, message, status) => {
  const body = JSON.stringify(message) as string | undefined;
  const client = newClient();
  const first = await ask(server.url, line, client, body);
  const second = await ask(server.url, line, client, body);
  expect([first.status, second.status]).toEqual([status, status]);
  const refused = await ask(server.url, line, client, body);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
  expect(refused.body).toContain('"rate_limited"');
  expect((await ask(server.url, line, newClient(), body)).status).toBe(status);
});

it('probes, metrics and the status page take nothing from it', async () => {
  const client = newClient();
  for (const path of ['/livez', '/readyz', '/metrics', '/'])
    for (let count = 0; count < 3; count += 1)
      expect((await ask(server.url, `GET ${path}`, client)).status).toBe(200);
  expect((await ask(server.url, 'GET /tools', client)).status).toBe(200);
});

it('what comes beyond it is not parsed, where it is large', async () => {
  const client = newClient();
  const call = JSON.stringify({ tool_name: 'echo', arguments: { text: 'x'.repeat(100_000) } });
  const parsing = vi.spyOn(JSON, 'parse');
  onTestFinished(() => {
    parsing.mockRestore();
  });
  const statuses = [];
  for (let count = 0; count < 4; count += 1)
    statuses.push((await ask(server.url, 'POST /execute', client, call)).status);
  expect(statuses).toEqual([200, 200, 429, 429]);
  expect(parsing.mock.calls.filter(([text]) => text === call)).toHaveLength(2);
});

it('a call of a tool that the caller may not use takes from it', async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  writeFileSync(tokensFile, '- {name: narrow, token: the-token-of-one-client, tools: [add]}\n');
  const narrow = await startTestServer({ auth: { tokensFile }, limits: { ...RATE, burst: 2 } });
  onTestFinished(() => void narrow.stop());
  const headers = { authorization: 'Bearer the-token-of-one-client' };
  const reasons = [];
  for (const tool of ['echo', 'echo', 'echo', 'add'])
    reasons.push((await narrow.execute(tool, {}, { headers })).body.reason);
  expect(reasons.slice(2)).toEqual(['rate_limited', 'rate_limited']);
  expect(reasons.slice(0, 2)).not.toContain('rate_limited');
});

it('every message of a batch takes from it', async () => {
  const wide = await startTestServer({ limits: { ...RATE, burst: 10 } });
  onTestFinished(() => void wide.stop());
  const clientInfo = { name: 'batching', version: '1' };
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo };
  const post = async (body: unknown, session?: string) =>
    ask(wide.url, 'POST /mcp', { ...newClient(), 'mcp-session-id': session }, JSON.stringify(body));
  const session = (await post(rpc('initialize', { params }))).headers.get('mcp-session-id') ?? '';
  expect((await post(Array(8).fill(NOTIFICATION), session)).status).toBe(202);
  expect((await post([NOTIFICATION, NOTIFICATION], session)).status).toBe(429);
  expect((await post(rpc('ping'), session)).status).toBe(429);
});
