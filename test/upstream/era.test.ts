import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { linkTo } from '../support/raw-link.ts';
import { answer, RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer } from '../support/test-server.ts';
import { isIn, UNHURRIED } from './state-now.ts';

const upstream = new RawUpstream();
let url: string;

beforeAll(async () => {
  url = await upstream.listen();
});

beforeEach(() => {
  upstream.behaviour = {};
  upstream.received.length = 0;
});

afterAll(() => upstream.close());

const status =
  (code: number): Behaviour =>
  (_message, response) =>
    response.writeHead(code).end('not of MCP');

describe('the era of an upstream', () => {
  it.each<readonly [string, Behaviour, RegExp]>([
    ...[401, 403, 408, 429, 500, 502, 503, 504].map(
      (code) => [`HTTP ${code}`, status(code), new RegExp(`HTTP ${code}`)] as const,
    ),
    ['a lost connection', (_message, response) => response.destroy(), /connection/],
    ['a redirect', status(307), /redirects/],
  ])('is not told by %s in answer to server/discover', async (_what, behaviour, why) => {
    upstream.behaviour = { 'server/discover': behaviour };
    await expect(linkTo(url, {}, 'unknown')).rejects.toThrow(why);
    expect(upstream.received.map(({ method }) => method)).toEqual(['server/discover']);
  });

  it('is not told by silence', async () => {
    upstream.behaviour = { 'server/discover': () => undefined };
    await expect(linkTo(url, { seconds: 0.2 }, 'unknown')).rejects.toThrow('no answer within 0.2 s');
    expect(upstream.count('initialize')).toBe(0);
  });

  it.each([400, 404, 405])(
    'is that of 2025 where HTTP %d says that there is no server/discover',
    async (code) => {
      upstream.behaviour = { 'server/discover': status(code) };
      const { link, call, close } = await linkTo(url, {}, 'unknown');
      expect(link.isModern).toBe(false);
      expect(upstream.count('initialize')).toBe(1);
      await call();
      await close();
    },
  );

  it('is known when sessions are opened for callers', async () => {
    let sessions = 0;
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', `s${(sessions += 1)}`);
        return upstream.usual(message, response);
      },
      'tools/call': (message, response, { headers }) =>
        answer(response, message, { content: [{ type: 'text', text: headers['mcp-session-id'] }] }),
    };
    const server = await startTestServer(
      { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url }] },
      undefined,
      UNHURRIED,
    );
    await isIn(server, 'up');
    expect((await server.execute('raw_works')).body.result).toBe('s2');
    expect(upstream.count('initialize')).toBe(2);
    expect(upstream.count('server/discover')).toBe(1);
    await server.stop();
  });
});
