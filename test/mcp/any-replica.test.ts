import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Samples } from '../support/metrics-text.ts';
import {
  call,
  deleteSession,
  initialize,
  list,
  messagesOf,
  openSession,
  post,
} from '../support/raw-session.ts';
import { keyFile, newKey, settingsOfReplicas } from '../support/replicas.ts';
import { dial, requestBytes } from '../http/raw-client.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const TOOLS = {
  enabled: ['echo', 'slow', 'hangs', 'asks', 'lets_go'],
  modules: [FIXTURE_TOOLS],
  settings: { hangs: { timeoutSeconds: 30 } },
};

type Settings = Record<string, Record<string, unknown>>;

const servers: TestServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

async function start(settings: Settings, more: Settings = {}, unixTime?: () => number): Promise<TestServer> {
  const merged = { ...settings, ...more, tools: TOOLS };
  if (settings['sessions'] && more['sessions'])
    Object.assign(merged, { sessions: { ...settings['sessions'], ...more['sessions'] } });
  const server = await startTestServer(merged, unixTime);
  servers.push(server);
  return server;
}

/** Replicas that share a key and know each other. */
async function startReplicas(count: number, more: Settings = {}): Promise<readonly TestServer[]> {
  const settings = await settingsOfReplicas(count);
  return Promise.all(settings.map((each) => start(each, more)));
}

/** In every process, always: opened + resumed - closed = active. */
function expectReconciled(samples: Samples): void {
  const count = (what: string): number =>
    samples.value(`mcp_sessions_${what}_total`, { transport: 'http' }) ?? NaN;
  expect(count('opened') + count('resumed') - count('closed')).toBe(samples.value('mcp_active_sessions'));
}

async function counts(server: TestServer): Promise<{ opened: number; resumed: number; active: number }> {
  const samples = await server.scrape();
  expectReconciled(samples);
  const http = { transport: 'http' };
  return {
    opened: samples.value('mcp_sessions_opened_total', http) ?? NaN,
    resumed: samples.value('mcp_sessions_resumed_total', http) ?? NaN,
    active: samples.value('mcp_active_sessions') ?? NaN,
  };
}

const notFound = async (server: TestServer, reason: string): Promise<number> =>
  (await server.scrape()).value('mcp_session_not_found_total', { reason }) ?? NaN;

describe('a session', () => {
  it('is served by every replica that has the key, as the one its client began', async () => {
    const [one, two] = (await startReplicas(2)) as [TestServer, TestServer];
    const client = { name: 'moving', version: '3', protocolVersion: '2025-06-18' };
    const session = await openSession(one.url, { elicitation: { form: {} } }, client);
    expect(session).toMatch(/^[\x21-\x7e]{1,512}$/);
    for (const server of [two, one, two]) {
      const response = await post(server.url, call(2, 'echo', { text: 'here' }), session);
      expect(response.status).toBe(200);
      expect(response.headers.get('mcp-session-id')).toBe(session);
      expect(await response.text()).toContain('here');
    }
    expect(await counts(one)).toEqual({ opened: 1, resumed: 0, active: 1 });
    expect(await counts(two)).toEqual({ opened: 0, resumed: 1, active: 1 });
    const samples = await two.scrape();
    // Rebuilding it was no request of the client.
    expect(samples.value('mcp_requests_total', { method: 'initialize' })).toBeUndefined();
    const calls = { method: 'tools/call', protocol_version: '2025-06-18', transport: 'http' };
    expect(samples.value('mcp_requests_total', calls)).toBe(2);
    // The log has the end of the id: with the whole of it, who reads it could use the session.
    const called = two.logs.find(({ msg, tool }) => msg === 'tool call' && tool === 'echo');
    expect(called).toMatchObject({
      client_name: 'moving',
      client_version: '3',
      session_id: session.slice(-22),
    });
  });

  it('is resumed once, however many of its requests come at once', async () => {
    const [one, two] = (await startReplicas(2)) as [TestServer, TestServer];
    const session = await openSession(one.url);
    const requests = Array.from({ length: 20 }, (_, id) => post(two.url, list(id + 2), session));
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(requests.map(() => 200));
    expect(await counts(two)).toEqual({ opened: 0, resumed: 1, active: 1 });
  });

  it('survives its process, and can be ended by a client there', async () => {
    const [settings = {}] = await settingsOfReplicas(1);
    const before = await start(settings);
    const session = await openSession(before.url);
    await before.stop();
    const after = await start(settings);
    expect((await post(after.url, list(2), session)).status).toBe(200);
    expect((await deleteSession(after.url, session)).status).toBe(200);
    expect(await counts(after)).toEqual({ opened: 0, resumed: 1, active: 0 });
    expect((await post(after.url, list(3), session)).status).toBe(404);
    expect(await notFound(after, 'expired')).toBe(1);
  });

  it('without a key file ends with its process', async () => {
    const before = await start({});
    const session = await openSession(before.url);
    const other = await start({});
    expect((await post(other.url, list(2), session)).status).toBe(404);
    expect(await notFound(other, 'unknown')).toBe(1);
  });
});

describe('a key', () => {
  it('that is no longer the first still opens, and one that is gone does not', async () => {
    const [old, fresh] = [newKey(), newKey()];
    const keys = (...lines: string[]): Settings => ({ sessions: { stateKeyFile: keyFile(lines) } });
    const first = await start(keys(old));
    const both = await start(keys(fresh, old));
    const last = await start(keys(fresh));
    const oldSession = await openSession(first.url);
    const freshSession = await openSession(both.url);
    expect((await post(both.url, list(2), oldSession)).status).toBe(200);
    expect((await post(last.url, list(2), freshSession)).status).toBe(200);
    expect((await post(last.url, list(2), oldSession)).status).toBe(404);
    expect(await notFound(last, 'unknown')).toBe(1);
    const keysOf = ({ logs }: TestServer): unknown =>
      logs.find(({ msg }) => msg === 'ready')?.['session_keys'];
    const [idOfOld, idOfFresh] = [oldSession, freshSession].map((id) => id.split('.')[1]);
    expect([first, both, last].map(keysOf)).toEqual([[idOfOld], [idOfFresh, idOfOld], [idOfFresh]]);
  });
});

describe('an id', () => {
  it('that was changed anywhere, or cut, is refused by the thousand, and leaves nothing behind', async () => {
    const server = await start({ limits: { callsPerSecond: 0 } });
    const session = await openSession(server.url);
    const sealedFrom = session.lastIndexOf('.') + 1;
    const forged = Array.from(session).flatMap((letter, index) => [
      session.slice(0, index) + (letter === 'A' ? 'B' : 'A') + session.slice(index + 1),
      session.slice(0, index),
      session + letter,
    ]);
    const seen = new Map<number, number>();
    for (let at = 0; at < forged.length; at += 50)
      for (const { status } of await Promise.all(
        forged.slice(at, at + 50).map((id) => post(server.url, list(2), id)),
      ))
        seen.set(status, (seen.get(status) ?? 0) + 1);
    // Node takes an empty header for one that is there.
    expect(Object.fromEntries(seen)).toEqual({ 404: forged.length });
    expect(await counts(server)).toEqual({ opened: 1, resumed: 0, active: 1 });
    expect(await notFound(server, 'forged')).toBeGreaterThan(session.length - sealedFrom);
    expect(await notFound(server, 'unknown')).toBeGreaterThan(0);
    expect((await post(server.url, list(2), session)).status).toBe(200);
  });

  it('that spells the same bytes otherwise is not the same session', async () => {
    const [one, two] = (await startReplicas(2)) as [TestServer, TestServer];
    const session = await openSession(one.url);
    // The last letter has bits that no byte needs, for some lengths; and base64 has other letters.
    for (const other of [`${session}=`, `${session}==`, session.replaceAll('_', '/').replaceAll('-', '+')])
      if (other !== session) expect((await post(two.url, list(2), other)).status).toBe(404);
    expect(await counts(two)).toMatchObject({ resumed: 0, active: 0 });
  });

  it('is of use to who opened it alone', async () => {
    const tokens = [
      { name: 'one', token: 'one-one-one-one-one' },
      { name: 'two', token: 'two-two-two-two-two' },
    ];
    const path = keyFile([JSON.stringify(tokens)]);
    const [settings = {}, more = {}] = await settingsOfReplicas(2);
    const auth = { auth: { tokensFile: path } };
    const [here, there] = await Promise.all([start(settings, auth), start(more, auth)]);
    const as = (name: number) => ({ headers: { authorization: `Bearer ${tokens[name]?.token ?? ''}` } });
    const opened = await post(here.url, initialize(), undefined, as(0));
    const session = opened.headers.get('mcp-session-id') ?? '';
    for (const server of [here, there]) {
      expect((await post(server.url, list(2), session, as(1))).status).toBe(404);
      expect(await notFound(server, 'other_caller')).toBe(1);
      expect((await post(server.url, list(2), session, as(0))).status).toBe(200);
    }
  });

  it('is too old in the end, wherever it is used', async () => {
    let time = 1_800_000_000;
    const [settings = {}, more = {}] = await settingsOfReplicas(2);
    const aged = { sessions: { maxAgeSeconds: 100, idleSeconds: 0.4 } };
    const here = await start(settings, aged, () => time);
    const there = await start(more, aged, () => time);
    const session = await openSession(here.url);
    time += 99;
    expect((await post(there.url, list(2), session)).status).toBe(200);
    const stream = await fetch(`${here.url}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session },
    });
    time += 1;
    for (const server of [here, there]) {
      expect((await post(server.url, list(3), session)).status).toBe(404);
      expect(await notFound(server, 'expired')).toBe(1);
    }
    // Its stream ends with it.
    await stream.text();
    expect((await here.scrape()).value('mcp_sessions_closed_total', { reason: 'expired' })).toBe(1);
  });
});

describe('places for sessions', () => {
  it('are given to new ones by the one that was left unused for the longest time, which can come back', async () => {
    const server = await start({ sessions: { max: 2 } });
    const first = await openSession(server.url);
    const second = await openSession(server.url);
    await post(server.url, list(2), first);
    const third = await openSession(server.url);
    expect(await counts(server)).toEqual({ opened: 3, resumed: 0, active: 2 });
    // Neither the first, which was used since, nor the third had to go: nothing is resumed for them.
    for (const session of [first, third]) expect((await post(server.url, list(3), session)).status).toBe(200);
    expect(await counts(server)).toMatchObject({ resumed: 0 });
    expect((await post(server.url, list(3), second)).status).toBe(200);
    expect(await counts(server)).toEqual({ opened: 3, resumed: 1, active: 2 });
    expect((await server.scrape()).value('mcp_sessions_closed_total', { reason: 'evicted' })).toBe(2);
  });

  it('are not taken from sessions with a call or a stream; then who comes is told when to come again', async () => {
    const server = await start({ sessions: { max: 2 }, limits: { toolTimeoutSeconds: 30 } });
    const [calling, idle] = [await openSession(server.url), await openSession(server.url)];
    const waiting = await post(server.url, call(2, 'hangs'), calling);
    const stream = await fetch(`${server.url}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': idle },
    });
    const refused = await post(server.url, initialize());
    expect(refused.status).toBe(503);
    // The call's deadline is the first that anybody knows of.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } };
    await post(server.url, cancelled, calling);
    await waiting.text();
    await waitFor(async () => {
      expect((await post(server.url, initialize())).status).toBe(200);
    });
    await stream.body?.cancel();
  });

  it('are not taken from a session with an answer that its client has yet to fetch', async () => {
    const server = await start({ sessions: { max: 1 } });
    const session = await openSession(server.url);
    const headers = { 'mcp-protocol-version': '2025-11-25' };
    const left = await post(server.url, call(2, 'lets_go', { milliseconds: 1 }), session, { headers });
    const [, eventId = ''] = /^id: (\S+)$/m.exec(await left.text()) ?? [];
    await waitFor(async () => {
      const done = { tool_name: 'lets_go', status: 'success' };
      expect((await server.scrape()).value('mcp_tool_calls_total', done)).toBe(1);
    });
    expect((await post(server.url, initialize())).status).toBe(503);
    const accept = { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': eventId };
    const fetched = await fetch(`${server.url}/mcp`, { headers: { ...headers, ...accept } });
    expect(await fetched.text()).toContain('"id":2');
    await waitFor(async () => {
      expect((await post(server.url, initialize())).status).toBe(200);
    });
  });

  it('are not taken from one that waits for its client, however short the deadline of its tool', async () => {
    const server = await start({ sessions: { max: 1 }, limits: { toolTimeoutSeconds: 1 } });
    const session = await openSession(server.url, { elicitation: { form: {} } });
    const messages = messagesOf(await post(server.url, call(2, 'asks'), session));
    await messages.next();
    const refused = await post(server.url, initialize());
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60']);
    await messages.return(undefined);
  });

  it('are not kept for a client that left before its initialize was answered', async () => {
    const server = await start({});
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const bytes = requestBytes('POST /mcp', headers, JSON.stringify(initialize()));
    for (let client = 0; client < 20; client += 1) {
      const socket = await dial(server.url);
      socket.write(bytes);
      socket.destroy();
    }
    await waitFor(async () => {
      const left = { http_route: '/mcp', http_response_status_code: '499' };
      expect((await server.scrape()).value('http_server_request_duration_seconds_count', left)).toBe(20);
    });
    expect(await counts(server)).toEqual({ opened: 0, resumed: 0, active: 0 });
  });
});

describe('what only one process has', () => {
  const answerTo = (question: Record<string, unknown>) => ({
    jsonrpc: '2.0',
    id: question['id'],
    result: { action: 'accept', content: { name: 'Ada' } },
  });

  const cancelled = (requestId: number | string) => ({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId },
  });

  /** Calls a tool that asks, and waits for its question. */
  async function ask(server: TestServer, session: string) {
    const messages = messagesOf(await post(server.url, call(2, 'asks'), session));
    const { value: question } = (await messages.next()) as { value: Record<string, unknown> };
    expect(question['method']).toBe('elicitation/create');
    return { question, messages };
  }

  it('gets the answer of a client to a question, wherever that comes', async () => {
    const [one, two] = (await startReplicas(2)) as [TestServer, TestServer];
    const session = await openSession(one.url, { elicitation: { form: {} } });
    const { question, messages } = await ask(one, session);
    const answered = await post(two.url, answerTo(question), session);
    expect(answered.status).toBe(202);
    const { value } = (await messages.next()) as { value: unknown };
    expect(JSON.stringify(value)).toContain('Ada');
    const passed = { kind: 'answer', outcome: 'delivered' };
    expect((await two.scrape()).value('mcp_peer_messages_total', passed)).toBe(1);
    // A second answer has nobody who waits for it, and goes nowhere.
    for (const server of [two, one])
      expect((await post(server.url, answerTo(question), session)).status).toBe(202);
    expect((await two.scrape()).value('mcp_peer_messages_total', { kind: 'answer' })).toBe(1);
  });

  it('that is gone leaves the answer to nobody, and its client is told', async () => {
    const [settings = {}, more = {}] = await settingsOfReplicas(2);
    const [one, two] = await Promise.all([
      start(settings, { shutdown: { deadlineSeconds: 0.2, delaySeconds: 0.1 } }),
      start(more),
    ]);
    const session = await openSession(one.url, { elicitation: { form: {} } });
    const { question } = await ask(one, session);
    await one.stop();
    const answered = await post(two.url, answerTo(question), session);
    expect(answered.status).toBe(409);
    expect(await answered.text()).toContain('cannot be reached');
    const failed = { kind: 'answer', outcome: 'unreachable' };
    expect((await two.scrape()).value('mcp_peer_messages_total', failed)).toBe(1);
    // Another process at its address asked nothing, though its own first question waits.
    const again = await start(settings);
    const { messages } = await ask(again, session);
    expect((await post(two.url, answerTo(question), session)).status).toBe(202);
    expect(
      (await two.scrape()).value('mcp_peer_messages_total', { kind: 'answer', outcome: 'not_held' }),
    ).toBe(1);
    await post(again.url, cancelled(2), session);
    await messages.return(undefined);
  });

  it('hears of it from a replica that has no place for the session, too', async () => {
    const [settings = {}, more = {}] = await settingsOfReplicas(2);
    const [one, two] = [await start(settings), await start(more, { sessions: { max: 1 } })];
    const session = await openSession(one.url, { elicitation: { form: {} } });
    const busy = await post(two.url, call(9, 'hangs'), await openSession(two.url));
    const { question, messages } = await ask(one, session);
    expect((await post(two.url, answerTo(question), session)).status).toBe(202);
    expect(JSON.stringify(await messages.next())).toContain('Ada');
    const hanging = await post(one.url, call(3, 'hangs'), session);
    expect((await post(two.url, cancelled(3), session)).status).toBe(202);
    await hanging.text();
    expect((await post(two.url, list(4), session)).status).toBe(503);
    expect((await deleteSession(two.url, session)).status).toBe(200);
    expect(await counts(two)).toEqual({ opened: 1, resumed: 0, active: 1 });
    await busy.body?.cancel();
  });

  it('hears of it once, and is asked once for a batch; what else is in that is served', async () => {
    const [one, two] = (await startReplicas(2)) as [TestServer, TestServer];
    const revision = { protocolVersion: '2025-03-26' };
    const session = await openSession(one.url, { elicitation: { form: {} } }, revision);
    const { question, messages } = await ask(one, session);
    const hanging = await post(one.url, call(3, 'hangs'), session);
    const batch = [
      answerTo(question),
      ...Array.from({ length: 50 }, (_, id) => cancelled(id + 100)),
      cancelled(3),
      call(4, 'echo', { text: 'in a batch' }),
      // A call and its own cancellation concern nobody else.
      call(5, 'hangs'),
      cancelled(5),
    ];
    const response = await post(two.url, batch, session);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('in a batch');
    await hanging.text();
    expect(JSON.stringify(await messages.next())).toContain('Ada');
    const samples = await two.scrape();
    expect(samples.value('mcp_peer_messages_total')).toBe(2);
    expect(samples.value('mcp_peer_messages_total', { outcome: 'delivered' })).toBe(2);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'hangs', reason: 'cancelled' })).toBe(1);
  });

  it('that hangs, or is none, takes nothing from the others', async () => {
    const [settings = {}, more = {}] = await settingsOfReplicas(2);
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    const stranger = createServer((_request, response) => {
      const said = '{"receipt":"delivered","proof":"x"}';
      const timer = setInterval(() => response.write(said.repeat(100)), 1);
      response.on('close', () => {
        clearInterval(timer);
      });
    }).listen(0, '127.0.0.1');
    await Promise.all([once(silent, 'listening'), once(stranger, 'listening')]);
    const addressOf = (server: Server): string =>
      `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const known = (settings['sessions']?.['peers'] as string[]).concat(
      addressOf(silent),
      addressOf(stranger),
    );
    const peers = [...known, 'no-such-host.invalid:1'];
    const [one, two] = [await start(settings), await start(more, { sessions: { peers } })];
    const session = await openSession(one.url, { elicitation: { form: {} } });
    const { question, messages } = await ask(one, session);
    const hanging = await post(one.url, call(3, 'hangs'), session);
    for (let id = 100; id < 170; id += 1) await post(two.url, cancelled(id), session);
    await post(two.url, cancelled(3), session);
    await hanging.text();
    expect((await post(two.url, answerTo(question), session)).status).toBe(202);
    expect(JSON.stringify(await messages.next())).toContain('Ada');
    await waitFor(async () => {
      const samples = await two.scrape();
      const of = (outcome: string) =>
        samples.value('mcp_peer_messages_total', { kind: 'cancellation', outcome }) ?? NaN;
      expect([of('delivered'), of('not_held')]).toEqual([1, 70]);
      // Of the stranger, the silent one, and the name, which counts when it is asked for.
      expect(of('unreachable') + of('dropped')).toBeGreaterThan(2 * 71);
    });
    const said = two.logs.filter((line) => JSON.stringify(line).includes('no-such-host.invalid'));
    expect(said.filter(({ level }) => level === 'warn')).toHaveLength(1);
    for (const server of [silent, stranger]) {
      server.close();
      server.closeAllConnections();
    }
  });

  it('keeps the connection of a call that may release it: its client would come back to any', async () => {
    const [one] = (await startReplicas(1)) as [TestServer];
    const session = await openSession(one.url);
    const headers = { headers: { 'mcp-protocol-version': '2025-11-25' } };
    const response = await post(one.url, call(2, 'lets_go', { milliseconds: 100 }), session, headers);
    expect(await response.text()).toContain('"id":2');
  });

  it('hears that a call was cancelled, wherever that was said', async () => {
    const [one, two] = (await startReplicas(3)) as [TestServer, TestServer];
    const session = await openSession(one.url);
    const response = await post(one.url, call('c', 'hangs'), session);
    expect((await post(two.url, cancelled('c'), session)).status).toBe(202);
    await response.text();
    const samples = await one.scrape();
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'hangs', reason: 'cancelled' })).toBe(1);
    await waitFor(async () => {
      const asked = await two.scrape();
      const of = (outcome: string) =>
        asked.value('mcp_peer_messages_total', { kind: 'cancellation', outcome });
      expect([of('delivered'), of('not_held')]).toEqual([1, 1]);
    });
  });

  it('is asked no more than the quota of who cancels allows, and by who has the key alone', async () => {
    const [one, two] = (await startReplicas(2, { limits: { callsPerSecond: 0.01, burst: 10 } })) as [
      TestServer,
      TestServer,
    ];
    const session = await openSession(one.url);
    // One of the ten is spent, and each costs two.
    for (let id = 0; id < 20; id += 1) await post(one.url, cancelled(id), session);
    await waitFor(async () => {
      const samples = await one.scrape();
      const of = (outcome: string) =>
        samples.value('mcp_peer_messages_total', { kind: 'cancellation', outcome });
      expect([of('not_held'), of('dropped')]).toEqual([4, 16]);
    });
    const forged = await fetch(`${two.opsUrl ?? ''}/peer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(session),
    });
    expect(forged.status).toBe(403);
    expect((await fetch(`${two.url}/peer`, { method: 'POST' })).status).toBe(404);
  });
});
