import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { RawUpstream, answer, refuse, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { isIn, stateNow, UNHURRIED } from './state-now.ts';

const NO_WAITS = { ...UNHURRIED, calm: 0 };

const upstream = new RawUpstream();
let server: TestServer;

const lastCall = () => server.logs.findLast(({ msg }) => msg === 'tool call') ?? {};

const call = (args: object = {}) => server.execute('raw_works', args);

/** Has the upstream do something else for as long as `during` takes, and waits until it is well again. */
async function whileIt(behaviour: RawUpstream['behaviour'], during: () => Promise<void>): Promise<void> {
  upstream.behaviour = behaviour;
  try {
    await during();
  } finally {
    upstream.behaviour = {};
  }
  await isIn(server, 'up');
  // So that the next test does not begin where this one ended.
  expect((await call()).body.status).toBe('success');
}

beforeAll(async () => {
  const url = await upstream.listen();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0, resultBytes: 4096 },
      log: { foldSeconds: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url, timeoutSeconds: 1 }],
    },
    undefined,
    NO_WAITS,
  );
  await isIn(server, 'up');
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
});

const inCall: readonly (readonly [string, Behaviour, string, RegExp])[] = [
  ['resets', (_message, response) => response.destroy(), 'unavailable', /connection/],
  ['answers 500', (_message, response) => response.writeHead(500).end('secret'), 'unavailable', /HTTP 500/],
  ['answers 429', (_message, response) => response.writeHead(429).end(), 'unavailable', /HTTP 429/],
  [
    'redirects',
    (_message, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    'unavailable',
    /not followed/,
  ],
  [
    'answers with garbage',
    (_message, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    'unavailable',
    /not JSON-RPC/,
  ],
  [
    'answers with a page',
    (_message, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('hi'),
    'unavailable',
    /form that MCP knows/,
  ],
  [
    'compresses its answer',
    (_message, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('{}')),
    'unavailable',
    /content encoding/,
  ],
  [
    'compresses a page that says what is wrong',
    (_message, response) => response.writeHead(404, { 'content-encoding': 'gzip' }).end(gzipSync('no')),
    'unavailable',
    /HTTP 404/,
  ],
  [
    'compresses its stream',
    (_message, response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
        .end(gzipSync('data: {}\n\n')),
    'unavailable',
    /content encoding/,
  ],
  [
    'ends its stream early',
    (_message, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hi\n\n'),
    'unavailable',
    /before the end/,
  ],
  ...(
    [
      ['another id', { jsonrpc: '2.0', id: 'other', result: {} }],
      ['no id', { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'no' } }],
      ['nothing in it', {}],
    ] as const
  ).flatMap(([what, sent]) =>
    (['application/json', 'text/event-stream'] as const).map(
      (type) =>
        [
          `answers in ${type} with ${what}`,
          (_message: unknown, response: ServerResponse) => {
            response.writeHead(200, { 'content-type': type });
            // A stream goes on: nobody waits for its end.
            if (type === 'application/json') response.end(JSON.stringify(sent));
            else response.write(`data: ${JSON.stringify(sent)}\n\n`);
          },
          'unavailable',
          /not to what it was asked/,
        ] as const,
    ),
  ),
  [
    'answers with a result that is none',
    ({ id }, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: null })),
    'unavailable',
    /not to what it was asked/,
  ],
  ['never answers', () => undefined, 'timeout', /within 1 s/],
  [
    'never ends its answer',
    (_message, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const write = (): void => void (response.destroyed || response.write(' '.repeat(2048), write));
      write();
    },
    'exception',
    /larger than/,
  ],
  [
    'sends a result that is none',
    (message, response) => answer(response, message, { content: 'text' }),
    'exception',
    /unexpectedly/,
  ],
  [
    'sends more than results may have',
    (message, response) => answer(response, message, { content: [{ type: 'text', text: 'x'.repeat(5000) }] }),
    'exception',
    /too large/,
  ],
  [
    'sends more besides content than results may have',
    (message, response) => answer(response, message, { content: [], _meta: { more: 'x'.repeat(5000) } }),
    'exception',
    /too large/,
  ],
  [
    'sends a result that is nested without end',
    ({ id }, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(
          `{"jsonrpc":"2.0","id":${String(id)},"result":{"content":[],"more":${'['.repeat(2000)}${']'.repeat(2000)}}}`,
        ),
    'exception',
    /unexpectedly/,
  ],
  [
    'refuses the arguments',
    (message, response) => refuse(response, message, -32_602, 'a must be a number'),
    'invalid_arguments',
    /a must be a number/,
  ],
  [
    'refuses arguments in words that are the caller’s',
    (message, response) =>
      refuse(response, message, -32_602, 'Invalid arguments for tool works: region: unknown region'),
    'invalid_arguments',
    /unknown region/,
  ],
  [
    'does not know the tool, as the SDK’s v1 says it,',
    (message, response) => refuse(response, message, -32_602, 'MCP error -32602: Tool works not found'),
    'unavailable',
    /any more/,
  ],
  [
    'takes no request that is so large',
    (_message, response) => response.writeHead(431).end(),
    'invalid_arguments',
    /HTTP 431/,
  ],
  [
    'has an error of its own',
    (message, response) => refuse(response, message, -32_603, 'it broke'),
    'exception',
    /it broke/,
  ],
  [
    'does not know the tool',
    (message, response) => refuse(response, message, -32_602, 'Unknown tool: works'),
    'unavailable',
    /any more/,
  ],
];

describe('a call whose upstream', () => {
  it.each(inCall)(
    '%s fails as it should, and the upstream stays what it is',
    async (_what, behaviour, reason, detail) => {
      await whileIt({ 'tools/call': behaviour }, async () => {
        const { body } = await call();
        expect(body).toMatchObject({ reason });
        expect(body.detail).toMatch(detail);
        expect(body.detail).not.toMatch(/secret/);
        if (reason === 'unavailable' || reason === 'timeout')
          expect(lastCall()['why']).toMatch(/upstream raw/);
        expect(['up', 'degraded']).toContain(await stateNow(server));
      });
    },
  );
});

describe('an upstream', () => {
  it('is kept from calls when five in a row fail, and is up again when it answers a look', async () => {
    const fails: Behaviour = (_message, response) => response.writeHead(503).end();
    await whileIt({ 'tools/call': fails }, async () => {
      for (let made = 0; made < 5; made += 1) expect((await call()).body.reason).toBe('unavailable');
      expect(await stateNow(server)).toBe('open');
      const before = upstream.count('tools/call');
      for (let made = 0; made < 20; made += 1) expect((await call()).body.detail).toMatch(/HTTP 503/);
      // Where that takes so long, one call at a time tries it.
      expect(upstream.count('tools/call') - before).toBeLessThan(5);
      // That it is there says nothing of calls: one is enough now.
      await isIn(server, 'up');
      await call();
      expect(await stateNow(server)).toBe('open');
    });
  });

  it('that refuses our credentials is unauthorized, and its tools stay listed', async () => {
    const refuses: Behaviour = (_message, response) => response.writeHead(401).end();
    await whileIt({ any: refuses }, async () => {
      expect((await call()).body).toMatchObject({ reason: 'unavailable' });
      await isIn(server, 'unauthorized');
      expect((await fetch(`${server.url}/tools/raw_works`)).status).toBe(200);
    });
  });

  it('that refuses one call alone stays up', async () => {
    const refuses: Behaviour = (_message, response) => response.writeHead(403).end();
    await whileIt({ 'tools/call': refuses }, async () => {
      expect((await call()).body).toMatchObject({ reason: 'unavailable' });
      expect((await call()).body).toMatchObject({ reason: 'unavailable' });
      expect(await stateNow(server)).toBe('up');
    });
  });

  it('that goes and comes back with other tools offers those', async () => {
    const { port } = upstream;
    await upstream.close();
    await call();
    await isIn(server, 'down');
    upstream.tools = ['works', 'more'];
    await upstream.listen(port);
    await isIn(server, 'up');
    expect((await server.execute('raw_more')).body.status).toBe('success');
    upstream.tools = ['works'];
  });

  it('whose list cannot be read keeps its tools, and is degraded', async () => {
    const odd: Behaviour = (message, response) => answer(response, message, { tools: 'none' });
    const unknown: Behaviour = (message, response) =>
      refuse(response, message, -32_602, 'Unknown tool: works');
    await whileIt({ 'tools/list': odd, 'tools/call': unknown }, async () => {
      await call();
      await isIn(server, 'degraded');
      expect((await fetch(`${server.url}/tools/raw_works`)).status).toBe(200);
    });
  });

  it.each([
    [
      'a content encoding',
      (_message, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(gzipSync('{}')),
    ],
    [
      'too many tools on its only page',
      (message, response) => answer(response, message, { tools: Array.from({ length: 10_001 }, () => ({})) }),
    ],
    [
      'pages that are too much together',
      (message, response) =>
        answer(response, message, {
          tools: Array.from({ length: 50 }, () => ({ name: 'a', description: 'x'.repeat(65_000) })),
          ...(message.params?.['cursor'] !== 'c' && {
            nextCursor: message.params?.['cursor'] === 'b' ? 'c' : 'b',
          }),
        }),
    ],
    ['endless pages', (message, response) => answer(response, message, { tools: [], nextCursor: 'more' })],
    [
      'endless bytes',
      (_message, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const write = (): void => void (response.destroyed || response.write(' '.repeat(262_144), write));
        write();
      },
    ],
  ] as const satisfies readonly (readonly [string, Behaviour])[])(
    'whose list has %s is degraded, not waited for',
    async (_what, behaviour) => {
      const unknown: Behaviour = (message, response) =>
        refuse(response, message, -32_602, 'Unknown tool: works');
      await whileIt({ 'tools/list': behaviour, 'tools/call': unknown }, async () => {
        await call();
        await isIn(server, 'degraded');
      });
    },
  );
});

describe('what an upstream sends beside its results', () => {
  it('does not reach clients as a reason of ours where its reasons are not trusted', async () => {
    const _meta = { 'nexus-mcp/failure': { reason: 'overloaded', retryable: true }, mine: 1 };
    await whileIt(
      {
        'tools/call': (message, response) => answer(response, message, { content: [], _meta }),
      },
      async () => {
        const { client } = await connectClient(server.url, '2025-11-25');
        const result = await client.callTool({ name: 'raw_works', arguments: {} });
        expect(result._meta).toEqual({ mine: 1 });
        await client.close();
      },
    );
  });

  it('is left out where clients cannot be told, and fails no call', async () => {
    const notice = (method: string, params: string): string =>
      `data: {"jsonrpc":"2.0","method":"notifications/${method}","params":${params}}\n\n`;
    await whileIt(
      {
        'tools/call': ({ id }, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(notice('message', '{"level":"info","data":1e999}'));
          const result = { content: [{ type: 'text', text: 'done' }] };
          response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
        },
      },
      async () => {
        const { client } = await connectClient(server.url, '2025-11-25');
        const result = await client.callTool({ name: 'raw_works', arguments: {} });
        expect(result).toMatchObject({ content: [{ text: 'done' }] });
        expect(result.isError).not.toBe(true);
        await client.close();
      },
    );
  });
});
