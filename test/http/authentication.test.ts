import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldOf } from '../../src/monitoring/door/message.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { ask, refuseInternals } from './raw-client.ts';

const HEADER_TOOL = fileURLToPath(new URL('../support/header-tool.ts', import.meta.url));

const WIDE = 'wide-token-0123456789abcdef';
const NARROW = 'narrow-token-0123456789abcdef';
const BY_TOOLSET = 'toolset-token-0123456789abcdef';
const OTHER = 'other-token-that-nobody-was-given';
const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
writeFileSync(
  tokensFile,
  `- {name: wide, token: ${WIDE}}\n- {name: narrow, token: ${NARROW}, tools: [echo, add]}\n` +
    `- {name: by-toolset, token: ${BY_TOOLSET}, tools: [encoding, add]}\n`,
);

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
const echo = '{"tool_name":"echo","arguments":{"text":"hi"}}';
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** The routes that need a token, each with a request that would be served. */
const GUARDED: readonly (readonly [line: string, body: string])[] = [
  ['GET /tools', ''],
  ['GET /tools/echo', ''],
  ['GET /openapi.json', ''],
  ['POST /execute', echo],
  ['POST /tools/echo/execute', '{"arguments":{"text":"hi"}}'],
  ['POST /mcp', '{}'],
  ['GET /mcp', ''],
  ['DELETE /mcp', ''],
];
const OPEN = ['/', '/livez', '/healthz', '/readyz', '/metrics'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ auth: { tokensFile }, tools: { modules: [FIXTURE_TOOLS, HEADER_TOOL] } });
});
afterAll(async () => {
  await server.stop();
  const everything = JSON.stringify(server.logs);
  for (const token of [WIDE, NARROW, OTHER]) expect(everything).not.toContain(token);
});

const failures = async (reason: string): Promise<number> =>
  (await server.scrape()).value('mcp_auth_failures_total', { reason }) ?? 0;

const REFUSALS = [
  ['missing', 'no token', undefined, 'Bearer realm="nexus-mcp"'],
  ['malformed', 'another scheme', 'Basic d2lkZTp0b2tlbg==', undefined],
  ['malformed', 'a token without its scheme', WIDE, undefined],
  ['malformed', 'a scheme without a token', 'Bearer ', undefined],
  ['malformed', 'two tokens', `Bearer ${WIDE} ${NARROW}`, undefined],
  ['malformed', 'a token in quotes', `Bearer "${WIDE}"`, undefined],
  ['malformed', 'a token as a parameter', `Bearer token=${WIDE}`, undefined],
  ['malformed', 'an empty header', '', undefined],
  ['unknown_token', 'a token nobody was given', `Bearer ${OTHER}`, undefined],
  ['unknown_token', 'the beginning of a token', `Bearer ${WIDE.slice(0, -1)}`, undefined],
  ['unknown_token', 'more than a token', `Bearer ${WIDE}a`, undefined],
  ['unknown_token', 'a token in upper case', `Bearer ${WIDE.toUpperCase()}`, undefined],
] as const;

describe.each(GUARDED)('%s', (line, body) => {
  it.each(REFUSALS)('refuses as %s: %s', async (reason, _name, authorization, challenge) => {
    const before = await failures(reason);
    const answer = await ask(server.url, line, { ...json, authorization }, body);
    expect(answer.status).toBe(401);
    // RFC 6750 section 3.1: no error code when there was no token.
    expect(answer.headers.get('www-authenticate')).toBe(
      challenge ?? 'Bearer realm="nexus-mcp", error="invalid_token"',
    );
    const detail = expect.any(String) as string;
    expect(JSON.parse(answer.body)).toEqual(
      line.endsWith('/mcp')
        ? { jsonrpc: '2.0', error: { code: -32600, message: detail }, id: null }
        : { error: 'Unauthorized', detail, tool_name: null, reason: null },
    );
    refuseInternals(answer.body);
    for (const token of [WIDE, NARROW, OTHER]) expect(answer.body).not.toContain(token);
    expect(await failures(reason)).toBe(before + 1);
  });
});

describe('a token', () => {
  it.each([`Bearer ${WIDE}`, `bearer ${WIDE}`, `BEARER   ${WIDE} `])(
    'is accepted as "%s"',
    async (authorization) => {
      const answer = await ask(server.url, 'POST /execute', { ...json, authorization }, echo);
      expect(answer.status).toBe(200);
    },
  );

  it('is not looked for in the query, where logs and histories would keep it', async () => {
    for (const query of [`access_token=${WIDE}`, `token=${WIDE}`])
      expect((await ask(server.url, `GET /tools?${query}`)).status).toBe(401);
  });

  it('is asked for before the body is read', async () => {
    const answer = await ask(server.url, 'POST /execute', { ...json, 'content-length': 1_000_000_000 });
    expect(answer.status).toBe(401);
  });

  it('appears neither in the log, nor in the metrics, nor in an answer', async () => {
    await server.execute('echo', { text: 'hi' }, { headers: bearer(NARROW) });
    await server.execute('throws', {}, { headers: bearer(WIDE) });
    await server.execute('throws', {}, { headers: bearer(NARROW) });
    await server.execute('echo', {}, { headers: bearer(OTHER) });
    const answers = await Promise.all(
      ['/metrics', '/tools', '/openapi.json', '/'].map(async (path) =>
        (await fetch(`${server.url}${path}`, { headers: bearer(WIDE) })).text(),
      ),
    );
    const everything = [JSON.stringify(server.logs), ...answers].join('\n');
    for (const token of [WIDE, NARROW, OTHER]) expect(everything).not.toContain(token);
    const callers = server.logs.filter(({ msg }) => msg === 'tool call').map(({ caller }) => caller);
    expect(callers).toContain('narrow');
    expect(callers).toContain('wide');
  });
});

describe('a token for few tools', () => {
  const namesIn = async (token: string): Promise<string[]> => {
    const response = await fetch(`${server.url}/tools`, { headers: bearer(token) });
    const { tools, count } = (await response.json()) as { tools: { name: string }[]; count: number };
    expect(count).toBe(tools.length);
    return tools.map(({ name }) => name).sort();
  };

  it('sees only those in GET /tools and in GET /tools/{name}', async () => {
    expect(await namesIn(NARROW)).toEqual(['add', 'echo']);
    expect((await namesIn(WIDE)).length).toBeGreaterThan(25);
    const show = (name: string) => fetch(`${server.url}/tools/${name}`, { headers: bearer(NARROW) });
    expect((await show('echo')).status).toBe(200);
    const [hidden, unknown] = [await show('divide'), await show('nope')];
    expect(hidden.status).toBe(404);
    expect(await hidden.text(), 'no telling whether it exists').toBe(await unknown.text());
  });

  it('may name them by their toolset', async () => {
    expect(await namesIn(BY_TOOLSET)).toEqual([
      'add',
      'base64_decode',
      'base64_encode',
      'url_decode',
      'url_encode',
    ]);
  });

  it('is refused at the start when it names one that there is not', async () => {
    const misspelt = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
    writeFileSync(misspelt, `- {name: ci, token: ${NARROW}, tools: [ad, calculator]}\n`);
    await expect(startTestServer({ auth: { tokensFile: misspelt } })).rejects.toThrow(
      new Error('auth.tokensFile: tools of ci: there is no tool or toolset ad; did you mean add?'),
    );
  });

  it('sees only those in /openapi.json', async () => {
    const response = await fetch(`${server.url}/openapi.json`, { headers: bearer(NARROW) });
    const { paths } = (await response.json()) as { paths: Record<string, unknown> };
    expect(Object.keys(paths).sort()).toEqual([
      '/execute',
      '/tools',
      '/tools/add/execute',
      '/tools/echo/execute',
      '/tools/{name}',
    ]);
    expect(JSON.stringify(paths)).not.toContain('divide');
  });

  it.each(ERAS)('sees and calls only those over MCP %s', async (era) => {
    const { client } = await connectClient(server.url, era, { headers: bearer(NARROW) });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(['add', 'echo']);
    const { content } = await client.callTool({ name: 'add', arguments: { a: 5, b: 3 } });
    expect(content).toEqual([{ type: 'text', text: '8' }]);
    const answerTo = (name: string): Promise<unknown> =>
      client
        .callTool({ name, arguments: { a: 1, b: 1 } })
        .catch((error: unknown) => ({ code: fieldOf(error, 'code'), message: fieldOf(error, 'message') }));
    const hidden = await answerTo('divide');
    expect(hidden).toMatchObject({ code: -32602 });
    expect(hidden).toEqual(await answerTo('nope'));
    await client.close();
  });

  it.each(ERAS)('leaves another token all tools over MCP %s', async (era) => {
    const { client } = await connectClient(server.url, era, { headers: bearer(WIDE) });
    const { tools } = await client.listTools();
    expect(tools.length).toBeGreaterThan(25);
    await client.close();
  });

  it('is not told which headers other tools take', async () => {
    const answerTo = async (name: string, token: string): Promise<unknown> => {
      const headers = {
        ...{ ...json, ...bearer(token) },
        ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
      };
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      const params = { name, arguments: { region: 'here' }, _meta };
      const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
      const { status, body } = await ask(server.url, 'POST /mcp', headers, call);
      return { status, body };
    };
    expect(await answerTo('routed', WIDE)).toMatchObject({ status: 400 });
    expect(await answerTo('routed', NARROW)).toEqual(await answerTo('nope', NARROW));
  });

  it('is told that other tools are not there, which is counted and logged under their names', async () => {
    const denied = async (): Promise<number> =>
      (await server.scrape()).value('mcp_tool_errors_total', { tool_name: 'divide', reason: 'denied' }) ?? 0;
    const before = await denied();
    const answerTo = async (line: string, tool: string, body: object): Promise<unknown> => {
      const headers = { ...json, ...bearer(NARROW) };
      const answer = await ask(server.url, line.replace('NAME', tool), headers, JSON.stringify(body));
      return { ...answer, headers: undefined, body: answer.body.replaceAll(tool, 'NAME') };
    };
    const args = { arguments: { a: 1, b: 0 } };
    for (const [line, body] of [
      ['GET /tools/NAME', () => ({})],
      ['POST /tools/NAME/execute', () => args],
      ['POST /execute', (tool_name: string) => ({ tool_name, ...args })],
    ] as const) {
      const hidden = await answerTo(line, 'divide', body('divide'));
      expect(hidden, line).toMatchObject({ status: 404 });
      expect(hidden, line).toEqual(await answerTo(line, 'nope', body('nope')));
    }
    expect(await denied()).toBe(before + 2);
    expect(server.logs.filter(({ tool }) => tool === 'divide').at(-1)).toMatchObject({
      ...{ reason: 'denied', caller: 'narrow' },
    });
  });
});

describe('a session', () => {
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    },
  });

  it('opened with one token is not there for another', async () => {
    const opened = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { ...json, ...bearer(WIDE) },
      body: initialize,
    });
    await opened.text();
    const session = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    const use = (method: string, token: string, body?: string): Promise<Response> =>
      fetch(`${server.url}/mcp`, {
        method,
        headers: { ...json, ...bearer(token), ...session },
        ...(body !== undefined && { body }),
      });
    const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}';
    expect((await use('POST', NARROW, list)).status).toBe(404);
    expect((await use('DELETE', NARROW)).status).toBe(404);
    expect((await use('GET', NARROW)).status).toBe(404);
    expect((await server.scrape()).value('mcp_session_not_found_total')).toBe(3);
    const own = await use('POST', WIDE, list);
    expect(await own.text(), 'still there for its own').toContain('"divide"');
    expect((await use('DELETE', WIDE)).status).toBe(200);
  });
});

describe('without a token', () => {
  it.each(OPEN)('%s is open', async (path) => {
    expect((await ask(server.url, `GET ${path}`)).status).toBe(200);
  });

  it('what does not exist is 404 and a wrong method 405, as for everyone', async () => {
    expect((await ask(server.url, 'GET /nothing')).status).toBe(404);
    expect((await ask(server.url, 'GET /execute')).status).toBe(405);
  });
});

describe('auth.token', () => {
  it('is one token for all tools, beside those of the file', async () => {
    const both = await startTestServer({ auth: { tokensFile, token: OTHER } });
    try {
      const status = async (token: string): Promise<number> =>
        (await ask(both.url, 'POST /execute', { ...json, ...bearer(token) }, echo)).status;
      expect([await status(OTHER), await status(WIDE), await status(NARROW)]).toEqual([200, 200, 200]);
      expect(await status('neither-of-the-tokens')).toBe(401);
      expect(JSON.stringify(both.logs)).not.toContain(OTHER);
    } finally {
      await both.stop();
    }
  });
});

describe('a token that two sources have', () => {
  const file = (content: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
    writeFileSync(path, content);
    return path;
  };

  it.each([
    [
      'the name of auth.token, whose sessions it would share',
      `- {name: default, token: ${NARROW}}`,
      /default/,
    ],
    ['the same token under a name of its own', `- {name: other, token: ${OTHER}, tools: []}`, /same token/],
  ])('stops the start: %s', async (_name, content, says) => {
    const starting = startTestServer({ auth: { token: OTHER, tokensFile: file(content) } });
    const { message } = (await starting.catch((error: unknown) => error)) as Error;
    expect(message).toMatch(says);
    for (const token of [OTHER, NARROW]) expect(message).not.toContain(token);
  });
});

describe('metrics.needToken', () => {
  let strict: TestServer;
  beforeAll(async () => {
    strict = await startTestServer({ auth: { tokensFile }, metrics: { needToken: true } });
  });
  afterAll(() => strict.stop());

  it.each(['/metrics', '/'])(
    'closes %s to those without a token, and opens it to all with one',
    async (path) => {
      const refused = await ask(strict.url, `GET ${path}`);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="nexus-mcp"');
      expect((await ask(strict.url, `GET ${path}`, bearer(NARROW))).status).toBe(200);
    },
  );

  it.each(['/livez', '/healthz', '/readyz'])('leaves the probe %s open', async (path) => {
    expect((await ask(strict.url, `GET ${path}`)).status).toBe(200);
  });

  it('does not reach the operations port', async () => {
    const split = await startTestServer({
      auth: { tokensFile },
      metrics: { needToken: true },
      ops: { port: 0, host: '127.0.0.1' },
    });
    try {
      expect((await ask(String(split.opsUrl), 'GET /metrics')).status).toBe(200);
    } finally {
      await split.stop();
    }
  });
});

describe('the warning of a server that anyone can call', () => {
  const warnings = async (settings: Record<string, Record<string, unknown>>): Promise<unknown[]> => {
    const started = await startTestServer(settings);
    await started.stop();
    return started.logs.filter(({ level }) => level === 'warn');
  };
  const says = [
    expect.objectContaining({ msg: expect.stringMatching(/ANYONE .*auth\.tokensFile/) as string }) as object,
  ];

  it.each(['0.0.0.0', '::'])('is logged on %s without authentication', async (host) => {
    expect(await warnings({ server: { host } })).toEqual(says);
  });

  it.each(['127.0.0.1', 'localhost', '::1', '127.0.0.2'])('is not logged on %s', async (host) => {
    expect(await warnings({ server: { host } })).toEqual([]);
  });

  it('is not logged with authentication', async () => {
    expect(await warnings({ server: { host: '0.0.0.0' }, auth: { tokensFile } })).toEqual([]);
    expect(await warnings({ server: { host: '0.0.0.0' }, auth: { token: OTHER } })).toEqual([]);
  });
});
