import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, initialize } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask, type RawAnswer } from './raw-client.ts';

const PAGE = 'https://app.example.com';
const TOKEN = 'a-token-0123456789abcdef';
const RESOURCE = 'https://mcp.example.com/mcp';

const PATHS = [
  '/mcp',
  '/servers/away/mcp',
  '/execute',
  '/tools',
  '/tools/echo',
  '/tools/echo/execute',
  '/openapi.json',
  '/.well-known/oauth-protected-resource/mcp',
  '/',
  '/nowhere',
];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    server: { allowedOrigins: [PAGE, 'null'] },
    auth: { token: TOKEN, resource: RESOURCE, issuers: [{ issuer: 'http://127.0.0.1:9' }] },
    upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
    limits: { callsPerSecond: 0.001, burst: 4 },
  });
});
afterAll(() => server.stop());

const bearer = { authorization: `Bearer ${TOKEN}` };
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const preflight = (path: string, origin: string, headers = '', method = 'POST'): Promise<RawAnswer> =>
  ask(server.url, `OPTIONS ${path}`, {
    origin,
    'access-control-request-method': method,
    ...(headers !== '' && { 'access-control-request-headers': headers }),
  });
const listIn = (headers: Headers, name: string): string[] =>
  (headers.get(name) ?? '').toLowerCase().split(', ');
const ofCors = ({ headers }: RawAnswer): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('what a browser asks before a page of an allowed origin may', () => {
  it.each(PATHS)('is answered at %s, without a token', async (path) => {
    const answer = await preflight(path, PAGE);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(answer.headers.get('vary')).toBe('Origin');
    expect(listIn(answer.headers, 'access-control-allow-methods')).toEqual(['get', 'post', 'delete']);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('allows the headers of MCP in both eras, those of parameters too, and no others', async () => {
    const ofBoth = ['authorization', 'content-type', 'mcp-protocol-version'];
    const ofSessions = ['mcp-session-id', 'last-event-id'];
    const stateless = ['mcp-method', 'mcp-name', 'mcp-param-region'];
    const asked = [...ofBoth, ...ofSessions, ...stateless, 'cookie', 'x-forwarded-for', 'mcp-param-'];
    const { headers } = await preflight('/mcp', PAGE, asked.join(','));
    const allowed = listIn(headers, 'access-control-allow-headers');
    expect(asked.filter((name) => allowed.includes(name))).toEqual([...ofBoth, ...ofSessions, ...stateless]);
  });

  it('costs nothing: no quota, and no failure of credentials', async () => {
    const before = await server.scrape();
    for (let times = 0; times < 20; times += 1) await preflight('/mcp', PAGE);
    const after = await server.scrape();
    for (const name of ['mcp_auth_failures_total', 'mcp_tool_calls_total', 'mcp_requests_total'])
      expect(after.value(name), name).toBe(before.value(name));
    expect((await server.execute('echo', { text: 'x' }, { headers: bearer })).status).toBe(200);
  });
});

describe('a page of an allowed origin', () => {
  it.each([PAGE, 'null'])('of %s reads the answer, its session and why it was refused', async (origin) => {
    const body = JSON.stringify(initialize());
    const opened = await ask(server.url, 'POST /mcp', { ...json, ...bearer, origin }, body);
    expect(opened.status).toBe(200);
    expect(opened.headers.get('mcp-session-id')).not.toBeNull();
    const refused = await ask(server.url, 'POST /mcp', { ...json, origin }, body);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('resource_metadata=');
    for (const { headers } of [opened, refused]) {
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('vary')).toBe('Origin');
      expect(listIn(headers, 'access-control-expose-headers')).toEqual(
        expect.arrayContaining(['mcp-session-id', 'mcp-protocol-version', 'www-authenticate', 'retry-after']),
      );
    }
  });

  it('finds out where to get a token', async () => {
    const answer = await ask(server.url, 'GET /.well-known/oauth-protected-resource', { origin: PAGE });
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(JSON.parse(answer.body)).toMatchObject({ resource: RESOURCE });
  });

  it('reads how long to wait when it asks for too much', async () => {
    const body = JSON.stringify({ tool_name: 'echo', arguments: { text: 'x' } });
    const again = (): Promise<RawAnswer> =>
      ask(server.url, 'POST /execute', { ...json, ...bearer, origin: PAGE }, body);
    let answer = await again();
    for (let times = 0; times < 4 && answer.status !== 429; times += 1) answer = await again();
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
  });
});

describe('a page of another origin', () => {
  it.each(['https://evil.example', 'http://app.example.com', `${PAGE}.evil.example`, `${PAGE}:8443`])(
    'of %s gets no answer to what its browser asks, and reads none',
    async (origin) => {
      for (const answer of [
        await preflight('/mcp', origin),
        await ask(server.url, 'POST /mcp', { ...json, ...bearer, origin }, JSON.stringify(call(1, 'echo'))),
      ]) {
        expect(answer.status).toBe(403);
        expect(ofCors(answer)).toEqual([]);
      }
    },
  );

  it('of localhost, which may ask, reads nothing unless it is named', async () => {
    const before = (await server.scrape()).value('mcp_auth_failures_total', { reason: 'missing' }) ?? 0;
    const answer = await preflight('/mcp', 'http://localhost:5173');
    expect([answer.status, ofCors(answer)]).toEqual([403, []]);
    // It has no token because no preflight has one: nobody failed to authenticate.
    expect((await server.scrape()).value('mcp_auth_failures_total', { reason: 'missing' }) ?? 0).toBe(before);
  });
});

describe('OPTIONS', () => {
  it('that is no such question is a request like others', async () => {
    expect((await ask(server.url, 'OPTIONS /mcp', { origin: PAGE })).status).toBe(401);
    expect((await ask(server.url, 'OPTIONS /tools', { origin: PAGE, ...bearer })).status).toBe(405);
  });
});

it('nothing is said of origins where none is allowed', async () => {
  const closed = await startTestServer();
  const answer = await ask(closed.url, 'GET /tools', { origin: 'http://localhost:5173' });
  await closed.stop();
  expect([answer.status, ofCors(answer), answer.headers.get('vary')]).toEqual([200, [], null]);
});
