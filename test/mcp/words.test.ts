import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStdio } from '../support/raw-stdio.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitUntil } from '../support/wait.ts';

const VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];
const POST = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

interface Message {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Makes a request, and returns the error that it is answered with. */
type Ask = (message: Message) => Promise<RpcError>;

const metaOf = (version: string) => ({
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientCapabilities': {},
});
const initialize = (version: string): Message => ({
  method: 'initialize',
  params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
});
const withMeta = ({ method, params }: Message, version = '2026-07-28'): Message => ({
  method,
  params: { ...params, _meta: { ...metaOf(version), ...(params?.['_meta'] as object | undefined) } },
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function post(message: Message, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { ...POST, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, ...message }),
  });
}

/** The error in an answer, which may be a stream. */
async function errorIn(response: Response): Promise<RpcError> {
  const text = await response.text();
  const json = /^data: (\{.*)$/m.exec(text)?.[1] ?? text;
  const { error, id } = JSON.parse(json) as { readonly error: RpcError; readonly id: unknown };
  expect(id, text).toBe(7);
  return error;
}

async function openSession(): Promise<Readonly<Record<string, string>>> {
  const response = await post(initialize('2025-11-25'));
  await response.text();
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
}

async function overStdio(opening: readonly Message[]): Promise<Ask> {
  const stdio = await startStdio();
  for (const [index, message] of opening.entries()) stdio.send({ id: `opening ${index}`, ...message });
  await waitUntil(() => stdio.messages.length === opening.length);
  return async (message) => {
    const before = stdio.messages.length;
    stdio.send({ id: 7, ...message });
    await waitUntil(() => stdio.messages.length > before);
    expect(stdio.messages[before]?.id).toBe(7);
    return stdio.messages[before]?.error as RpcError;
  };
}

const ASKS: Readonly<Record<string, () => Promise<Ask>>> = {
  'over HTTP, 2025-11-25': async () => {
    const session = await openSession();
    return async (message) => errorIn(await post(message, session));
  },
  'over HTTP, 2026-07-28': () =>
    Promise.resolve(async (message) => {
      const headers = {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': message.method,
        ...(message.method === 'tools/call' && { 'mcp-name': 'echo' }),
      };
      return errorIn(await post(withMeta(message), headers));
    }),
  'over stdio, 2025-11-25': () => overStdio([initialize('2025-11-25')]),
  'over stdio, 2026-07-28': async () => {
    const ask = await overStdio([withMeta({ method: 'tools/list' })]);
    return (message) => ask(withMeta(message));
  },
};

/** One line in plain words, without the JSON of a validator. */
function expectWords({ message }: RpcError, names: RegExp): void {
  expect(message).toMatch(names);
  expect(message).not.toMatch(/[\n[{]/);
  expect(message.length).toBeLessThan(300);
}

const INVALID_PARAMS = -32602;

describe.each(Object.entries(ASKS))('a request that is wrong, %s,', (name, connect) => {
  const WRONG: readonly (readonly [string, Message, RegExp])[] = [
    [
      'a field has another type',
      { method: 'tools/call', params: { name: 'echo', arguments: [1] } },
      /params\.arguments/,
    ],
    [
      'a field is a text',
      { method: 'tools/call', params: { name: 'echo', arguments: 'x' } },
      /params\.arguments/,
    ],
    ['a list has a wrong place', { method: 'tools/list', params: { cursor: 5 } }, /params\.cursor/],
    ...(name.includes('2025')
      ? ([
          ['a field is missing', { method: 'tools/call', params: {} }, /params\.name/],
          ['a field has another type', { method: 'tools/call', params: { name: 5 } }, /params\.name/],
          ['a level is unknown', { method: 'logging/setLevel', params: { level: 'loud' } }, /params\.level/],
          ['there are no parameters', { method: 'logging/setLevel' }, /params/],
        ] as const)
      : []),
  ];

  it('is refused in one sentence that names the field', async () => {
    const ask = await connect();
    for (const [what, message, names] of WRONG) {
      const error = await ask(message);
      expectWords(error, names);
      expect(error.code, what).toBe(INVALID_PARAMS);
    }
  });
});

describe('an initialize that is wrong', () => {
  const { params } = initialize('2025-11-25');
  const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
    ['no parameters', undefined, /params/],
    ['no version', { ...params, protocolVersion: undefined }, /params\.protocolVersion/],
    ['a version that is a number', { ...params, protocolVersion: 2025 }, /params\.protocolVersion/],
    ['no capabilities', { ...params, capabilities: undefined }, /params\.capabilities/],
    ['a client without a name', { ...params, clientInfo: { version: '1' } }, /params\.clientInfo\.name/],
  ];

  it.each(WRONG)(
    'is refused over HTTP in one sentence that names the field: %s',
    async (_case, wrong, names) => {
      const response = await post({ method: 'initialize', params: wrong as Record<string, unknown> });
      expect(response.status).toBe(400);
      const error = await errorIn(response);
      expectWords(error, names);
      expect(error.code).toBe(INVALID_PARAMS);
    },
  );

  it('is refused over stdio, too', async () => {
    const ask = await overStdio([]);
    const error = await ask({ method: 'initialize', params: { protocolVersion: '2025-11-25' } });
    expectWords(error, /params\.(capabilities|clientInfo)/);
    expect(error.code).toBe(INVALID_PARAMS);
  });
});

describe('a protocol version that is not served', () => {
  const UNSERVED = ['2099-01-01', '1999-01-01', 'latest', '2026-07-28a', '2026-07-2', 'DRAFT-2026-v1'];

  /** What server/discover lists: its clients must not take another for one that they can put in a request. */
  const STATELESS = ['2026-07-28'];

  function expectServed(error: RpcError, requested: string, supported = VERSIONS): void {
    expect(error).toMatchObject({ code: -32022, data: { supported, requested } });
    expectWords(error, new RegExp(`${requested}.*${VERSIONS.join(', ')}`));
  }

  it.each(UNSERVED)('in the header of a session gets the list of those that are: %s', async (version) => {
    const session = { ...(await openSession()), 'mcp-protocol-version': version };
    const response = await post({ method: 'tools/list' }, session);
    expect(response.status).toBe(400);
    expectServed(await errorIn(response), version);
    const listened = await fetch(`${server.url}/mcp`, {
      headers: { accept: 'text/event-stream', ...session },
    });
    expect(listened.status).toBe(400);
    expect(await listened.text()).toContain(VERSIONS.join(', '));
  });

  it.each(UNSERVED)('in a stateless request gets the list of those that are: %s', async (version) => {
    for (const headers of [{}, { 'mcp-protocol-version': version, 'mcp-method': 'tools/list' }]) {
      const response = await post(withMeta({ method: 'tools/list' }, version), headers);
      expect(response.status).toBe(400);
      expectServed(await errorIn(response), version, STATELESS);
    }
  });

  it.each(UNSERVED)('in the header alone gets the list of those that are: %s', async (version) => {
    const response = await post({ method: 'tools/list' }, { 'mcp-protocol-version': version });
    expect(response.status).toBe(400);
    expectServed(await errorIn(response), version);
  });

  it('over stdio gets the list of those that are', async () => {
    const ask = await overStdio([]);
    for (const version of ['2099-01-01', '1999-01-01'])
      expectServed(await ask(withMeta({ method: 'tools/list' }, version)), version, STATELESS);
  });

  it('in initialize is answered with one that is served, as the protocol has it', async () => {
    for (const version of ['2099-01-01', '1999-01-01']) {
      const response = await post(initialize(version));
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('"protocolVersion":"2025-11-25"');
    }
  });

  it('is not repeated at length', async () => {
    const response = await post({ method: 'tools/list' }, { 'mcp-protocol-version': 'x'.repeat(5000) });
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(1000);
  });
});
