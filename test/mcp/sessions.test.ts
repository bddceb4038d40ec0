import { afterEach, describe, expect, it } from 'vitest';
import { connectClient, ERAS, type Era } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import type { Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

let server: TestServer;
afterEach(() => server.stop());

/** Starts a server, with the tools that are called here alone: it is scraped often. */
async function start(settings: Record<string, Record<string, unknown>> = {}): Promise<void> {
  server = await startTestServer({
    tools: { enabled: ['asks', 'echo', 'held', 'lets_go', 'slow'] },
    ...settings,
  });
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) };
  return fetch(`${server.url}/mcp`, init);
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

/** Opens a session and abandons it. */
async function open(): Promise<string> {
  const response = await post(initialize);
  await response.text();
  expect(response.status).toBe(200);
  return response.headers.get('mcp-session-id') ?? '';
}

const list = (id: string): Promise<Response> =>
  post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }, { 'mcp-session-id': id });

/** opened + resumed − closed = active, always. */
function expectReconciled(samples: Samples): void {
  const opened = samples.value('mcp_sessions_opened_total') ?? NaN;
  const resumed = samples.value('mcp_sessions_resumed_total') ?? NaN;
  const closed = samples.value('mcp_sessions_closed_total') ?? NaN;
  expect(opened + resumed - closed).toBe(samples.value('mcp_active_sessions'));
  expect(samples.value('mcp_session_duration_seconds_count')).toBe(closed);
}

async function expectActive(count: number): Promise<Samples> {
  const samples = await server.scrape();
  expect(samples.value('mcp_active_sessions')).toBe(count);
  expectReconciled(samples);
  return samples;
}

describe('the session of a 2025-era client', () => {
  it('begins with initialize, is counted, and ends with DELETE', async () => {
    await start();
    const { client, transport } = await connectClient(server.url, '2025-11-25');
    const id = transport.sessionId ?? '';
    await expectActive(1);
    await transport.terminateSession();
    await client.close();
    const samples = await expectActive(0);
    expect(samples.value('mcp_sessions_closed_total', { transport: 'http', reason: 'client' })).toBe(1);
    expect((await list(id)).status).toBe(404);
  });

  it('is needed: requests without an id get 400, with an unknown one 404 and a count', async () => {
    await start();
    const missing = await post({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    expect(missing.status).toBe(400);
    expect(await missing.json()).toMatchObject({
      error: { message: expect.stringContaining('initialize') as string },
    });
    expect((await list('9f3c1f3e-0000-4000-8000-000000000000')).status).toBe(404);
    expect((await server.scrape()).value('mcp_session_not_found_total')).toBe(1);
  });

  it('is swept when idle, but not while its GET stream is open', async () => {
    await start({ sessions: { idleSeconds: 0.3 } });
    const idle = await open();
    const { client, transport } = await connectClient(server.url, '2025-11-25');
    await waitFor(() => expectActive(1));
    await client.listTools();
    expect((await server.scrape()).value('mcp_sessions_closed_total', { reason: 'idle' })).toBe(1);
    // Who was only away goes on with it.
    expect((await list(idle)).status).toBe(200);
    expect((await server.scrape()).value('mcp_sessions_resumed_total', { transport: 'http' })).toBe(1);
    // The client dies: its stream breaks, and now its session is idle too.
    await transport.close();
    await waitFor(() => expectActive(0), { timeout: 5000 });
  });

  it('is not swept while a call of it runs, though no stream of it is open', async () => {
    await start({ sessions: { idleSeconds: 0.2 } });
    const session = { 'mcp-session-id': await open(), 'mcp-protocol-version': '2025-11-25' };
    const params = { name: 'lets_go', arguments: { milliseconds: 2000 } };
    await (await post({ jsonrpc: '2.0', id: 7, method: 'tools/call', params }, session)).text();
    const succeeded = { tool_name: 'lets_go', status: 'success' };
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_tool_calls_total', succeeded)).toBe(1);
    });
    await waitFor(() => expectActive(0));
  });

  it('does not leak when 200 clients abandon theirs', async () => {
    await start({ sessions: { idleSeconds: 1, max: 200 }, limits: { callsPerSecond: 0 } });
    for (let batch = 0; batch < 4; batch += 1) await Promise.all(Array.from({ length: 50 }, open));
    // On a slow machine the first are swept before the last are opened.
    const samples = await server.scrape();
    expect(samples.value('mcp_sessions_opened_total')).toBe(200);
    expectReconciled(samples);
    await waitFor(() => expectActive(0), { timeout: 20_000, interval: 200 });
  });

  it('is swept although its calls were cancelled and never answered', async () => {
    await start({ sessions: { idleSeconds: 0.5 } });
    const { client, transport } = await connectClient(server.url, '2025-11-25');
    const gone = new AbortController();
    const call = client.callTool(
      { name: 'slow', arguments: { milliseconds: 20_000 } },
      { signal: gone.signal },
    );
    const inFlight = (count: number): Promise<void> =>
      waitFor(async () => {
        expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(count);
      });
    await inFlight(1);
    gone.abort();
    await expect(call).rejects.toThrow();
    await inFlight(0);
    await transport.close();
    await waitFor(() => expectActive(0), { timeout: 5000 });
  });

  it('has no batches in the revision that has none', async () => {
    await start();
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    const headers = { 'mcp-session-id': await open(), 'mcp-protocol-version': '2025-11-25' };
    expect((await post([ping], headers)).status).toBe(400);
  });

  it('resumes a stream that broke: what was sent meanwhile is replayed', async () => {
    await start();
    const id = await open();
    const session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
    const broken = new AbortController();
    const call = { name: 'slow', arguments: { milliseconds: 300 } };
    const response = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      signal: broken.signal,
      headers: { ...HEADERS, ...session },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: call }),
    });
    const reader = response.body?.getReader();
    const first = (await reader?.read()) as { value?: Uint8Array } | undefined;
    const [, lastEventId = ''] = /^id: (\S+)$/m.exec(new TextDecoder().decode(first?.value)) ?? [];
    expect(lastEventId).not.toBe('');
    broken.abort();
    await waitFor(async () => {
      const samples = await server.scrape();
      expect(samples.value('mcp_tool_calls_total', { tool_name: 'slow', status: 'success' })).toBe(1);
    });
    const resumed = await fetch(`${server.url}/mcp`, {
      headers: { ...HEADERS, ...session, 'last-event-id': lastEventId },
    });
    expect(await resumed.text()).toContain('"id":7');
  });

  it('ends with the server, which counts it', async () => {
    await start({ ops: { port: 0 } });
    const { client } = await connectClient(server.url, '2025-11-25');
    const scrape = (): Promise<Samples> => server.scrape();
    await expectActive(1);
    await server.stop();
    await expect(scrape()).rejects.toThrow();
    await client.close();
  });
});

describe('time limits on requests', () => {
  it('do not cut the answer of a long call, in either era', async () => {
    await start({ server: { requestTimeoutSeconds: 1, headersTimeoutSeconds: 1 } });
    const call = async (era: Era): Promise<unknown> => {
      const { client } = await connectClient(server.url, era);
      const { content } = await client.callTool({ name: 'slow', arguments: { milliseconds: 3500 } });
      await client.close();
      return content;
    };
    const done = [{ type: 'text', text: 'done' }];
    expect(await Promise.all(ERAS.map(call))).toEqual(ERAS.map(() => done));
  });
});

describe('a request whose id another request of the session has', () => {
  const slow = (milliseconds: number) => ({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'slow', arguments: { milliseconds } },
  });
  const refused = {
    error: { code: -32600, message: expect.stringMatching(/same id/) as string },
    id: 7,
  };

  it('that is in flight is refused, and the other gets its own answer', async () => {
    await start();
    const session = { 'mcp-session-id': await open() };
    const { args, letGo } = hold();
    const first = await post({ ...slow(0), params: { name: 'held', arguments: args } }, session);
    const second = await post(slow(0), session);
    expect(second.status).toBe(400);
    expect(await second.json()).toMatchObject(refused);
    letGo();
    expect(await first.text()).toContain('done');
    const third = await post(slow(0), session);
    expect(await third.text()).toContain('done');
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_calls_total', { status: 'success' })).toBe(2);
  });

  it('that comes at the same time is refused', async () => {
    await start();
    const session = { 'mcp-session-id': await open() };
    const both = await Promise.all([post(slow(20_000), session), post(slow(20_000), session)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    await fetch(`${server.url}/mcp`, { method: 'DELETE', headers: { ...HEADERS, ...session } });
    await Promise.all(both.map((response) => response.text()));
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'slow' })).toBe(1);
  });

  it('in one batch is refused with it, and neither is carried out', async () => {
    await start();
    const params = { ...initialize.params, protocolVersion: '2025-03-26' };
    const id = (await post({ ...initialize, params })).headers.get('mcp-session-id') ?? '';
    const response = await post([slow(0), slow(1)], { 'mcp-session-id': id });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject(refused);
    expect((await server.scrape()).value('mcp_tool_calls_total')).toBe(0);
  });

  it('whose answer waits to be fetched is served, and each answer is that of its own stream', async () => {
    await start();
    const session = { 'mcp-session-id': await open(), 'mcp-protocol-version': '2025-11-25' };
    const broken = new AbortController();
    const first = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { ...HEADERS, ...session },
      body: JSON.stringify(slow(500)),
      signal: broken.signal,
    });
    const reader = first.body?.pipeThrough(new TextDecoderStream()).getReader();
    const lastEventId = /^id: (.*)$/m.exec(String((await reader?.read())?.value))?.[1] ?? '';
    broken.abort();
    await waitFor(async () => {
      const samples = await server.scrape();
      expect(samples.value('mcp_tool_calls_total', { tool_name: 'slow', status: 'success' })).toBe(1);
    });
    const echo = { ...slow(0), params: { name: 'echo', arguments: { text: 'another' } } };
    expect(await (await post(echo, session)).text()).toContain('another');
    const resumed = await fetch(`${server.url}/mcp`, {
      headers: { ...HEADERS, ...session, 'last-event-id': lastEventId },
    });
    const text = await resumed.text();
    expect(text).toContain('done');
    expect(text).not.toContain('another');
  });
});

it('a call that waits for its client when the server stops is answered, and holds nothing up', async () => {
  await start({ shutdown: { deadlineSeconds: 20 } });
  const { client } = await connectClient(server.url, '2025-11-25', {
    capabilities: { elicitation: { form: {} } },
  });
  let asked = false;
  client.setRequestHandler('elicitation/create', async () => {
    asked = true;
    return new Promise<never>(() => undefined);
  });
  const call = client.callTool({ name: 'asks', arguments: {} });
  const answered = expect(call).resolves.toMatchObject({
    isError: true,
    content: [{ text: 'The server is shutting down; try again.' }],
    _meta: { 'nexus-mcp/failure': { reason: 'overloaded', retryable: true } },
  });
  await waitUntil(() => asked);
  expect(await server.stop()).toBe(true);
  await answered;
  await client.close();
});

describe('a 2026-era client', () => {
  it('that listens for changes that cannot come is told so at once, and holds no stream open', async () => {
    await start();
    const { client } = await connectClient(server.url, '2026-07-28');
    const subscription = await client.listen({ toolsListChanged: true });
    expect(subscription.honoredFilter).toEqual({});
    expect(await subscription.closed).toBe('graceful');
    const samples = await server.scrape();
    expect(samples.value('mcp_active_subscriptions')).toBe(0);
    expect(samples.value('mcp_subscriptions_limit')).toBe(1024);
    const listens = { method: 'subscriptions/listen', protocol_version: '2026-07-28', transport: 'http' };
    expect(samples.value('mcp_requests_total', listens)).toBe(1);
    await client.close();
  });

  it('does not open a session', async () => {
    await start();
    const { client } = await connectClient(server.url, '2026-07-28');
    await client.listTools();
    await expectActive(0);
    await client.close();
  });
});
