import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hold, type Hold } from '../support/hold.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { dial, requestBytes } from './raw-client.ts';

const KEEP = { connection: undefined };
const LARGE = 2_000_000;
const limits = { resultBytes: 3_000_000 };

let server: TestServer;
let sockets: Socket[] = [];
let held: Hold;
beforeEach(() => {
  held = hold();
});
afterEach(async () => {
  held.letGo();
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await server.stop();
});

async function connect(): Promise<Socket> {
  const socket = await dial(server.url);
  sockets.push(socket);
  socket.on('error', () => undefined);
  return socket;
}

const cut = async (reason: string): Promise<number | undefined> =>
  (await server.scrape()).value('http_server_connections_cut_total', { reason });

const large = requestBytes(
  'POST /execute',
  { ...KEEP, 'content-type': 'application/json' },
  JSON.stringify({ tool_name: 'too_large' }),
);
const call = (tool_name: string, args: object): Buffer =>
  requestBytes(
    'POST /execute',
    { ...KEEP, 'content-type': 'application/json' },
    JSON.stringify({ tool_name, arguments: args }),
  );
const callHeld = (): Buffer => call('held', held.args);
const callSlow = (milliseconds: number): Buffer => call('slow', { milliseconds });
const livez = requestBytes('GET /livez', KEEP);

const heldIsRunning = () =>
  waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'held' })).toBe(1);
  });

/** Text that comes on a connection. */
function textOn(socket: Socket): () => string {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}

describe('requests that come before the answer to the first', () => {
  it('are served one after the other, in order', async () => {
    server = await startTestServer();
    const socket = await connect();
    const text = textOn(socket);
    socket.write(Buffer.concat([callHeld(), callSlow(1), livez]));
    await heldIsRunning();
    held.letGo();
    await waitFor(() => {
      expect(text().match(/"tool_name":"\w+"|"status":"ok"/g)).toEqual([
        ...['"tool_name":"held"', '"tool_name":"slow"', '"status":"ok"'],
      ]);
    });
  });

  it('are all answered when the server stops, the last one with the end of the connection', async () => {
    server = await startTestServer({ shutdown: { deadlineSeconds: 300 } });
    const socket = await connect();
    const text = textOn(socket);
    socket.write(Buffer.concat([callHeld(), callSlow(1), livez]));
    await heldIsRunning();
    const ended = once(socket, 'end');
    const stopped = server.stop();
    held.letGo();
    await ended;
    const told = text().match(/200 OK|connection: close|"tool_name":"\w+"|"status":"ok"/gi);
    expect(told).toEqual([
      ...['200 OK', '"tool_name":"held"', '200 OK', '"tool_name":"slow"'],
      ...['200 OK', 'connection: close', '"status":"ok"'],
    ]);
    expect(await stopped).toBe(true);
  });

  it('are not carried out after an answer that ends the connection', async () => {
    server = await startTestServer();
    const socket = await connect();
    const text = textOn(socket);
    const last = requestBytes('GET /livez');
    socket.write(Buffer.concat([callHeld(), last, callSlow(1)]));
    await heldIsRunning();
    held.letGo();
    await once(socket, 'end');
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect((await server.scrape()).value('mcp_tool_calls_total', { tool_name: 'slow' })).toBe(0);
  });

  it('that are no HTTP are not answered in the place of those before them', async () => {
    server = await startTestServer();
    const socket = await connect();
    const text = textOn(socket);
    socket.write(Buffer.concat([callHeld(), Buffer.from('this is no HTTP\r\n\r\n')]));
    await once(socket, 'close');
    expect(text()).toBe('');
  });

  it('are few: who sends a thousand has its connection cut, and few of them are served', async () => {
    server = await startTestServer();
    const socket = await connect();
    socket.write(Buffer.concat(Array.from({ length: 1000 }, () => requestBytes('GET /metrics', KEEP))));
    socket.resume();
    await once(socket, 'close');
    expect(await cut('pipelined')).toBe(1);
    const served = (await server.scrape()).value('http_server_request_duration_seconds_count', {
      http_route: '/metrics',
    });
    expect(served).toBeLessThan(20);
    expect(server.logs).toContainEqual(
      expect.objectContaining({ msg: 'connection cut', reason: 'pipelined' }),
    );
  });
});

describe('answers that nobody reads', () => {
  it('are no more than the limit, all together: who leaves most unread is cut, and others are served', async () => {
    server = await startTestServer({ limits, server: { bufferedBytes: 3_000_000 } });
    const readers = await Promise.all(Array.from({ length: 3 }, () => connect()));
    for (const socket of await Promise.all(Array.from({ length: 12 }, () => connect()))) {
      socket.pause();
      socket.write(Buffer.concat(Array.from({ length: 8 }, () => large)));
    }
    await waitFor(async () => {
      expect(await cut('buffered')).toBeGreaterThan(0);
    });
    const samples = await server.scrape();
    expect(samples.value('http_server_buffered_bytes')).toBeLessThan(3_000_000 + 12 * LARGE);
    for (const socket of readers) {
      const text = textOn(socket);
      socket.write(livez);
      await waitFor(() => {
        expect(text()).toContain('200 OK');
      });
    }
    // The quiet ones are still there: nothing of theirs is unread.
    expect(readers.filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('are given up when nothing of them is read for long; a stream that is only silent is not', async () => {
    server = await startTestServer({
      limits,
      server: { stallTimeoutSeconds: 0.5, streamKeepAliveSeconds: 60 },
    });
    const [stalled, silent] = [await connect(), await connect()];
    const calls = textOn(silent);
    silent.write(callHeld());
    stalled.pause();
    // What the system takes for a client is more than one answer.
    stalled.write(Buffer.concat(Array.from({ length: 14 }, () => large)));
    await waitFor(async () => {
      expect(await cut('stalled')).toBe(1);
    });
    expect((await server.scrape()).value('http_server_buffered_bytes')).toBeLessThan(10_000);
    held.letGo();
    await waitFor(() => {
      expect(calls()).toContain('"done"');
    });
    expect(await cut('stalled')).toBe(1);
  });
});

const half = Buffer.concat([
  requestBytes('POST /execute', { ...KEEP, 'content-type': 'application/json', 'content-length': 900_001 }),
  Buffer.alloc(900_000, 0x20),
]);
const small = requestBytes(
  'POST /execute',
  { ...KEEP, 'content-type': 'application/json' },
  ' '.repeat(60_000),
);

it.each([
  ['are on their way', half],
  [
    'wait for the answer to one before them',
    Buffer.concat([callSlow(60_000), ...Array.from({ length: 15 }, () => small)]),
  ],
])('requests that %s are no more than the limit, all together', async (_what, sent) => {
  server = await startTestServer({ server: { bufferedBytes: 3_000_000 } });
  for (const socket of await Promise.all(Array.from({ length: 8 }, () => connect()))) socket.write(sent);
  await waitFor(async () => {
    expect(await cut('buffered')).toBeGreaterThanOrEqual(5);
  });
  expect((await server.scrape()).value('http_server_buffered_bytes')).toBeLessThan(3_100_000);
});

it('no more connections are open than the limit: those that are idle for longest make way', async () => {
  server = await startTestServer({ server: { maxConnections: 3 } });
  const busy = await connect();
  const text = textOn(busy);
  busy.write(callHeld());
  await heldIsRunning();
  const idle: Socket[] = [];
  for (let more = 0; more < 5; more += 1) idle.push(await connect());
  await waitFor(() => {
    expect(idle.slice(0, 3).filter(({ destroyed }) => !destroyed)).toEqual([]);
  });
  const samples = await server.scrape();
  // What asks for the metrics has taken a place, too.
  expect(samples.value('http_server_open_connections')).toBe(3);
  expect(samples.value('http_server_connections_limit')).toBe(3);
  expect(await cut('too_many')).toBeGreaterThanOrEqual(3);
  held.letGo();
  await waitFor(() => {
    expect(text()).toContain('"done"');
  });
});
