import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask, type RawAnswer } from './raw-client.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { callsPerSecond: 0 } });
});
afterAll(() => server.stop());

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const initialize = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  },
};

interface Message {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const json = { 'content-type': 'application/json' };

const post = (
  { method, params }: Message,
  accept: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> =>
  ask(
    server.url,
    'POST /mcp',
    { ...json, accept, ...headers },
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  );

/** Makes a request of the stateless era. */
const modern = ({ method, params }: Message, accept: string | undefined): Promise<RawAnswer> =>
  post({ method, params: { ...params, _meta: META } }, accept, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
  });

const list: Message = { method: 'tools/list', params: {} };
const counts: Message = { method: 'tools/call', params: { name: 'counts', arguments: {} } };
const echo: Message = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hi' } } };

/** Headers that allow both JSON and event streams (RFC 9110, section 12.5.1). */
const BOTH = [
  undefined,
  '*/*',
  '*/*;q=0.1',
  'application/*, text/*',
  'application/json, text/event-stream',
  'text/event-stream,application/json',
  'Text/Event-Stream, APPLICATION/JSON',
  'application/json;q=0.5, text/event-stream;q=0.9',
  'application/json; charset=utf-8, text/event-stream',
  'application/json , text/event-stream ;q=1',
  'text/html, application/*;q=0.2, */*;q=0.1',
  'application/xml;q=0, */*',
];

describe.each(BOTH)('Accept: %s', (accept) => {
  it('begins a session, in which a tool is called and the server is listened to', async () => {
    const opened = await post(initialize, accept);
    expect(opened.status).toBe(200);
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    expect((await post(echo, accept, session)).body).toContain('hi');
    const headers = { ...session, ...(accept !== undefined && { accept }) };
    // Without a header of its own, fetch sends */*.
    const stream = await fetch(`${server.url}/mcp`, { headers });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    await stream.body?.cancel();
  });

  it('is served in the stateless era', async () => {
    expect((await modern(echo, accept)).status).toBe(200);
    expect((await modern(list, accept)).status).toBe(200);
  });
});

describe('a session', () => {
  it.each([
    ['application/json', /text\/event-stream/, /application\/json/],
    ['application/*', /text\/event-stream/, /application\/json/],
    ['application/json, text/event-stream;q=0', /text\/event-stream/, /application\/json/],
    ['*/*, text/event-stream;q=0', /text\/event-stream/, /application\/json/],
    ['text/event-stream', /application\/json/, /event-stream/],
    ['text/*', /application\/json/, /event-stream/],
    ['application/json;q=0.0, */*', /application\/json/, /event-stream/],
    ['text/html', /application\/json and text\/event-stream/, /^$/],
    ['application/jsonp, text/event-streams', /application\/json and text\/event-stream/, /^$/],
  ])('cannot begin with Accept: %s, and the refusal names what is missing', async (accept, names, not) => {
    const { status, body } = await post(initialize, accept);
    expect(status).toBe(406);
    const { error, id } = JSON.parse(body) as { error: { code: number; message: string }; id: unknown };
    expect([error.code, id]).toEqual([-32600, 1]);
    expect(error.message).toMatch(names);
    expect(error.message).not.toMatch(not);
  });

  it('is listened to with event streams only', async () => {
    const opened = await post(initialize, '*/*');
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    const { status, body } = await ask(server.url, 'GET /mcp', { ...session, accept: 'application/json' });
    expect(status).toBe(406);
    expect(body).toMatch(/text\/event-stream/);
  });
});

describe('the stateless era', () => {
  it.each([counts, echo, list])(
    'answers in JSON a client that takes nothing else: $method',
    async (message) => {
      const progress = { ...message, params: { ...message.params } };
      const { status, headers, body } = await modern(progress, 'application/json');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json');
      expect(JSON.parse(body)).toMatchObject({ id: 1, result: {} });
    },
  );

  it('does so although the tool reports its progress', async () => {
    const params = { ...counts.params, _meta: { ...META, progressToken: 1 } };
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'counts',
    };
    const streamed = await post({ ...counts, params }, '*/*', headers);
    expect(streamed.headers.get('content-type')).toBe('text/event-stream');
    expect(streamed.body).toContain('notifications/progress');
    const plain = await post({ ...counts, params }, 'application/json', headers);
    expect(plain.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(plain.body)).toMatchObject({ result: { content: [{ text: 'counted' }] } });
  });

  it.each([
    ['text/html', /application\/json/],
    ['text/event-stream', /application\/json/],
    ['application/json;q=0, */*', /application\/json/],
  ])('refuses what it could not answer: %s', async (accept, names) => {
    for (const message of [echo, list]) {
      const { status, body } = await modern(message, accept);
      expect(status).toBe(406);
      expect(JSON.parse(body)).toMatchObject({
        error: { code: -32600, message: expect.stringMatching(names) as string },
        id: 1,
      });
    }
  });

  it('refuses to be listened to by who takes no event streams', async () => {
    const listen = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } };
    expect((await modern(listen, '*/*')).status).toBe(200);
    const { status, body } = await modern(listen, 'application/json');
    expect(status).toBe(406);
    expect(body).toMatch(/text\/event-stream/);
  });
});

describe('/metrics', () => {
  it.each([
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['application/*', 'application/openmetrics-text'],
    ['application/*;q=0.9, text/plain;q=0.1', 'application/openmetrics-text'],
    ['text/*, application/openmetrics-text;q=0.5', 'text/plain'],
    ['*/*;q=0.8, application/openmetrics-text;q=0.5', 'text/plain'],
    ['application/openmetrics-text;version=1.0.0, */*;q=0.1', 'application/openmetrics-text'],
    ['Application/OpenMetrics-Text, Text/Plain;Q=0.5', 'application/openmetrics-text'],
    ['text/html', 'text/plain'],
  ])('is written as the scraper prefers: %s', async (accept, type) => {
    const { status, headers } = await ask(server.url, 'GET /metrics', { accept });
    expect(status).toBe(200);
    expect(headers.get('content-type')?.split(';')[0]).toBe(type);
  });
});

describe('REST', () => {
  it.each(['GET /tools', 'GET /tools/echo', 'GET /openapi.json', 'GET /livez'])(
    'has one form, which it answers in whatever is asked for: %s',
    async (line) => {
      for (const accept of [undefined, '*/*', 'application/*', 'APPLICATION/JSON;q=0.1', 'text/html']) {
        const { status, headers } = await ask(server.url, line, { accept });
        expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([200, 'application/json']);
      }
    },
  );

  it.each([
    ['text/html', 'text/html'],
    ['TEXT/*;q=0.5', 'text/html'],
    ['text/html, application/json;q=0.9', 'text/html'],
    ['*/*', 'application/json'],
    ['text/html;q=0.2, application/*;q=0.3', 'application/json'],
  ])('the page at / is for who prefers it: %s', async (accept, type) => {
    const { headers } = await ask(server.url, 'GET /', { accept });
    expect(headers.get('content-type')?.split(';')[0]).toBe(type);
  });
});
