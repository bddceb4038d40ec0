import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { answerOn, ask, dial, requestBytes } from './raw-client.ts';

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
  ['an empty batch', 'POST /mcp', [], 400],
  ['a batch of notifications', 'POST /mcp', [NOTIFICATION], 400],
  ['a stream without a session', 'GET /mcp', undefined, 405],
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

it.each([
  ['a notification', 'POST /mcp', NOTIFICATION, 400],
  ['an answer to nothing', 'POST /mcp', { jsonrpc: '2.0', id: 'never asked', result: {} }, 400],
  ['a refusal of nothing', 'POST /mcp', { jsonrpc: '2.0', id: 'never asked', error: { code: 1 } }, 400],
  ['the end of no session', 'DELETE /mcp', undefined, 405],
])('%s takes from the quota, and passes beyond it', async (_what, line, message, status) => {
  const body = JSON.stringify(message) as string | undefined;
  const client = newClient();
  for (let count = 0; count < 3; count += 1)
    expect((await ask(server.url, line, client, body)).status).toBe(status);
  expect((await ask(server.url, 'GET /tools', client)).status).toBe(429);
});

it('what ends a call passes beyond it: an answer to a question, a cancellation, the end of the session', async () => {
  const asking = await startTestServer({ server: { trustedProxies: 1 }, limits: { ...RATE, burst: 6 } });
  onTestFinished(() => void asking.stop());
  const client = newClient();
  const post = async (body: unknown, session?: string) =>
    ask(asking.url, 'POST /mcp', { ...client, 'mcp-session-id': session }, JSON.stringify(body));
  const params = {
    ...{ protocolVersion: '2025-11-25', clientInfo: { name: 'asked', version: '1' } },
    capabilities: { elicitation: { form: {} } },
  };
  const session = (await post(rpc('initialize', { params }))).headers.get('mcp-session-id') ?? '';
  const call = (id: number) =>
    post(rpc('tools/call', { id, params: { name: 'asks', arguments: {} } }), session);
  const errors = async (reason: string) =>
    (await asking.scrape()).value('mcp_tool_errors_total', { tool_name: 'asks', reason }) ?? 0;
  const inFlight = (count: number) =>
    waitFor(async () => {
      const samples = await asking.scrape();
      expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'asks' })).toBe(count);
    });

  const calls = [call(1), call(2), call(3)];
  await inFlight(3);
  expect((await post(rpc('ping', { id: 4 }), session)).status).toBe(200);
  expect((await post(rpc('ping', { id: 5 }), session)).status).toBe(200);
  expect((await post(rpc('ping', { id: 6 }), session)).status).toBe(429);

  // The server numbers its questions.
  const answer = { jsonrpc: '2.0', id: 0, result: { action: 'accept', content: { name: 'Ada' } } };
  expect((await post(answer, session)).status).toBe(202);
  await inFlight(2);
  const cancel = rpc('notifications/cancelled', { id: undefined, params: { requestId: 2 } });
  expect((await post(cancel, session)).status).toBe(202);
  await inFlight(1);
  expect((await ask(asking.url, 'DELETE /mcp', { ...client, 'mcp-session-id': session })).status).toBe(200);
  await inFlight(0);
  expect((await Promise.all(calls)).filter(({ body }) => body.includes('Hello Ada'))).toHaveLength(1);
  expect(await errors('cancelled')).toBe(2);
});

it('bodies that arrive at the same time are no more of them parsed than it has room for', async () => {
  const client = newClient();
  const large = JSON.stringify(rpc('tools/list', { params: { text: 'x'.repeat(70_000) } }));
  const parsing = vi.spyOn(JSON, 'parse');
  onTestFinished(() => {
    parsing.mockRestore();
  });
  const headers = { ...client, 'content-length': large.length };
  const sockets = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const socket = await dial(server.url);
      socket.write(requestBytes('POST /mcp', headers, large.slice(0, -1)));
      return socket;
    }),
  );
  // By then the others were seen too.
  await ask(server.url, 'GET /livez');
  for (const socket of sockets) socket.write('}');
  const statuses = await Promise.all(sockets.map(async (socket) => (await answerOn(socket)).status));
  expect(statuses.filter((status) => status === 429)).toHaveLength(4);
  expect(parsing.mock.calls.filter(([text]) => text === large)).toHaveLength(2);
});

it('calls whose headers disagree with their bodies are counted, and refused beyond it', async () => {
  const strict = await startTestServer({ limits: { ...RATE, burst: 2 } });
  onTestFinished(() => void strict.stop());
  const headers = {
    ...newClient(),
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'add' },
  };
  const params = { name: 'echo', arguments: { text: 'hi' }, _meta: META };
  const answers = [];
  for (let count = 0; count < 4; count += 1)
    answers.push(await ask(strict.url, 'POST /mcp', headers, JSON.stringify(rpc('tools/call', { params }))));
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 200, 200]);
  for (const { body } of answers.slice(2)) expect(body).toContain('"rate_limited"');
  const samples = await strict.scrape();
  const sum = (name: string, labels: Record<string, string>): number =>
    samples.all
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      .reduce((total, { value }) => total + value, 0);
  expect(sum('mcp_requests_total', { method: 'tools/call' })).toBe(4);
  expect(sum('mcp_server_operation_duration_seconds_count', {})).toBe(4);
  const errors = { tool_name: 'echo' };
  expect(sum('mcp_tool_errors_total', { ...errors, reason: 'invalid_arguments' })).toBe(2);
  expect(sum('mcp_tool_errors_total', { ...errors, reason: 'rate_limited' })).toBe(2);
  expect(sum('mcp_tool_calls_in_flight', {})).toBe(0);
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
