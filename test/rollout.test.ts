import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { startTestServer } from './support/test-server.ts';
import { dial, requestBytes } from './http/raw-client.ts';
import { waitFor } from './support/wait.ts';

const CLIENTS = 201;
const CALLS_BEFORE = 3;
const CALLS_AFTER = 2;
const PATIENCE = { timeout: 200_000, interval: 50 };

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

type Headers = Record<string, string>;
interface Answer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** How clients of a kind call a tool on a connection; what they must say before it they say, too. */
type Kind = (post: (path: string, headers: Headers, body: unknown) => Promise<Answer>) => {
  readonly begin?: () => Promise<Answer>;
  readonly call: () => Promise<Answer>;
};

const ADD = { name: 'add', arguments: { a: 20, b: 22 } };
const ACCEPT = { accept: 'application/json, text/event-stream' };

const KINDS: readonly Kind[] = [
  (post) => ({ call: () => post('/execute', {}, { tool_name: ADD.name, arguments: ADD.arguments }) }),
  (post) => ({
    call: () =>
      post(
        '/mcp',
        {
          ...ACCEPT,
          ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': ADD.name },
        },
        request('tools/call', {
          ...ADD,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
            'io.modelcontextprotocol/clientInfo': { name: 'busy', version: '1' },
          },
        }),
      ),
  }),
  (post) => {
    let session = '';
    return {
      async begin() {
        const params = {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'busy', version: '1' },
        };
        const answer = await post('/mcp', ACCEPT, request('initialize', params));
        session = String(answer.headers['mcp-session-id']);
        return answer;
      },
      call: () => post('/mcp', { ...ACCEPT, 'mcp-session-id': session }, request('tools/call', ADD)),
    };
  },
];

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

const request = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 1, method, params });

/** A client that calls all the time on one connection, and on another one, to the second replica, when told to close it. */
class BusyClient {
  isConnected = false;
  calls = 0;
  callsAfter = 0;
  readonly failures: string[] = [];
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  async run(allConnected: Promise<unknown>): Promise<void> {
    try {
      await this.#callOn(first.url, async () => {
        this.isConnected = true;
        await allConnected;
        this.calls += 1;
        return false;
      });
      await this.#callOn(second.url, () => (this.callsAfter += 1) >= CALLS_AFTER);
    } catch (error) {
      this.failures.push(error instanceof Error ? error.message : String(error));
    }
  }

  /** Calls until told to close the connection, or until it is enough. */
  async #callOn(url: string, isEnough: () => boolean | Promise<boolean>): Promise<void> {
    const connection = new Client(url, { pipelining: 1 });
    let told = false;
    const { begin, call } = this.#kind(async (path, headers, body) => {
      const answer = await connection.request({
        ...{ method: 'POST', path, headers: { 'content-type': 'application/json', ...headers } },
        body: JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${text}`);
      told ||= answer.headers['connection'] === 'close';
      return { headers: answer.headers, text };
    });
    await begin?.();
    const isOver = (): boolean => told;
    do {
      const { text } = await call();
      if (!text.includes('42')) throw new Error(text);
    } while (!(await isEnough()) && !isOver());
    await connection.close();
  }
}

it(
  'SIGTERM among 200 busy kept-alive connections, of both eras and of REST, loses no call',
  { timeout: 300_000 },
  async () => {
    const clients = KINDS.flatMap((kind) =>
      Array.from({ length: CLIENTS / KINDS.length }, () => new BusyClient(kind)),
    );
    const { promise: allConnected, resolve: go } = Promise.withResolvers<undefined>();
    const running = clients.map((client) => client.run(allConnected));
    const each = (isSo: (client: BusyClient) => boolean) =>
      waitFor(() => {
        expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
        expect(clients.filter((client) => !isSo(client))).toEqual([]);
      }, PATIENCE);
    await each(({ isConnected }) => isConnected);
    go(undefined);
    await each(({ calls }) => calls >= CALLS_BEFORE);
    const stopped = first.stop();
    await Promise.all(running);
    expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
    expect(await stopped).toBe(0);
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
  const body = JSON.stringify({ tool_name: 'slow', arguments: { milliseconds: 1500 } });
  const json = { ...KEEP_ALIVE, 'content-type': 'application/json' };
  calling.socket.write(requestBytes('POST /execute', json, body));
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(1);
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
  await Promise.all([halfway.ended, calling.ended, uploading.ended]);
  for (const { text } of [halfway, calling, uploading])
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[^]*Connection: close/i);
  expect(await stopped).toBe(true);
});
