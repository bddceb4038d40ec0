import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, connectV1Client } from '../support/clients.ts';
import { FullUpstream } from '../support/full-upstream.ts';
import { RawUpstream, answer, type Behaviour } from '../support/raw-upstream.ts';
import {
  call,
  deleteSession,
  initialize,
  list,
  messagesOf,
  openSession,
  post,
} from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp } from './state-now.ts';

const TOKENS = {
  ada: 'a-token-of-ada-0123',
  bob: 'a-token-of-bob-0123',
  'ada bob': 'a-token-of-both-0123',
  eve: 'a-token-of-eve-0123',
};
const as = (name: keyof typeof TOKENS) => ({ headers: { authorization: `Bearer ${TOKENS[name]}` } });

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const full = new FullUpstream();
const raw = new RawUpstream();
let guarded: TestServer;
let open: TestServer;
let modern: TestServer;
let fullUrl: string;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-'));
  const tokensFile = join(directory, 'tokens.yaml');
  const rights = {
    ada: ['full'],
    bob: ['*'],
    'ada bob': ['*'],
    eve: ['full_test_simple_text', 'calculator'],
  };
  const tokens = Object.entries(TOKENS).map(([name, token]) => ({
    name,
    token,
    tools: rights[name as keyof typeof rights],
  }));
  writeFileSync(tokensFile, JSON.stringify(tokens));
  modern = await startTestServer({ limits: { callsPerSecond: 0 } });
  fullUrl = await full.listen();
  const upstreams = [
    { name: 'full', url: fullUrl, timeoutSeconds: 60 },
    { name: 'modern', url: `${modern.url}/mcp`, timeoutSeconds: 60 },
    { name: 'raw', url: await raw.listen(), timeoutSeconds: 60 },
  ];
  const settings = { tools: { enabled: ['add'] }, upstreams, limits: { callsPerSecond: 0 } };
  [guarded, open] = await Promise.all([
    startTestServer({ ...settings, auth: { tokensFile } }, undefined, PATIENT),
    startTestServer({ ...settings, server: { maxConnections: 4096 } }, undefined, PATIENT),
  ]);
  await Promise.all([guarded, open].map((server) => areUp(server, 'full', 'modern', 'raw')));
});

afterAll(async () => {
  await Promise.all([guarded.stop(), open.stop()]);
  await modern.stop();
  await raw.close();
  full.close();
});

const beginsStream: Behaviour = (_message, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
};

const errorOf = async (response: Response) =>
  ((await response.json()) as { error?: { message: string }; id?: unknown }).error?.message;

describe('who may speak to an upstream', () => {
  it('is a caller who may use all of it, by its name or as all there is', async () => {
    const relay = `${guarded.url}/servers/full`;
    for (const name of ['ada', 'bob'] as const) {
      const { client } = await connectV1Client(relay, as(name));
      expect((await client.listTools()).tools.length).toBeGreaterThan(5);
      await client.close();
    }
    const refused = await post(relay, initialize(), undefined, as('eve'));
    expect(refused.status).toBe(404);
    expect(await errorOf(refused)).toMatch(/at \/mcp/);
    expect((await post(relay, initialize())).status).toBe(401);
  });

  it('is told of no other server by a name that is none', async () => {
    const response = await post(`${guarded.url}/servers/other`, initialize(), undefined, as('bob'));
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('full');
  });
});

describe('a session with an upstream', () => {
  it('belongs to who opened it, to its upstream, and to nobody else', async () => {
    const relay = `${guarded.url}/servers/full`;
    const opened = await post(relay, initialize(), undefined, as('ada'));
    await opened.text();
    const session = opened.headers.get('mcp-session-id') ?? '';
    expect(session).not.toBe('');
    const ping = { jsonrpc: '2.0', id: 7, method: 'ping' };
    const statusFor = async (name: 'ada' | 'bob' | 'ada bob', id: string, at = relay): Promise<number> => {
      const response = await post(at, ping, id, as(name));
      await response.text();
      return response.status;
    };
    expect(await statusFor('ada', session)).toBe(200);
    expect(await statusFor('bob', session)).toBe(404);
    expect(await statusFor('bob', session, `${guarded.url}/servers/raw`)).toBe(404);
    expect(await statusFor('ada', `${session.slice(0, -2)}AA`)).toBe(404);
    expect(await statusFor('ada', 'made-up')).toBe(404);
    // One caller's name may begin another's.
    const other =
      (await post(relay, initialize(), undefined, as('ada bob'))).headers.get('mcp-session-id') ?? '';
    expect(await statusFor('ada bob', other)).toBe(200);
    expect(await statusFor('ada', `bob ${other}`)).toBe(404);
    const samples = await guarded.scrape();
    for (const reason of ['other_caller', 'forged', 'unknown'])
      expect(samples.value('mcp_session_not_found_total', { reason }), reason).toBeGreaterThan(0);
    // The upstream's own id is not said, and is of no use.
    const inner = full.headers.map((headers) => headers['mcp-session-id']).filter((id) => id !== undefined);
    expect(inner).not.toContain(session);
    expect(await statusFor('ada', String(inner.at(-1)))).toBe(404);
    expect((await post(relay, ping, session, as('ada'))).headers.get('mcp-session-id')).toBe(session);
  });

  it('is served by any replica that has the key', async () => {
    const stateKeyFile = join(mkdtempSync(join(tmpdir(), 'relay-key-')), 'key');
    writeFileSync(stateKeyFile, 'k'.repeat(44));
    const upstreams = [{ name: 'full', url: fullUrl, timeoutSeconds: 60 }];
    const settings = { tools: { enabled: ['add'] }, upstreams, sessions: { stateKeyFile } };
    const replicas = await Promise.all([1, 2].map(() => startTestServer(settings, undefined, PATIENT)));
    const [one, other] = replicas.map(({ url }) => `${url}/servers/full`);
    const session = await openSession(one ?? '');
    const response = await post(other ?? '', list(2), session);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('test_simple_text');
    await Promise.all(replicas.map((replica) => replica.stop()));
  });

  it('is lost when the upstream says so, and ended when the client does', async () => {
    const relay = `${open.url}/servers/full`;
    const session = await openSession(relay);
    expect((await deleteSession(relay, session)).status).toBe(200);
    expect((await post(relay, list(2), session)).status).toBe(404);
    const another = await openSession(relay);
    full.forget();
    expect((await post(relay, list(2), another)).status).toBe(404);
    const samples = await open.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'full', state: 'open' })).toBe(0);
  });

  it('goes on where the client lost a stream, with Last-Event-ID, and the call is counted once as what it came to', async () => {
    const relay = `${open.url}/servers/full`;
    const session = await openSession(relay);
    await post(relay, { jsonrpc: '2.0', method: 'notifications/initialized' }, session);
    /** Calls that succeeded, that failed, and that are in flight. */
    const calls = async (): Promise<string> => {
      const samples = await open.scrape();
      const [ok, failed] = ['success', 'error'].map((status) =>
        samples.value('mcp_tool_calls_total', { tool_name: 'full_test_tool_with_logging', status }),
      );
      const running = samples.value('mcp_tool_calls_in_flight', { tool_name: 'full_test_tool_with_logging' });
      return [ok, failed, running].map(String).join(' ');
    };
    const left = new AbortController();
    const response = await post(relay, call(5, 'test_tool_with_logging'), session, {
      signal: left.signal,
      headers: { 'mcp-protocol-version': '2025-11-25' },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    while (!seen.includes('Tool execution started')) seen += (await reader?.read())?.value ?? '';
    left.abort();
    await waitFor(async () => {
      expect(await calls()).toBe('0 0 1');
    });
    const lastId = /^id: (.+)$/m.exec(seen)?.[1] ?? '';
    const again = await fetch(`${relay}/mcp`, {
      headers: {
        accept: 'text/event-stream',
        'mcp-session-id': session,
        'last-event-id': lastId,
        'mcp-protocol-version': '2025-11-25',
      },
    });
    for await (const message of messagesOf(again)) if (message['id'] === 5) break;
    await waitFor(async () => {
      expect(await calls()).toBe('1 0 0');
    });
  });

  it('has its calls end as cancelled when the client says so', async () => {
    raw.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'inner');
        raw.usual(message, response);
      },
      'tools/call': beginsStream,
    };
    const relay = `${open.url}/servers/raw`;
    const session = await openSession(relay);
    const left = new AbortController();
    const response = await post(relay, call(3, 'works'), session, { signal: left.signal });
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } };
    expect((await post(relay, cancelled, session)).status).toBe(202);
    const samples = await open.scrape();
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'raw_works', reason: 'cancelled' })).toBe(1);
    expect(raw.received).toContainEqual(expect.objectContaining(cancelled));
    left.abort();
    await response.text().catch(() => undefined);
    raw.behaviour = {};
  });
});

describe('the relay of a 2026-07-28 server', () => {
  it('gives a v2 client what the server itself gives it', async () => {
    const [direct, through] = await Promise.all(
      [modern.url, `${open.url}/servers/modern`].map((url) =>
        connectClient(url, '2026-07-28', { capabilities: { elicitation: {} } }),
      ),
    );
    if (!direct || !through) throw new Error('no clients');
    for (const { client } of [direct, through])
      client.setRequestHandler('elicitation/create', () => ({
        action: 'accept',
        content: { name: 'Ada', sure: true, city: 'Paris' },
      }));
    const plain = ({ _meta, ...rest }: Awaited<ReturnType<typeof direct.client.callTool>>) => rest;
    expect((await through.client.listTools()).tools).toEqual((await direct.client.listTools()).tools);
    for (const name of ['asks', 'fails', 'counts'])
      expect(plain(await through.client.callTool({ name }))).toEqual(
        plain(await direct.client.callTool({ name })),
      );
    const progress: unknown[] = [];
    await through.client.callTool({ name: 'counts' }, { onprogress: (each) => progress.push(each) });
    expect(progress.length).toBeGreaterThan(0);
    await Promise.all([direct.client.close(), through.client.close()]);
  });

  it('tells a client that asks a 2025-era server for discovery what that says', async () => {
    const discover = { jsonrpc: '2.0', id: 1, method: 'server/discover', params: {} };
    const response = await post(`${open.url}/servers/raw`, discover);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toBe('no');
  });
});

describe('what comes too often or is too much', () => {
  it('is refused beyond the quota, and counted', async () => {
    const server = await startTestServer({
      tools: { enabled: ['add'] },
      limits: { callsPerSecond: 0.001, burst: 2 },
      upstreams: [{ name: 'raw', url: `http://127.0.0.1:${raw.port}/mcp`, timeoutSeconds: 60 }],
    });
    await areUp(server, 'raw');
    const relay = `${server.url}/servers/raw`;
    for (let made = 0; made < 2; made += 1) expect((await post(relay, call(1, 'works'))).status).toBe(200);
    const response = await post(relay, call(1, 'works'));
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const samples = await server.scrape();
    const labels = { tool_name: 'raw_works', reason: 'rate_limited' };
    expect(samples.value('mcp_tool_errors_total', labels)).toBe(1);
    await server.stop();
  });
});

describe('a server that stops', () => {
  it('lets calls end, ends what listens, and answers what does not end with an error', async () => {
    const server = await startTestServer(
      {
        tools: { enabled: ['add'] },
        shutdown: { delaySeconds: 0, deadlineSeconds: 30 },
        upstreams: [{ name: 'raw', url: `http://127.0.0.1:${raw.port}/mcp`, timeoutSeconds: 60 }],
      },
      undefined,
      PATIENT,
    );
    await areUp(server, 'raw');
    const relay = `${server.url}/servers/raw`;
    const finish = Promise.withResolvers<undefined>();
    const called = Promise.withResolvers<undefined>();
    raw.behaviour = {
      GET: beginsStream,
      'tools/call': async (message, response) => {
        called.resolve(undefined);
        await finish.promise;
        answer(response, message, { content: [] });
      },
      'resources/read': beginsStream,
    };
    const listening = await fetch(`${relay}/mcp`, { headers: { accept: 'text/event-stream' } });
    const reading = await post(relay, { jsonrpc: '2.0', id: 9, method: 'resources/read', params: {} });
    const calling = post(relay, call(1, 'works'));
    await called.promise;
    const stopped = server.stop();
    finish.resolve(undefined);
    expect((await calling).status).toBe(200);
    expect(await listening.text()).toBe('');
    expect(await reading.text()).toMatch(/"id":9,"error".*"reason":"overloaded"/);
    expect(await stopped).toBe(true);
    raw.behaviour = {};
  });

  it('ends what would not end by itself with time left before its deadline, and counts it', async () => {
    const server = await startTestServer(
      {
        tools: { enabled: ['add'] },
        limits: { inputWaitSeconds: 600 },
        shutdown: { delaySeconds: 0, deadlineSeconds: 8 },
        upstreams: [{ name: 'raw', url: `http://127.0.0.1:${raw.port}/mcp`, timeoutSeconds: 60 }],
      },
      undefined,
      PATIENT,
    );
    await areUp(server, 'raw');
    const relay = `${server.url}/servers/raw`;
    const events = { 'content-type': 'text/event-stream' };
    const endless =
      (type: string, said: string): Behaviour =>
      (_message, response) => {
        response.writeHead(200, { 'content-type': type }).write(said);
        const saying = setInterval(() => response.write(said), 100);
        response.on('close', () => {
          clearInterval(saying);
        });
      };
    const behaviours: Readonly<Record<string, Behaviour>> = {
      progress: endless('text/event-stream', 'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'),
      spaces: endless('application/json', ' '),
      question: (_message, response) =>
        response
          .writeHead(200, events)
          .write('data: {"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}\n\n'),
    };
    raw.behaviour = {
      any: (message, response, request) => {
        if (Array.isArray(message)) beginsStream(message, response, request);
        else behaviours[String(message.params?.['name'])]?.(message, response, request);
      },
    };
    const before = raw.received.length;
    const listen = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} };
    const asked = [
      ...Object.keys(behaviours).map((name) => post(relay, call(1, name))),
      post(relay, [listen, call(2, 'batch')]),
    ].map(async (answered) => (await answered).text().catch(() => 'cut'));
    await waitFor(() => {
      expect(raw.received.length - before).toBe(4);
    });
    expect(await server.stop()).toBe(true);
    for (const text of await Promise.all(asked)) expect(text).toMatch(/overloaded|cut/);
    const ended = server.logs.filter(({ reason }) => reason === 'overloaded');
    expect(ended).toHaveLength(4);
    raw.behaviour = {};
  });
});
