import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { dial, requestBytes } from '../http/raw-client.ts';
import { keptMegabytes } from '../support/garbage.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** The size of each answer. */
const LARGE = 2_000_000;
const JSON_AND_STREAMS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

type Headers = Readonly<Record<string, string>>;

let server: TestServer;
let session: Headers;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.stop();
});

/** Starts a server, and opens a session. */
async function start(
  settings: Readonly<Record<string, unknown>> = {},
  sessions = {},
  resultBytes = 3_000_000,
): Promise<void> {
  server = await startTestServer({
    sessions,
    limits: { resultBytes, callsPerSecond: 0 },
    server: settings,
  });
  session = {};
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo };
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  await response.text();
  const id = response.headers.get('mcp-session-id') ?? '';
  session = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-03-26' };
}

const post = (body: unknown): Promise<Response> =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { ...JSON_AND_STREAMS, ...session },
    body: JSON.stringify(body),
  });

let lastId = 0;
const batch = (calls: number): unknown =>
  Array.from({ length: calls }, () => ({
    jsonrpc: '2.0',
    id: (lastId += 1),
    method: 'tools/call',
    params: { name: 'too_large', arguments: {} },
  }));

/** Sends a request whose answer nobody reads, beyond what the system takes for the client. */
async function unread(bytes: Buffer): Promise<Socket> {
  const socket = await dial(server.url);
  sockets.push(socket);
  socket.on('error', () => undefined).pause();
  socket.write(bytes);
  return socket;
}

const resume = (eventId: string): Buffer =>
  requestBytes('GET /mcp', { accept: 'text/event-stream', ...session, 'last-event-id': eventId });

const idsIn = (text: string): string[] => [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id ?? '');

const requests = async (method: string): Promise<number> =>
  (await server.scrape()).value('http_server_request_duration_seconds_count', {
    http_request_method: method,
    http_route: '/mcp',
  }) ?? 0;

const cut = async (): Promise<number> =>
  (await server.scrape()).value('http_server_connections_cut_total', { reason: 'buffered' }) ?? 0;

it('a stream that is resumed again and again, and never read, is held once, one event at a time', async () => {
  await start();
  // Five answers follow the first.
  const [first = ''] = idsIn(await (await post(batch(6))).text());
  const resumeUnread = async (): Promise<void> => {
    const socket = await unread(resume(first));
    await waitFor(() => {
      expect(socket.readableLength).toBeGreaterThan(0);
    });
  };
  await resumeUnread();
  const before = await keptMegabytes();
  for (let count = 0; count < 9; count += 1) await resumeUnread();
  expect((await keptMegabytes()) - before).toBeLessThan(2 * (LARGE / 1e6));
  // Each has taken the place of the one before.
  await waitFor(async () => {
    expect(await requests('GET')).toBe(9);
  });
  expect((await server.scrape()).value('http_server_buffered_bytes')).toBeLessThan(2 * LARGE);
});

it('a stream that is resumed and read slowly has all that was missed, in order', async () => {
  await start();
  const ids = idsIn(await (await post(batch(5))).text());
  const response = await fetch(`${server.url}/mcp`, {
    headers: { accept: 'text/event-stream', ...session, 'last-event-id': ids[0] ?? '' },
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('mcp-session-id')).toBe(session['mcp-session-id']);
  expect(idsIn(await response.text())).toEqual(ids.slice(1));
});

it('an unread answer counts in bytes, of which a character of its text may have three, in each era', async () => {
  await start({ bodyBytes: 16_000_000 }, {}, 40_000_000);
  const text = '\u6f22'.repeat(3_000_000);
  const params = { name: 'echo', arguments: { text } };
  const modern = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  };
  const calls = [
    [{ ...JSON_AND_STREAMS, ...session }, params],
    [
      {
        ...JSON_AND_STREAMS,
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
      },
      { ...params, _meta: modern },
    ],
  ] as const;
  for (const [index, [headers, given]] of calls.entries()) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'a', method: 'tools/call', params: given });
    await unread(requestBytes('POST /mcp', { connection: undefined, ...headers }, body));
    // The text is in it twice: as content, and as structured content or its copy.
    await waitFor(async () => {
      const held = (await server.scrape()).value('http_server_buffered_bytes') ?? 0;
      expect(held).toBeGreaterThan((index + 1) * 6 * text.length);
    });
  }
});

it('the answers of a batch that nobody reads count as unread, and can be resumed when the connection is cut', async () => {
  await start({ bufferedBytes: 13_000_000 });
  const body = JSON.stringify(batch(14));
  const socket = await unread(requestBytes('POST /mcp', { ...JSON_AND_STREAMS, ...session }, body));
  await waitFor(async () => {
    expect(await cut()).toBe(1);
  });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.resume();
  await once(socket, 'close');
  const [first = ''] = idsIn(text);
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'too_large' })).toBe(0);
  });
  const missed = await fetch(`${server.url}/mcp`, {
    headers: { accept: 'text/event-stream', ...session, 'last-event-id': first },
  });
  expect(idsIn(await missed.text())).toHaveLength(13);
});

it('answers of a batch that were sent are not kept until the last of them', async () => {
  await start({}, { replayEvents: 2 });
  const params = { name: 'slow', arguments: { milliseconds: 4000 } };
  const slow = { jsonrpc: '2.0', id: (lastId += 1), method: 'tools/call', params };
  const body = JSON.stringify([slow, ...(batch(10) as unknown[])]);
  const before = await keptMegabytes();
  const socket = await dial(server.url);
  sockets.push(socket);
  socket.write(requestBytes('POST /mcp', { ...JSON_AND_STREAMS, ...session }, body));
  let read = 0;
  socket.on('data', ({ length }: Buffer) => (read += length));
  await waitFor(() => {
    expect(read).toBeGreaterThan(10 * LARGE);
  });
  // Two are kept for who resumes.
  expect((await keptMegabytes()) - before).toBeLessThan(5 * (LARGE / 1e6));
});
