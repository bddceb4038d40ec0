import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { answerOn, ask, refuseInternals, requestBytes, sendBytes, type RawAnswer } from './raw-client.ts';

/** Every route but probes, with a request that it would serve. */
const ROUTES: readonly (readonly [line: string, body: string])[] = [
  ['GET /', ''],
  ['GET /tools', ''],
  ['GET /tools/echo', ''],
  ['POST /execute', '{"tool_name":"echo","arguments":{"text":"hi"}}'],
  ['POST /tools/echo/execute', '{"arguments":{"text":"hi"}}'],
  ['GET /openapi.json', ''],
  ['GET /metrics', ''],
  [
    'POST /mcp',
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},' +
      '"clientInfo":{"name":"test","version":"1"}}}',
  ],
];

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

function expectForbidden({ status, body }: RawAnswer, line: string, says: RegExp): void {
  expect(status, line).toBe(403);
  refuseInternals(body);
  const detail = expect.stringMatching(says) as string;
  expect(JSON.parse(body)).toEqual(
    line.endsWith('/mcp')
      ? { jsonrpc: '2.0', error: { code: -32600, message: detail }, id: null }
      : { error: 'Forbidden', detail, tool_name: null, reason: null },
  );
}

describe.each(ROUTES)('%s', (line, body) => {
  it('is served to a request that names this machine', async () => {
    const [method = '', path = ''] = line.split(' ');
    const init = { method, headers: json, ...(body !== '' && { body }) };
    expect((await fetch(`${server.url}${path}`, init)).status).toBe(200);
  });

  it('is refused to a page that rebound its own name to this machine', async () => {
    const headers = { ...json, host: 'evil.example', origin: 'http://evil.example' };
    expectForbidden(await ask(server.url, line, headers, body), line, /server\.allowedHosts/);
  });

  it('is refused to a page of another site that knows the address', async () => {
    const headers = { ...json, origin: 'https://evil.example' };
    expectForbidden(await ask(server.url, line, headers, body), line, /server\.allowedOrigins/);
  });

  it('is refused to a sandboxed page (Origin: null)', async () => {
    const headers = { ...json, origin: 'null' };
    expectForbidden(await ask(server.url, line, headers, body), line, /server\.allowedOrigins/);
  });
});

it('runs no tool for a request it refuses', async () => {
  const before = (await server.scrape()).value('mcp_tool_calls_total');
  const [line, body] = ROUTES[3] ?? ['', ''];
  await ask(server.url, line, { ...json, host: 'evil.example' }, body);
  await ask(server.url, line, { ...json, origin: 'null' }, body);
  expect((await server.scrape()).value('mcp_tool_calls_total')).toBe(before);
});

describe('Host', () => {
  it.each([
    'localhost',
    'localhost:9999',
    'LOCALHOST:1',
    '127.0.0.1',
    '127.0.0.1:9999',
    '[::1]',
    '[::1]:9999',
    '10.1.2.3',
    '10.1.2.3:9999',
    '192.0.2.1:80',
    '[2001:db8::1]:9999',
    '[::ffff:10.1.2.3]',
  ])('%s passes: no page can rebind it', async (host) => {
    expect((await ask(server.url, 'GET /tools', { host })).status).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:9999',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1.nip.io',
    'localhost:9999.evil.example',
    'localhost@evil.example',
    'xn--lcalhost-54a',
    '1.2.3',
    '999.1.1.1',
    '[::1',
    '::1',
    '[::1]x',
    'local host',
    ':9999',
    '',
    '*',
  ])('%j does not', async (host) => {
    const answer = await ask(server.url, 'GET /tools', { host });
    // Shorthand such as 1.2.3 is an address too.
    if (host === '1.2.3') expect(answer.status).toBe(200);
    else expectForbidden(answer, 'GET /tools', /server\.allowedHosts/);
  });

  it('is needed: HTTP/1.1 demands one, and HTTP/1.0 gets no further without', async () => {
    expect((await ask(server.url, 'GET /tools', { host: undefined })).status).toBe(400);
    const old = await sendBytes(server.url, 'GET /tools HTTP/1.0\r\n\r\n');
    expectForbidden(old, 'GET /tools', /server\.allowedHosts/);
    expect((await sendBytes(server.url, 'GET /tools HTTP/1.0\r\nHost: localhost\r\n\r\n')).status).toBe(200);
  });

  it('decides, not the authority in the request line', async () => {
    const answer = await ask(server.url, 'GET http://localhost/tools', { host: 'evil.example' });
    expectForbidden(answer, 'GET /tools', /server\.allowedHosts/);
  });
});

describe('Origin', () => {
  it.each([
    'http://localhost',
    'http://localhost:5173',
    'https://localhost',
    'http://127.0.0.1:80',
    'http://[::1]:1',
  ])('%s passes', async (origin) => {
    expect((await ask(server.url, 'GET /tools', { origin })).status).toBe(200);
  });

  it.each([
    'http://evil.example',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'http://10.1.2.3',
    'http://localhost, http://evil.example',
    'http://evil.example http://localhost',
    'localhost',
    'null',
    '*',
    '',
  ])('%j does not', async (origin) => {
    expectForbidden(await ask(server.url, 'GET /tools', { origin }), 'GET /tools', /server\.allowedOrigins/);
  });
});

describe('with names of its own', () => {
  let named: TestServer;
  beforeAll(async () => {
    named = await startTestServer({
      server: {
        allowedHosts: ['MCP.example.com', 'nexus-mcp.tools.svc', '*.Agents.example'],
        allowedOrigins: ['https://app.example.com'],
      },
    });
  });
  afterAll(() => named.stop());

  it.each([
    'mcp.example.com',
    'MCP.EXAMPLE.COM:443',
    'nexus-mcp.tools.svc:9999',
    'localhost',
    '10.0.0.1',
    'a.agents.example',
    'A.B.Agents.example:8443',
  ])('answers for %s', async (host) => {
    expect((await ask(named.url, 'GET /tools', { host })).status).toBe(200);
  });

  it.each([
    'example.com',
    'x.mcp.example.com',
    'mcp.example.com.evil.example',
    'nexus-mcp',
    'agents.example',
    'notagents.example',
    'a.agents.example.evil.example',
  ])('does not answer for %s', async (host) => {
    expectForbidden(await ask(named.url, 'GET /tools', { host }), 'GET /tools', /server\.allowedHosts/);
  });

  it('lets pages of an allowed origin through, and of no other scheme, port or host', async () => {
    const status = async (origin: string): Promise<number> =>
      (await ask(named.url, 'GET /tools', { host: 'mcp.example.com', origin })).status;
    expect(await status('https://app.example.com')).toBe(200);
    expect(await status('http://localhost:3000')).toBe(200);
    for (const origin of [
      'http://app.example.com',
      'https://app.example.com:8443',
      'http://mcp.example.com:8443',
      'null',
    ])
      expect(await status(origin), origin).toBe(403);
  });
});

describe('with allowedHosts: *', () => {
  it('answers for any name, and still looks at the origin', async () => {
    const open = await startTestServer({ server: { allowedHosts: ['*'] } });
    try {
      for (const host of ['anything.example', 'localhost', 'a b'])
        expect((await ask(open.url, 'GET /tools', { host })).status).toBe(200);
      expect((await ask(open.url, 'GET /tools', { host: undefined })).status).toBe(400);
      expect(
        (await ask(open.url, 'GET /tools', { host: 'a.example', origin: 'http://a.example' })).status,
      ).toBe(403);
    } finally {
      await open.stop();
    }
  });
});

it('listens on IPv6 and takes its address for a Host', async () => {
  const six = await startTestServer({ server: { host: '::1' } });
  try {
    const socket = connect({ host: '::1', port: Number(new URL(six.url).port) });
    socket.write(requestBytes('GET /tools', { host: `[::1]:${new URL(six.url).port}` }));
    expect((await answerOn(socket)).status).toBe(200);
  } finally {
    await six.stop();
  }
});
