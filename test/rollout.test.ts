import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stopAmongBusyClients } from './support/busy-clients.ts';
import { hold } from './support/hold.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { startTestServer } from './support/test-server.ts';
import { dial, requestBytes } from './http/raw-client.ts';
import { waitFor } from './support/wait.ts';

const CLIENTS = 201;

/** Two replicas: clients of the first, when told to go, go on with the second. */
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  [first, second] = await Promise.all([start(), start()]);
});
afterAll(() => Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]));

const start = (): Promise<ServerProcess> => {
  const limits = { callsPerSecond: 0, concurrency: CLIENTS, queue: CLIENTS, toolConcurrency: CLIENTS };
  return startServer({
    args: [
      ...Object.entries(limits).flatMap(([name, value]) => [`--limits.${name}`, String(value)]),
      // Nobody is idle here, however seldom this machine lets a client have its turn.
      ...['--shutdown.idleSeconds', '10'],
    ],
  });
};

const KEEP_ALIVE = { connection: undefined };

/** A connection, and what has come on it. */
class KeptAlive {
  text = '';
  readonly socket: Socket;
  /** When the server has closed it. */
  readonly ended: Promise<unknown>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    this.ended = once(socket, 'end');
  }
}

it(
  'SIGTERM among 200 busy kept-alive connections, of both eras and of REST, loses no call',
  { timeout: 300_000 },
  async () => {
    expect(await stopAmongBusyClients(CLIENTS, [first.url, second.url], () => first.stop())).toBe(0);
  },
);

it('a stop closes idle connections, and none on which a request has begun', async () => {
  const server = await startTestServer({ shutdown: { idleSeconds: 0.2, deadlineSeconds: 300 } });
  const connect = async (): Promise<KeptAlive> => new KeptAlive(await dial(server.url));
  const [idle, silent, refused] = await Promise.all([connect(), connect(), connect()]);
  const [halfway, calling, uploading] = await Promise.all([connect(), connect(), connect()]);
  const livez = requestBytes('GET /livez', KEEP_ALIVE);
  for (const each of [idle, halfway]) {
    each.socket.write(livez);
    await waitFor(() => {
      expect(each.text).toContain('200 OK');
    });
    expect(each.text).not.toContain('Connection: close');
  }
  halfway.text = '';
  halfway.socket.write(livez.subarray(0, 20));
  const held = hold();
  const body = JSON.stringify({ tool_name: 'held', arguments: held.args });
  const json = { ...KEEP_ALIVE, 'content-type': 'application/json' };
  calling.socket.write(requestBytes('POST /execute', json, body));
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'held' })).toBe(1);
  });

  // Its headers have come, and a part of its body.
  const upload = requestBytes(
    'POST /execute',
    json,
    JSON.stringify({ tool_name: 'echo', arguments: { text: 'late' } }),
  );
  uploading.socket.write(upload.subarray(0, -10));
  // It is answered before its body has come, and is idle afterwards.
  const large = requestBytes('POST /nowhere', { ...json, 'content-length': 10 });
  refused.socket.write(large);
  await waitFor(() => {
    expect(refused.text).toContain('404 Not Found');
  });
  refused.socket.write('0123456789');

  const stopped = server.stop();
  await Promise.all([idle.ended, silent.ended, refused.ended]);
  uploading.socket.write(upload.subarray(-10));
  expect(halfway.text).toBe('');
  halfway.socket.write(livez.subarray(20));
  held.letGo();
  await Promise.all([halfway.ended, calling.ended, uploading.ended]);
  for (const { text } of [halfway, calling, uploading])
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*Connection: close/i);
  expect(await stopped).toBe(true);
});
