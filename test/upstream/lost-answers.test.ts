import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const upstream = new RawUpstream();
let server: TestServer;

/** With a session for each that asks. */
let sessions = 0;
const initialize: Behaviour = (message, response) => {
  response.setHeader('mcp-session-id', `session-${(sessions += 1)}`);
  upstream.usual(message, response);
};
const never: Behaviour = () => undefined;
/** A stream that ends before its answer, whose rest can be asked for. */
const breaksOff: Behaviour = (_message, response) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: e1\nretry: 0\ndata:\n\n');

const isUp = (): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'raw', state: 'up' })).toBe(1);
  });

beforeAll(async () => {
  upstream.behaviour = { initialize, 'notifications/initialized': never };
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url: await upstream.listen(), timeoutSeconds: 10 }],
    },
    undefined,
    { silence: 3600, silenceIfIll: 0.05, answer: 1, again: 0.05, calm: 0 },
  );
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
});

it('a greeting that an upstream does not take is said again, and its session is ended', async () => {
  await waitFor(() => {
    expect(upstream.count('notifications/initialized')).toBeGreaterThan(1);
    expect(upstream.count('DELETE')).toBeGreaterThan(0);
  });
  upstream.behaviour = { initialize };
  await isUp();
});

it('a caller whose session could not be opened has one when the upstream is well again', async () => {
  upstream.behaviour = { initialize, 'notifications/initialized': never };
  expect((await server.execute('raw_works')).body.reason).toMatch(/unavailable|timeout/);
  upstream.behaviour = { initialize };
  await waitFor(async () => {
    expect((await server.execute('raw_works')).body.status).toBe('success');
  });
});

it('a call whose answer broke off is not made again, though the session is gone', async () => {
  await waitFor(async () => {
    expect((await server.execute('raw_works')).body.status).toBe('success');
  });
  const before = upstream.count('tools/call');
  upstream.behaviour = {
    initialize,
    'tools/call': breaksOff,
    GET: (_message, response, request) =>
      response.writeHead(request.headers['last-event-id'] === undefined ? 405 : 404).end(),
  };
  const { body } = await server.execute('raw_works');
  expect(body.reason).toBe('unavailable');
  expect(body.detail).toMatch(/before the end/);
  expect(upstream.count('tools/call') - before).toBe(1);
  upstream.behaviour = { initialize };
});

it('an answer is asked for again at a bounded pace', async () => {
  const asked: number[] = [];
  upstream.behaviour = {
    initialize,
    'tools/call': breaksOff,
    GET: (_message, response, request) => {
      if (request.headers['last-event-id'] === undefined) return response.writeHead(405).end();
      asked.push(performance.now());
      if (asked.length > 5) return response.writeHead(404).end();
      return response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`id: e1-${asked.length}\nretry: 0\ndata:\n\n`);
    },
  };
  await server.execute('raw_works');
  const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? at));
  expect(asked.length).toBe(6);
  expect(Math.min(...pauses)).toBeGreaterThan(150);
});

it.each([
  ['HTTP 408', 408],
  ['HTTP 429', 429],
  ['HTTP 503', 503],
])('an answer that the upstream does not go on with now is asked for again: %s', async (_what, status) => {
  const asked: number[] = [];
  upstream.behaviour = {
    initialize,
    'tools/call': breaksOff,
    GET: (_message, response, request) => {
      if (request.headers['last-event-id'] === undefined) return response.writeHead(405).end();
      asked.push(performance.now());
      if (asked.length < 2) return response.writeHead(status, { 'retry-after': '1' }).end();
      const { id } = upstream.received.findLast(({ method }) => method === 'tools/call') ?? {};
      const result = { content: [{ type: 'text', text: 'late' }] };
      return response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`id: e2\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    },
  };
  const before = upstream.count('tools/call');
  expect((await server.execute('raw_works')).body.status).toBe('success');
  expect(upstream.count('tools/call') - before).toBe(1);
  const [first = 0, second = 0] = asked;
  expect(second - first).toBeGreaterThan(950);
});

it('an answer that the upstream never goes on with is given up', async () => {
  let asked = 0;
  upstream.behaviour = {
    initialize,
    'tools/call': breaksOff,
    GET: (_message, response, request) => {
      if (request.headers['last-event-id'] === undefined) return response.writeHead(405).end();
      asked += 1;
      return response.writeHead(429).end();
    },
  };
  const { body } = await server.execute('raw_works');
  expect(body.detail).toMatch(/before the end/);
  expect(asked).toBe(3);
});
