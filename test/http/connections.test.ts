import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { dial, requestBytes } from './raw-client.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ server: { keepAliveTimeoutSeconds: 600 } });
});
afterAll(() => server.stop());

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const META = {
  progressToken: 1,
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const initialize = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const counts = { name: 'counts', arguments: {} };

type Headers = Readonly<Record<string, string>>;

const post = (connection: string, message: object, headers: Headers = {}): Buffer =>
  requestBytes(
    'POST /mcp',
    { ...json, ...headers, connection },
    JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  );

async function openSession(): Promise<Headers> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...initialize });
  const opened = await fetch(`${server.url}/mcp`, { method: 'POST', headers: json, body });
  await opened.text();
  return { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
}

const modern = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'counts',
};

const STREAMS: readonly (readonly [name: string, request: (connection: string) => Promise<Buffer>])[] = [
  ['initialize', (connection) => Promise.resolve(post(connection, initialize))],
  [
    'a call in a session',
    async (connection) => post(connection, { method: 'tools/call', params: counts }, await openSession()),
  ],
  [
    'a call of the stateless era that reports its progress',
    (connection) =>
      Promise.resolve(post(connection, { method: 'tools/call', params: { ...counts, _meta: META } }, modern)),
  ],
  [
    'a subscription',
    (connection) => {
      const params = { notifications: { toolsListChanged: true }, _meta: META };
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' };
      return Promise.resolve(post(connection, { method: 'subscriptions/listen', params }, headers));
    },
  ],
];

/** All that comes until the other side has closed. */
async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
}

describe.each(STREAMS)('the stream of %s', (_name, request) => {
  it('ends the connection of a client that will send no more on it (RFC 9112, section 9.6)', async () => {
    const socket = await dial(server.url, { allowHalfOpen: true });
    socket.write(await request('close'));
    const answer = await readToEnd(socket);
    socket.end();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/^content-type: text\/event-stream\r$/im);
    expect(answer.match(/^connection: .*$/gim)).toEqual([expect.stringMatching(/: close\r?$/i)]);
  });
});

/** A stop ends a subscription, and what else would come on its connection. */
const ANSWERS = STREAMS.filter(([name]) => name !== 'a subscription');

describe.each(ANSWERS)('the stream of %s', (_name, request) => {
  it('leaves the connection to a client that goes on', async () => {
    const socket = await dial(server.url);
    socket.setEncoding('utf8');
    let text = '';
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.write(await request('keep-alive'));
    while (!/\r\n0\r\n\r\n$|^content-length: \d+\r$[^]*\n\n$/im.test(text)) await once(socket, 'data');
    expect(text.match(/^connection: .*$/gim)).toEqual([expect.stringMatching(/: keep-alive\r?$/i)]);
    text = '';
    socket.write(requestBytes('GET /livez', { connection: 'keep-alive' }));
    await once(socket, 'data');
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});

it('the GET stream of a session ends the connection of a client that will send no more on it', async () => {
  const session = await openSession();
  const socket = await dial(server.url, { allowHalfOpen: true });
  socket.write(requestBytes('GET /mcp', { ...session, accept: 'text/event-stream', connection: 'close' }));
  const answer = readToEnd(socket);
  await once(socket, 'data');
  await fetch(`${server.url}/mcp`, { method: 'DELETE', headers: session });
  expect(await answer).toMatch(/^connection: close\r$/im);
  socket.end();
});

it('a stream of HTTP/1.0, which keeps no connections, ends its own', async () => {
  const socket = await dial(server.url, { allowHalfOpen: true });
  const bytes = String(post('', initialize)).replace('HTTP/1.1', 'HTTP/1.0').replace('connection: \r\n', '');
  socket.write(bytes);
  expect(await readToEnd(socket)).toMatch(/^connection: close\r$/im);
  socket.end();
});
