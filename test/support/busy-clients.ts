import { Client } from 'undici';
import { expect } from 'vitest';
import { waitFor } from './wait.ts';

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

/** Of both eras, and of REST. */
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

const request = (method: string, params: unknown) => ({ jsonrpc: '2.0', id: 1, method, params });

const CALLS_BEFORE = 3;
const CALLS_AFTER = 2;
const PATIENCE = { timeout: 200_000, interval: 50 };

/** A client that calls all the time on one connection, and on another one, to a second replica, when told to close it. */
class BusyClient {
  isConnected = false;
  calls = 0;
  callsAfter = 0;
  readonly failures: string[] = [];
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** @param allConnected resolves when the calls count */
  async run([first, second]: readonly [string, string], allConnected: Promise<unknown>): Promise<void> {
    try {
      await this.#callOn(first, async () => {
        this.isConnected = true;
        await allConnected;
        this.calls += 1;
        return false;
      });
      await this.#callOn(second, () => (this.callsAfter += 1) >= CALLS_AFTER);
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

/**
 * Stops a server among clients that call it all the time, each on a connection that it keeps; they go on with another.
 * @returns what the stop resolved to, when no call of theirs has failed
 */
export async function stopAmongBusyClients<Result>(
  count: number,
  urls: readonly [stopped: string, other: string],
  stop: () => Promise<Result>,
): Promise<Result> {
  const clients = KINDS.flatMap((kind) =>
    Array.from({ length: count / KINDS.length }, () => new BusyClient(kind)),
  );
  const { promise: allConnected, resolve: go } = Promise.withResolvers<undefined>();
  const running = clients.map((client) => client.run(urls, allConnected));
  const each = (isSo: (client: BusyClient) => boolean) =>
    waitFor(() => {
      expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
      expect(clients.filter((client) => !isSo(client))).toEqual([]);
    }, PATIENCE);
  await each(({ isConnected }) => isConnected);
  go(undefined);
  await each(({ calls }) => calls >= CALLS_BEFORE);
  const stopped = stop();
  await Promise.all(running);
  expect(clients.flatMap(({ failures }) => failures)).toEqual([]);
  return stopped;
}
