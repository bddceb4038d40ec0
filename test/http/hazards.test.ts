import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import {
  answerOn,
  ask,
  dial,
  refuseInternals,
  requestBytes,
  sendBytes,
  type RawAnswer,
} from './raw-client.ts';

const BODY_BYTES = 100_000;
const json = { 'content-type': 'application/json' };
const call = '{"tool_name":"echo","arguments":{"text":"hi"}}';

/** No more than are called: the server is scraped after each hazard. */
const tools = { enabled: ['echo'] };

let server: TestServer;
const unhandled: unknown[] = [];
const remember = (error: unknown): void => {
  unhandled.push(error);
};

beforeAll(async () => {
  process.on('unhandledRejection', remember);
  // Longer than any of the tests may take: how busy the machine is must not decide what is answered.
  const patience = { headersTimeoutSeconds: 600, requestTimeoutSeconds: 600 };
  server = await startTestServer({ server: { bodyBytes: BODY_BYTES, ...patience }, tools });
});

/** After every hazard. */
afterEach(() => expectUnharmed(server));

async function expectUnharmed(server: TestServer): Promise<void> {
  const samples = await server.scrape();
  expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  const answer: unknown = await server.execute('echo', { text: 'still here' });
  expect(answer).toMatchObject({ status: 200, body: { result: 'still here' } });
  expect(server.logs.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  expect(unhandled).toEqual([]);
}

afterAll(async () => {
  await server.stop();
  process.off('unhandledRejection', remember);
});

/** Checks that an answer is an error in the shape of its route, and nothing more. */
function expectProblem({ status, headers, body }: RawAnswer, path: string, expected: Expected): void {
  expect(status).toBe(expected.status);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  const says = expect.stringMatching(expected.says) as string;
  if (path === '/mcp') {
    const error = { code: expected.code ?? -32600, message: says };
    expect(JSON.parse(body)).toEqual({ jsonrpc: '2.0', error, id: null });
  } else {
    expect(JSON.parse(body)).toEqual({
      error: expect.any(String) as string,
      detail: says,
      tool_name: null,
      reason: null,
    });
  }
  refuseInternals(body);
}

interface Expected {
  readonly status: number;
  readonly says: RegExp;
  /** The JSON-RPC error code on /mcp; -32600 (invalid request) if left out. */
  readonly code?: number;
}

interface BodyHazard extends Expected {
  readonly name: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

const PARSE_ERROR = -32700;
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

const BODY_HAZARDS: readonly BodyHazard[] = [
  { name: 'malformed JSON', body: '{"tool_name":', status: 400, code: PARSE_ERROR, says: /not valid JSON/ },
  { name: 'two JSON texts', body: '{}{}', status: 400, code: PARSE_ERROR, says: /not valid JSON/ },
  { name: 'a JavaScript literal', body: '{a: NaN}', status: 400, code: PARSE_ERROR, says: /not valid JSON/ },
  { name: 'an empty body', body: '', status: 400, code: PARSE_ERROR, says: /empty/ },
  {
    name: 'bytes that are not UTF-8',
    body: Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    status: 400,
    code: PARSE_ERROR,
    says: /UTF-8/,
  },
  {
    name: 'a lone surrogate in UTF-8',
    body: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    status: 400,
    code: PARSE_ERROR,
    says: /UTF-8/,
  },
  { name: 'UTF-16', body: Buffer.from(call, 'utf16le'), status: 400, code: PARSE_ERROR, says: /JSON|UTF-8/ },
  { name: '65 levels', body: deep(65), status: 400, code: PARSE_ERROR, says: /64 levels/ },
  { name: '40 000 levels', body: deep(40_000), status: 400, code: PARSE_ERROR, says: /64 levels/ },
  {
    name: '40 000 objects that never end',
    body: '{"a":'.repeat(19_000),
    status: 400,
    code: PARSE_ERROR,
    says: /64 levels/,
  },
  ...['text/plain', 'application/x-www-form-urlencoded', 'text/json', 'application/jsonp', 'application/', '']
    .map((type) => ({ name: `Content-Type ${type}`, headers: { 'content-type': type } }))
    .map((each) => ({ ...each, body: call, status: 415, says: /application\/json/ })),
  {
    name: 'no Content-Type',
    headers: { 'content-type': undefined as unknown as string },
    body: call,
    status: 415,
    says: /application\/json/,
  },
  ...['utf-16', 'latin1', 'utf-7', '"iso-8859-1"', ''].map((charset) => ({
    name: `charset ${charset}`,
    headers: { 'content-type': `application/json; charset=${charset}` },
    body: call,
    status: 415,
    says: /UTF-8/,
  })),
  ...['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip'].map((encoding) => ({
    name: `Content-Encoding ${encoding}`,
    headers: { 'content-encoding': encoding },
    body: gzipSync(call),
    status: 415,
    says: /compressed/,
  })),
  {
    name: 'a gzip bomb',
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(50_000_000)),
    status: 415,
    says: /compressed/,
  },
];

describe.each(['/execute', '/tools/echo/execute', '/mcp'])('POST %s refuses', (path) => {
  it.each(BODY_HAZARDS.map((each) => [each.name, each] as const))('%s', async (_name, hazard) => {
    const { body, headers, ...expected } = hazard;
    expectProblem(await ask(server.url, `POST ${path}`, { ...json, ...headers }, body), path, expected);
  });

  it.each([
    ['one byte too many, announced', BODY_BYTES + 1],
    ['20 MB, announced', 20_000_000],
  ])('%s, before it reads them', async (_name, bytes) => {
    const answer = await ask(server.url, `POST ${path}`, { ...json, 'content-length': bytes });
    expectProblem(answer, path, { status: 413, says: new RegExp(`larger than ${BODY_BYTES} bytes`) });
  });

  // Whoever answers and closes at once loses the answer: what the client still sends resets the connection.
  it.each([
    ['announced, on a connection to keep', true, undefined],
    ['announced, on a connection to close', true, 'close'],
    ['in chunks, on a connection to keep', false, undefined],
    ['in chunks, on a connection to close', false, 'close'],
  ])(
    '20 MB %s, and a client that sends all before it reads gets the answer',
    async (_name, known, connection) => {
      const size = 20_000_000;
      const framing = known ? { 'content-length': size } : { 'transfer-encoding': 'chunked' };
      const socket = await dial(server.url);
      socket.pause();
      socket.write(requestBytes(`POST ${path}`, { ...json, connection, ...framing }));
      const piece = Buffer.alloc(50_000, ' ');
      for (let sent = 0; sent < size; sent += piece.length) {
        const bytes = known ? piece : Buffer.concat([Buffer.from('c350\r\n'), piece, Buffer.from('\r\n')]);
        if (!socket.write(bytes)) await once(socket, 'drain');
      }
      if (!known) socket.write('0\r\n\r\n');
      if (connection === undefined) socket.write(requestBytes('GET /livez'));
      const [first, second] = (await text(socket)).split(/(?<=\})(?=HTTP)/);
      expect(first).toMatch(/^HTTP\/1\.1 413 /);
      if (connection === undefined) expect(second, 'the next request').toMatch(/^HTTP\/1\.1 200 /);
      else expect(second).toBeUndefined();
    },
  );

  it('20 MB sent by an ordinary client, which keeps its connection', async () => {
    const answer = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: json,
      body: Buffer.alloc(20_000_000, ' '),
    });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject(path === '/mcp' ? { jsonrpc: '2.0' } : { reason: null });
  });

  it('nothing of a client that hangs up in the middle of its body, and counts it as 499', async () => {
    const template = path.replace('echo', ':name');
    const gone = { http_route: template, http_response_status_code: '499' };
    const count = async (): Promise<number> =>
      (await server.scrape()).value('http_server_request_duration_seconds_count', gone) ?? 0;
    const before = await count();
    const socket = await dial(server.url);
    const headers = { ...json, 'content-length': 100, expect: '100-continue' };
    socket.write(requestBytes(`POST ${path}`, headers, call.slice(0, 10)));
    const [continues] = (await once(socket, 'data')) as [Buffer];
    expect(continues.toString()).toMatch(/^HTTP\/1\.1 100 /);
    socket.resetAndDestroy();
    await waitFor(async () => {
      expect(await count()).toBe(before + 1);
    });
  });
});

describe('a body at the limit', () => {
  const padded = (bytes: number): string => call.padEnd(bytes, ' ');

  it('is accepted, and a byte order mark with it', async () => {
    for (const body of [padded(BODY_BYTES), `\uFEFF${call}`]) {
      expect(await ask(server.url, 'POST /execute', json, body)).toMatchObject({ status: 200 });
    }
  });

  it.each(['application/json;charset=UTF-8', 'Application/JSON; charset="utf-8"', 'application/json; a=b'])(
    'is accepted as %s',
    async (type) => {
      const answer = await ask(server.url, 'POST /execute', { 'content-type': type }, call);
      expect(answer.status).toBe(200);
    },
  );

  it('counts brackets in strings as text', async () => {
    const body = JSON.stringify({ tool_name: 'echo', arguments: { text: '[{"\\'.repeat(1000) } });
    expect((await ask(server.url, 'POST /execute', json, body)).status).toBe(200);
  });
});

describe('prototype keys', () => {
  const OTHERS = ['"constructor":{"prototype":{"polluted":1}}', '"prototype":1', '"toString":1'];

  const callOverMcp = (more: string): Promise<RawAnswer> => {
    const version = '2026-07-28';
    const meta = {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const headers = {
      ...json,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    };
    const params = `{"name":"echo","arguments":{"text":"x",${more}},"_meta":${JSON.stringify(meta)}}`;
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    return ask(server.url, 'POST /mcp', headers, body);
  };

  afterEach(() => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  const PROTO = ['"__proto__":{"polluted":1}', '"\\u005f_proto__":{"polluted":1}'];
  const refused: Expected = { status: 400, code: PARSE_ERROR, says: /the key __proto__/ };

  it.each(PROTO)('are refused wherever they stand in a body: %s', async (evil) => {
    const execute = (body: string): Promise<RawAnswer> => ask(server.url, 'POST /execute', json, body);
    for (const body of [
      `{"tool_name":"echo",${evil}}`,
      `{"tool_name":"echo","arguments":{"text":"x",${evil}}}`,
      `{"tool_name":"echo","arguments":{"text":[[{${evil}}]]}}`,
    ]) {
      expectProblem(await execute(body), '/execute', refused);
    }
    const text = JSON.stringify({ tool_name: 'echo', arguments: { text: `{${evil}}` } });
    expect((await execute(text)).status, 'as text').toBe(200);
  });

  it.each(PROTO)('are refused in an MCP call, whose parser would drop them silently: %s', async (evil) => {
    expectProblem(await callOverMcp(evil), '/mcp', refused);
  });

  it.each(OTHERS)('are refused like any unknown field: %s', async (evil) => {
    const inBody = await ask(server.url, 'POST /execute', json, `{"tool_name":"echo",${evil}}`);
    expectProblem(inBody, '/execute', { status: 400, says: /Unrecognized key/ });

    const body = `{"tool_name":"echo","arguments":{"text":"x",${evil}}}`;
    const inArguments = await ask(server.url, 'POST /execute', json, body);
    expect(inArguments.status).toBe(422);
    expect(JSON.parse(inArguments.body)).toMatchObject({ tool_name: 'echo', reason: 'invalid_arguments' });

    const overMcp = await callOverMcp(evil);
    expect(overMcp.status).toBe(200);
    expect(JSON.parse(overMcp.body)).toMatchObject({
      result: { isError: true, _meta: { 'nexus-mcp/failure': { reason: 'invalid_arguments' } } },
    });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'name no tool and no setting: %s',
    async (name) => {
      expect((await server.execute(name)).body).toMatchObject({ reason: 'unknown_tool' });
      expect((await fetch(`${server.url}/tools/${name}`)).status).toBe(404);
    },
  );
});

describe('what is not HTTP, or too much of it', () => {
  it.each([
    ['a line of text', 'hello there\r\n\r\n'],
    ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex')],
    ['HTTP/2 without negotiation', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['zeros', Buffer.alloc(100)],
    ['a header without a name', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n'],
    ['a length that is not a number', requestBytes('POST /execute', { ...json, 'content-length': 'ten' })],
    [
      'two ideas of the length (request smuggling)',
      requestBytes(
        'POST /execute',
        { ...json, 'content-length': 5, 'transfer-encoding': 'chunked' },
        '0\r\n\r\n',
      ),
    ],
    [
      'a broken chunk',
      requestBytes(
        'POST /execute',
        { ...json, 'transfer-encoding': 'chunked', 'content-length': undefined },
        'zz\r\n',
      ),
    ],
  ])('answers 400 to %s', async (_name, bytes) => {
    const answer = await sendBytes(server.url, bytes);
    expectProblem(answer, '', { status: 400, says: /not valid HTTP/ });
  });

  it.each([17, 1000])('answers 431 to %s KiB of headers', async (kibibytes) => {
    const answer = await ask(server.url, 'GET /livez', { 'x-big': 'a'.repeat(kibibytes * 1024) });
    expectProblem(answer, '', { status: 431, says: /16 KiB/ });
  });

  it('answers 431 to a huge number of headers', async () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`x-${index}`, '1']));
    expect((await ask(server.url, 'GET /livez', many)).status).toBe(431);
  });

  it('answers 400 to a request without a Host, as HTTP/1.1 demands', async () => {
    const answer = await ask(server.url, 'GET /livez', { host: undefined });
    expectProblem(answer, '/livez', { status: 400, says: /Host/ });
  });
});

describe('slow clients', () => {
  let impatient: TestServer;
  beforeAll(async () => {
    const server = { bodyBytes: BODY_BYTES, headersTimeoutSeconds: 1, requestTimeoutSeconds: 2 };
    impatient = await startTestServer({ server, tools });
  });
  afterEach(() => expectUnharmed(impatient));
  afterAll(() => impatient.stop());

  const POSTS = ['/execute', '/tools/echo/execute', '/mcp'].map((path) => `POST ${path}`);
  const SLOW: readonly (readonly [string, string | Buffer])[] = [
    ['everything', ''],
    ['headers', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nx-slow: '],
    ...POSTS.map((line) => [line, requestBytes(line, { ...json, 'content-length': 1000 }, '{')] as const),
  ];

  it('get 408 when the rest does not arrive, or arrives a byte at a time', async () => {
    const clients = [...SLOW, ...SLOW].map(async ([what, begin], index) => {
      const socket = await dial(impatient.url);
      socket.write(begin);
      const trickles = index >= SLOW.length;
      // Before a request, blank lines are allowed.
      const piece = begin === '' ? '\r\n' : ' ';
      const trickle = trickles ? setInterval(() => socket.writable && socket.write(piece), 50) : undefined;
      const answer = await answerOn(socket);
      clearInterval(trickle);
      return { what, trickles, answer };
    });
    for (const { what, trickles, answer } of await Promise.all(clients)) {
      expect(answer.status, `${what}, ${String(trickles)}`).toBe(408);
      expectProblem(answer, '', { status: 408, says: /too long/ });
    }
  });

  it('get no second answer when they were answered before they had sent all', async () => {
    const lines = ['POST /execute', 'POST /mcp', 'POST /nothing', 'POST /livez'];
    const answers = lines.flatMap((line) =>
      ['close', 'keep-alive'].map(async (connection) => {
        const socket = await dial(impatient.url);
        socket.write(requestBytes(line, { ...json, connection, 'content-length': 10_000_000 }, '{'));
        return text(socket);
      }),
    );
    for (const answer of await Promise.all(answers)) expect(answer.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
  });

  it('do not keep a connection by never closing their end', async () => {
    const openFiles = async (): Promise<number> => (await impatient.scrape()).value('process_open_fds') ?? 0;
    const before = await openFiles();
    const broken = [...SLOW.map(([, begin]) => begin), 'hello there\r\n\r\n', Buffer.alloc(100)];
    const begins = Array.from({ length: 10 }, () => broken).flat();
    const clients = await Promise.all(
      begins.map(async (begin) => {
        const client = await dial(impatient.url, { allowHalfOpen: true });
        client.write(begin);
        return client;
      }),
    );
    for (const client of clients) expect(await text(client)).toMatch(/^HTTP\/1\.1 4/);
    // The clients' own ends are files of this process too.
    await waitFor(async () => {
      expect(await openFiles()).toBeLessThan(before + clients.length + 10);
    });
    for (const client of clients) client.destroy();
  });
});

describe('routes', () => {
  const GET = 'GET, HEAD';
  it.each([
    ['PUT', '/mcp', 'POST, GET, DELETE'],
    ['PATCH', '/mcp', 'POST, GET, DELETE'],
    ['OPTIONS', '/mcp', 'POST, GET, DELETE'],
    ['TRACE', '/mcp', 'POST, GET, DELETE'],
    ['GET', '/execute', 'POST'],
    ['DELETE', '/execute', 'POST'],
    ['OPTIONS', '/execute', 'POST'],
    ['GET', '/tools/echo/execute', 'POST'],
    ['GET', '/tools/%00/execute', 'POST'],
    ['POST', '/tools', GET],
    ['DELETE', '/tools/echo', GET],
    ['POST', '/metrics', GET],
    ['POST', '/livez', GET],
    ['POST', '/healthz', GET],
    ['PUT', '/readyz', GET],
    ['POST', '/openapi.json', GET],
    ['POST', '/', GET],
  ])('answer 405 to %s %s and say what they take', async (method, path, allow) => {
    const answer = await ask(server.url, `${method} ${path}`);
    expectProblem(answer, path, { status: 405, says: /only/ });
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort());
  });

  it.each([
    '/nothing',
    '/tools/echo/nothing',
    '/execute/echo',
    '/mcp/nothing',
    '/.env',
    '//etc/passwd',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/health',
    '/metrics.json',
    '/%zz',
    '/%00',
    `/${'a'.repeat(8000)}`,
  ])('that do not exist answer 404: %s', async (path) => {
    const answer = await ask(server.url, `GET ${path}`);
    expectProblem(answer, path, { status: 404, says: /openapi\.json/ });
  });

  it.each(['GET /tools/%zz', 'GET /tools/%E0%A4%A', 'POST /tools/%ff%fe/execute'])(
    'answer 400 to a path whose percent-encoding is broken: %s',
    async (line) => {
      expectProblem(await ask(server.url, line, json, '{}'), '', { status: 400, says: /malformed/ });
    },
  );

  it.each(['/mcp/', '/MCP', '/mcp?a=b'])('speak JSON-RPC however /mcp is spelled: %s', async (path) => {
    const answer = await ask(server.url, `POST ${path}`, json, '{');
    expectProblem(answer, '/mcp', { status: 400, code: PARSE_ERROR, says: /not valid JSON/ });
  });

  it.each([
    'null',
    '5',
    '"text"',
    '[]',
    '{}',
    'true',
    '{"jsonrpc":"2.0"}',
    '[null]',
    '{"jsonrpc":"1.0","id":1}',
  ])('answer 400 to JSON that is no JSON-RPC message: %s', async (body) => {
    const answer = await ask(server.url, 'POST /mcp', json, body);
    expectProblem(answer, '/mcp', { status: 400, says: /./ });
  });
});

it('keeps a tool call apart from the garbage that follows it on the connection', async () => {
  const socket = await dial(server.url);
  const headers = { ...json, connection: undefined };
  socket.write(requestBytes('POST /execute', headers, call));
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toContain('"result":"hi"');
  socket.write('garbage\r\n\r\n');
  expect((await answerOn(socket)).status).toBe(400);
});

it('keeps an open stream apart from the garbage that its client sends', async () => {
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  };
  const accept = 'application/json, text/event-stream';
  const opened = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { ...json, accept },
    body: JSON.stringify(initialize),
  });
  await opened.text();
  const session = opened.headers.get('mcp-session-id') ?? '';
  const socket = await dial(server.url);
  const headers = { accept, 'mcp-session-id': session, connection: undefined };
  socket.write(requestBytes('GET /mcp', headers));
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1\.1 200 [^]*text\/event-stream/);
  socket.write('garbage\r\n\r\n');
  expect(await text(socket)).not.toContain('HTTP/1.1');
});

it('answers many broken requests at a time', async () => {
  // Fewer than the burst of a client's quota, however fast they are answered.
  const hazards = Array.from({ length: 10 }, () => BODY_HAZARDS).flat();
  const answers = await Promise.all(
    hazards.map(({ headers, body }) => ask(server.url, 'POST /execute', { ...json, ...headers }, body)),
  );
  expect(answers.map(({ status }) => status)).toEqual(hazards.map(({ status }) => status));
});

it('accepts a body only after it agreed to (Expect: 100-continue)', async () => {
  const request = httpRequest(`${server.url}/execute`, {
    method: 'POST',
    headers: { ...json, expect: '100-continue', 'content-length': Buffer.byteLength(call) },
  });
  request.flushHeaders();
  await once(request, 'continue');
  request.end(call);
  const [response] = (await once(request, 'response')) as [
    Parameters<typeof text>[0] & { statusCode: number },
  ];
  expect(response.statusCode).toBe(200);
  expect(await text(response)).toContain('"result":"hi"');
});
