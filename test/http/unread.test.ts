import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { dial, requestBytes } from './raw-client.ts';

const KEEP = { connection: undefined };
const LARGE = 2_000_000;
const limits = { resultBytes: 3_000_000 };

let server: TestServer;
let sockets: Socket[] = [];
afterEach(async () => {
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
const livez = requestBytes('GET /livez', KEEP);

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
    const call = (milliseconds: number): Buffer =>
      requestBytes(
        'POST /execute',
        { ...KEEP, 'content-type': 'application/json' },
        JSON.stringify({ tool_name: 'slow', arguments: { milliseconds } }),
      );
    socket.write(Buffer.concat([call(300), call(1), livez]));
    const running = async (): Promise<number | undefined> =>
      (await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'slow' });
    await waitFor(async () => {
      expect(await running()).toBe(1);
    });
    await waitFor(() => {
      expect(text().match(/"milliseconds":\d+|"status":"ok"/g)).toEqual([
        ...['"milliseconds":300', '"milliseconds":1', '"status":"ok"'],
      ]);
    });
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
    server = await startTestServer({ limits, server: { unreadBytes: 3_000_000 } });
    const readers = await Promise.all(Array.from({ length: 3 }, () => connect()));
    for (const socket of await Promise.all(Array.from({ length: 12 }, () => connect()))) {
      socket.pause();
      socket.write(Buffer.concat(Array.from({ length: 8 }, () => large)));
    }
    await waitFor(async () => {
      expect(await cut('unread')).toBeGreaterThan(0);
    });
    const samples = await server.scrape();
    expect(samples.value('http_server_unread_bytes')).toBeLessThan(3_000_000 + 12 * LARGE);
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
    silent.write(
      requestBytes(
        'POST /execute',
        { ...KEEP, 'content-type': 'application/json' },
        JSON.stringify({ tool_name: 'slow', arguments: { milliseconds: 2000 } }),
      ),
    );
    stalled.pause();
    // What the system takes for a client is more than one answer.
    stalled.write(Buffer.concat(Array.from({ length: 14 }, () => large)));
    await waitFor(async () => {
      expect(await cut('stalled')).toBe(1);
    });
    expect((await server.scrape()).value('http_server_unread_bytes')).toBe(0);
    await waitFor(() => {
      expect(calls()).toContain('"done"');
    });
    expect(await cut('stalled')).toBe(1);
  });
});

it('no more connections are open than the limit', async () => {
  server = await startTestServer({ server: { maxConnections: 3 } });
  const all = await Promise.all(Array.from({ length: 6 }, () => connect()));
  await waitFor(() => {
    expect(all.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length).toBe(3);
  });
  for (const socket of all) socket.destroy();
  await waitFor(async () => {
    // With what asks for the metrics, if it came too early.
    expect(await cut('too_many')).toBeGreaterThanOrEqual(3);
  });
  const samples = await server.scrape();
  expect(samples.value('http_server_connections_limit')).toBe(3);
  expect(samples.value('http_server_open_connections')).toBeLessThanOrEqual(3);
});
