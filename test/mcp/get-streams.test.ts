import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const STREAM = { accept: 'text/event-stream' };
const POST = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ sessions: { replayEvents: 3 }, limits: { callsPerSecond: 0 } });
});
afterAll(() => server.stop());

type Headers = Readonly<Record<string, string>>;

const post = (body: unknown, headers: Headers = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { ...POST, ...headers },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

const get = (headers: Headers): Promise<Response> =>
  fetch(`${server.url}/mcp`, { headers: { ...STREAM, ...headers } });

/** Opens a session; the headers of its later requests. */
async function open(): Promise<Headers> {
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const response = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  await response.text();
  return {
    'mcp-session-id': response.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-11-25',
  };
}

const call = (id: number, milliseconds: number) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'slow', arguments: { milliseconds } },
});

/** The id of a stream's first event. */
async function firstEventId(response: Response): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return /^id: (.*)$/m.exec(String((await reader?.read())?.value))?.[1] ?? '';
}

describe('a GET stream', () => {
  it('takes the place of the one that the session has: its client cannot know that it is dead', async () => {
    const session = await open();
    const first = await get(session);
    expect(first.status).toBe(200);
    const second = await get(session);
    expect(second.status).toBe(200);
    expect(await first.text()).toBe('');
    const third = await get(session);
    expect(third.status).toBe(200);
    expect(await second.text()).toBe('');
    await third.body?.cancel();
  });

  it('leaves the one that is there alone when it is refused itself', async () => {
    const session = await open();
    const first = await get(session);
    expect((await get({ ...session, accept: 'application/json' })).status).toBe(406);
    expect((await get({ ...session, 'mcp-protocol-version': '1999-01-01' })).status).toBe(400);
    expect((await get({ ...session, 'last-event-id': 'never' })).status).toBe(400);
    const ended = first.text().then(() => 'ended');
    expect(await Promise.race([ended, Promise.resolve('open')])).toBe('open');
    await fetch(`${server.url}/mcp`, { method: 'DELETE', headers: session });
    expect(await ended).toBe('ended');
  });

  it('that resumes another takes its place, though that one still seems to be open', async () => {
    const session = await open();
    const broken = new AbortController();
    const first = await post(call(7, 1500), session, broken.signal);
    const lastEventId = await firstEventId(first);
    const resumed = await get({ ...session, 'last-event-id': lastEventId });
    expect(resumed.status).toBe(200);
    const again = await get({ ...session, 'last-event-id': lastEventId });
    expect(again.status).toBe(200);
    expect(await resumed.text()).toBe('');
    expect(await again.text()).toContain('"id":7');
    broken.abort();
  });

  it('is told in words that what it wants to resume is no longer kept', async () => {
    const session = await open();
    const lastEventId = await firstEventId(await post(call(7, 0), session));
    for (const id of [8, 9, 10]) await (await post(call(id, 0), session)).text();
    const refused = await get({ ...session, 'last-event-id': lastEventId });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: { code: -32600, message: expect.stringMatching(/Last-Event-ID.*cannot replay/) as string },
      id: null,
    });
  });

  it('ends when its session does, and lets it be swept when it was replaced', async () => {
    const idle = await startTestServer({ sessions: { idleSeconds: 0.3 } });
    try {
      const clientInfo = { name: 'raw', version: '1' };
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
      const opened = await fetch(`${idle.url}/mcp`, {
        method: 'POST',
        headers: POST,
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      });
      await opened.text();
      const headers = { ...STREAM, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
      const streams = [];
      for (let count = 0; count < 3; count += 1) streams.push(await fetch(`${idle.url}/mcp`, { headers }));
      await streams[2]?.body?.cancel();
      await waitFor(async () => {
        expect((await idle.scrape()).value('mcp_active_sessions')).toBe(0);
      });
    } finally {
      await idle.stop();
    }
  });
});

describe.each(['GET', 'DELETE'])('%s', (method) => {
  it.each([
    ['without a session', {}],
    ['without a session, by a client of the stateless era', { 'mcp-protocol-version': '2026-07-28' }],
    ['without a session, of an unknown version', { 'mcp-protocol-version': '2099-01-01' }],
    ['without a session, whatever it accepts', { accept: 'text/html' }],
  ])('is 405 and says what is served: %s', async (_case, headers) => {
    const response = await fetch(`${server.url}/mcp`, { method, headers: { ...STREAM, ...headers } });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect(await response.json()).toMatchObject({
      error: { code: -32600, message: expect.stringMatching(/session/) as string },
      id: null,
    });
  });

  it('of a session is 405 in the era that has none', async () => {
    const session = await open();
    const headers = { ...STREAM, ...session, 'mcp-protocol-version': '2026-07-28' };
    const response = await fetch(`${server.url}/mcp`, { method, headers });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    const ping = await post({ jsonrpc: '2.0', id: 2, method: 'ping' }, session);
    expect(ping.status).toBe(200);
  });

  it('of a session that there is not is 404', async () => {
    const headers = { ...STREAM, 'mcp-session-id': '9f3c1f3e-0000-4000-8000-000000000000' };
    expect((await fetch(`${server.url}/mcp`, { method, headers })).status).toBe(404);
  });
});
