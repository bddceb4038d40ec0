import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { callsPerSecond: 0 } });
});
afterAll(() => server.stop());

const ROUNDS = 100;

const random = (): string => Math.random().toString(36).slice(2);

/** One request with a tool name, method, path and protocol version nobody has seen before. */
const ATTACKS: readonly (() => Promise<Response>)[] = [
  () => rest('/execute', { tool_name: random(), arguments: {} }),
  () => rest(`/tools/${random()}/execute`, {}),
  () => fetch(`${server.url}/${random()}`),
  () => fetch(`${server.url}/tools/${random()}`),
  () => fetch(`${server.url}/tools`, { method: `X${random().toUpperCase().replace(/\d/g, '')}` }),
  () => mcp('tools/call', '2026-07-28', { name: random(), arguments: {} }),
  () => mcp(random(), '2026-07-28', {}),
  () => mcp('tools/list', random(), {}),
  () => initialize(random()),
  () => fetch(`${server.url}/mcp`, { headers: { 'mcp-session-id': random(), accept: 'text/event-stream' } }),
];

const rest = (path: string, body: unknown): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

function mcp(method: string, version: string, params: Record<string, unknown>): Promise<Response> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: random(), version: random() },
  };
  return fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': method,
      ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: random(), method, params: { ...params, _meta } }),
  });
}

async function initialize(protocolVersion: string): Promise<Response> {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: random(), version: random() } };
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  const session = response.headers.get('mcp-session-id');
  if (session) {
    await fetch(`${server.url}/mcp`, { method: 'DELETE', headers: { 'mcp-session-id': session } });
  }
  return response;
}

async function attack(times: number): Promise<void> {
  for (let round = 0; round < times; round += 1) {
    const responses = await Promise.all(ATTACKS.map((each) => each()));
    await Promise.all(responses.map((response) => response.arrayBuffer()));
  }
}

/** All series but Node's own of garbage collections and active resources, which appear with the first of each kind. */
async function series(): Promise<readonly string[]> {
  const { all } = await server.scrape();
  return all
    .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
    .filter((each) => !/^nodejs_(gc|active)/.test(each));
}

it('keeps its series when 1 000 requests carry random names, methods, paths and versions', async () => {
  // The first of each kind may create the series of its kind: `unknown`, `other`, `unmatched`.
  await attack(3);
  await server.scrape();
  const before = await series();
  // Five times as many values as any label of the server admits before it folds.
  await attack(ROUNDS);
  const after = await server.scrape();
  expect((await series()).filter((each) => !before.includes(each))).toEqual([]);
  expect(after.value('mcp_metrics_samples')).toBeLessThan(after.value('mcp_metrics_samples_limit') ?? 0);
  expect(
    after.value('mcp_tool_calls_total', { tool_name: 'unknown', status: 'error' }),
  ).toBeGreaterThanOrEqual(3 * ROUNDS);
});
