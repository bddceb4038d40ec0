import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answer, RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { call, openSession, post } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { isIn, UNHURRIED } from './state-now.ts';

const upstream = new RawUpstream();
let server: TestServer;
let relay: string;

beforeAll(async () => {
  const url = await upstream.listen();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      server: { streamKeepAliveSeconds: 0.05 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url, timeoutSeconds: 30, tools: { exclude: ['left_out'] } }],
    },
    undefined,
    UNHURRIED,
  );
  relay = `${server.url}/servers/raw`;
  await isIn(server, 'up');
});

afterEach(() => {
  upstream.behaviour = {};
});

afterAll(async () => {
  // What is in flight would hold it up.
  expect(await server.stop()).toBe(true);
  await upstream.close();
});

const nothingIsInFlight = (): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    const inFlight = samples.select('mcp_tool_calls_in_flight').map(({ value }) => value);
    expect(inFlight.filter((count) => count !== 0)).toEqual([]);
    const sum = (name: string, labels = {}): number =>
      samples.select(name, labels).reduce((total, { value }) => total + value, 0);
    expect(sum('mcp_tool_errors_total')).toBe(sum('mcp_tool_calls_total', { status: 'error' }));
  });

const calls = (): number => upstream.count('tools/call');

describe('a client of a relay', () => {
  it.each([{ toString: 1 }, null, 5, ['works'], undefined])(
    'that calls a tool by the name %j is answered, and nothing of it stays in flight',
    async (name) => {
      const before = calls();
      const response = await post(relay, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: 1 });
      expect(calls() - before).toBeLessThanOrEqual(1);
      await nothingIsInFlight();
    },
  );

  it.each([
    [{ id: null }, 'works'],
    [{ id: true }, 'works'],
    [{ id: [1] }, 'left_out'],
    [{}, 'left_out'],
  ])('cannot call a tool by a message with %j that is no request', async (id, name) => {
    const before = calls();
    const message = { jsonrpc: '2.0', ...id, method: 'tools/call', params: { name } };
    for (const body of [message, [call(1, 'works'), message]])
      expect((await post(relay, body)).status).toBe(400);
    expect(calls()).toBe(before);
  });

  it('cannot call a tool that is left out by writing its name in a way that parsers read in two', async () => {
    const before = calls();
    const send = (body: string): Promise<Response> =>
      fetch(`${relay}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body,
      });
    const twin = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"works","Name":"left_out"}}';
    expect((await send(twin)).status).toBe(400);
    expect(calls()).toBe(before);
    const twice =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"left_out","name":"works"}}';
    let text = '';
    upstream.behaviour = {
      'tools/call': (message, response) => {
        text = JSON.stringify(message);
        upstream.usual(message, response);
      },
    };
    expect((await send(twice)).status).toBe(200);
    expect(text).not.toContain('left_out');
  });

  it('may write a slash behind the address, and is answered as ever', async () => {
    const at = (method: string, address: string) =>
      fetch(address, { method, headers: { accept: 'application/json, text/event-stream' } });
    for (const address of [`${relay}/mcp/`, `${server.url}/mcp/`]) {
      const refused = await at('PATCH', address);
      expect(refused.status).toBe(405);
      expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', error: {} });
    }
    const unknown = await at('GET', `${server.url}/servers/nobody/mcp/`);
    expect(await unknown.json()).toMatchObject({ jsonrpc: '2.0', error: {} });
  });

  it('is told of a tool that is left out by an error, and not that its session is gone', async () => {
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'theirs');
        upstream.usual(message, response);
      },
    };
    const session = await openSession(relay);
    const response = await post(relay, call(7, 'left_out'), session);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: 7, error: { code: -32_602 } });
  });

  it('is not sent back an id that is as long as a book', async () => {
    const response = await post(relay, call('x'.repeat(100_000), 'left_out'));
    expect((await response.text()).length).toBeLessThan(1000);
  });
});

describe('an upstream, by a relay,', () => {
  const says =
    (error: object): Behaviour =>
    ({ id }, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, error }));

  it.each([{ code: { valueOf: 1 }, message: 'x' }, { code: 1, message: { toString: 1 } }, {}])(
    'that answers with the error %j has the call counted',
    async (error) => {
      upstream.behaviour = { 'tools/call': says(error) };
      const response = await post(relay, call(1, 'works'));
      expect(await response.json()).toMatchObject({ error });
      await nothingIsInFlight();
    },
  );

  it('that says how long its stream is says so to us alone: more is said in it', async () => {
    upstream.behaviour = {
      'tools/call': ({ id }, response) => {
        const text = `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`;
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': text.length });
        response.flushHeaders();
        setTimeout(() => response.end(text), 200);
      },
    };
    const response = await post(relay, call(1, 'works'));
    expect(response.headers.get('content-length')).toBeNull();
    const text = await response.text();
    expect(text).toContain(': keepalive');
    expect(text).toContain('"content":[]');
  });

  it.each([
    [200, {}],
    [200, { 'content-type': 'text/plain' }],
    [202, {}],
    [204, {}],
  ])('that answers a request with %i %j is said to have given no answer', async (status, headers) => {
    upstream.behaviour = { 'tools/call': (_message, response) => response.writeHead(status, headers).end() };
    const response = await post(relay, call(1, 'works'));
    expect(response.status).toBe(503);
    expect(JSON.stringify(await response.json())).toContain(`HTTP ${status} without an answer`);
    await nothingIsInFlight();
  });

  it.each(['600', '999', '000'])(
    'that answers with the status %s is said to, in every form',
    async (status) => {
      upstream.behaviour = {
        'tools/call': (_message, response) => {
          response.socket?.end(`HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n`);
        },
      };
      const relayed = await post(relay, call(1, 'works'));
      expect(relayed.status).toBe(503);
      expect(await relayed.json()).toMatchObject({ id: 1, error: { data: { reason: 'unavailable' } } });
      const { status: byRest, body } = await server.execute('raw_works');
      expect([byRest, body.reason]).toEqual([503, 'unavailable']);
      await nothingIsInFlight();
      upstream.behaviour = {};
      await isIn(server, 'up');
    },
  );

  it('has no page of its own shown as ours', async () => {
    const page = '<script>alert(1)</script>';
    upstream.behaviour = {
      any: (_message, response) => response.writeHead(404, { 'content-type': 'text/html' }).end(page),
    };
    const response = await fetch(`${relay}/mcp`, { headers: { accept: 'text/event-stream' } });
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    await response.text();
    upstream.behaviour = {};
    await isIn(server, 'up');
  });

  it.each(['application/json', 'text/event-stream'])(
    'that sends its %s byte by byte is read in one place',
    async (type) => {
      const result = { content: [{ type: 'text', text: 'ä'.repeat(2000) }] };
      upstream.behaviour = {
        'tools/call': async ({ id }, response) => {
          response.writeHead(200, { 'content-type': type });
          const json = JSON.stringify({ jsonrpc: '2.0', id, result });
          const bytes = Buffer.from(type === 'application/json' ? json : `data: ${json}\n\n`);
          for (let index = 0; index < bytes.length; index += 1) {
            if (!response.write(bytes.subarray(index, index + 1))) await once(response, 'drain');
          }
          response.end();
        },
      };
      const before = await server.scrape();
      const text = await (await post(relay, call(1, 'works'))).text();
      expect(text).toContain('ä'.repeat(2000));
      await waitFor(async () => {
        const after = await server.scrape();
        const labels = { tool_name: 'raw_works', status: 'success' };
        expect(after.value('mcp_tool_calls_total', labels)).toBe(
          (before.value('mcp_tool_calls_total', labels) ?? 0) + 1,
        );
      });
    },
  );

  it.each(['unavailable', 'timeout', 'overloaded', 'cancelled'])(
    'that is not trusted fools nobody here with the reason %s, and its client reads what it says',
    async (reason) => {
      const result = {
        content: [{ type: 'text', text: 'no' }],
        isError: true,
        _meta: { 'nexus-mcp/failure': { reason, retryable: true } },
      };
      const before = await server.scrape();
      upstream.behaviour = { 'tools/call': (message, response) => answer(response, message, result) };
      expect(await (await post(relay, call(1, 'works'))).json()).toMatchObject({ result });
      // Nor by a success that says that it failed.
      const success = { ...result, isError: false };
      upstream.behaviour = { 'tools/call': (message, response) => answer(response, message, success) };
      expect(await (await post(relay, call(2, 'works'))).json()).toMatchObject({ result: success });
      await nothingIsInFlight();
      const after = await server.scrape();
      const more = (name: string, labels: object): number =>
        (after.value(name, { tool_name: 'raw_works', ...labels }) ?? 0) -
        (before.value(name, { tool_name: 'raw_works', ...labels }) ?? 0);
      expect(more('mcp_tool_errors_total', { reason })).toBe(0);
      expect(more('mcp_tool_errors_total', { reason: 'tool_error' })).toBe(1);
      expect(more('mcp_tool_calls_total', { status: 'success' })).toBe(1);
      expect(after.value('mcp_upstream_state', { upstream: 'raw', state: 'up' })).toBe(1);
    },
  );

  it('that sends what is no HTTP is said to', async () => {
    upstream.behaviour = {
      'tools/call': (_message, response) => response.socket?.end('SMTP ready\r\n\r\n'),
    };
    const response = await post(relay, call(1, 'works'));
    expect(JSON.stringify(await response.json())).toContain('its answer is not HTTP');
  });
});
