import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { _meta as META } from '../support/raw-stdio.ts';
import { answer, RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp, UNHURRIED } from './state-now.ts';

interface Hints {
  readonly ttlMs?: unknown;
  readonly cacheScope?: unknown;
}

/** A server of 2026-07-28 whose list has a page for each of the hints. */
class HintingUpstream extends RawUpstream {
  pages: readonly Hints[] = [{ ttlMs: 60_000, cacheScope: 'public' }];

  override behaviour: Partial<Record<string, Behaviour>> = {
    'server/discover': (message, response) =>
      answer(response, message, {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        serverInfo: { name: 'raw', version: '1' },
        ttlMs: 0,
        cacheScope: 'public',
      }),
    'tools/list': (message, response) => {
      const page = Number(message.params?.['cursor'] ?? 0);
      return answer(response, message, {
        resultType: 'complete',
        tools: [{ name: `of_${page}`, inputSchema: { type: 'object' } }],
        ...(page + 1 < this.pages.length && { nextCursor: String(page + 1) }),
        ...this.pages[page],
      });
    },
  };
}

const one = new HintingUpstream();
const two = new HintingUpstream();
/** Of the 2025 era, which has no hints. */
const old = new RawUpstream();
let server: TestServer;

beforeAll(async () => {
  const servers = Object.entries({ one, two, old });
  const upstreams = await Promise.all(
    servers.map(async ([name, upstream]) => ({ name, url: await upstream.listen() })),
  );
  server = await startTestServer({ tools: { enabled: ['add'] }, upstreams }, undefined, {
    ...UNHURRIED,
    listAtMost: 0.05,
  });
  await areUp(server, 'one', 'two', 'old');
});

afterAll(async () => {
  await server.stop();
  await Promise.all([one, two, old].map((upstream) => upstream.close()));
});

/** What a client of 2026-07-28 is told of keeping the list. */
async function hintsFor(url: string, meta: object, headers = {}): Promise<Hints> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? (/^data: (.+)$/m.exec(text)?.[1] ?? '')
    : text;
  const { ttlMs, cacheScope } = (JSON.parse(json) as { readonly result: Hints }).result;
  return { ttlMs, cacheScope };
}

const REQUESTS = [
  ['as most clients ask', META],
  ['with something of the client’s own', { ...META, 'com.example/own': 1 }],
] as const;

describe.each(REQUESTS)('the list may be kept, asked for it %s', (_how, meta) => {
  // Each differs from the one before in what is told.
  it.each<readonly [string, readonly Hints[], readonly Hints[], Hints]>([
    [
      'for as long as the shortest of all says',
      [{ ttlMs: 5000, cacheScope: 'public' }],
      [{ ttlMs: 20_000, cacheScope: 'public' }],
      { ttlMs: 5000, cacheScope: 'public' },
    ],
    [
      'by its caller alone, if one of them says so',
      [{ ttlMs: 20_000, cacheScope: 'public' }],
      [{ ttlMs: 30_000, cacheScope: 'private' }],
      { ttlMs: 20_000, cacheScope: 'private' },
    ],
    [
      'for a minute at most',
      [{ ttlMs: 90_000, cacheScope: 'public' }],
      [{ ttlMs: 120_000, cacheScope: 'public' }],
      { ttlMs: 60_000, cacheScope: 'public' },
    ],
    [
      'as the strictest page of a list says',
      [
        { ttlMs: 9000, cacheScope: 'public' },
        { ttlMs: 7000, cacheScope: 'private' },
        { ttlMs: 8000, cacheScope: 'public' },
      ],
      [{ ttlMs: 20_000, cacheScope: 'public' }],
      { ttlMs: 7000, cacheScope: 'private' },
    ],
    [
      'not at all, if one says so',
      [{ ttlMs: 0, cacheScope: 'public' }],
      [{ ttlMs: 20_000, cacheScope: 'public' }],
      { ttlMs: 0, cacheScope: 'public' },
    ],
    [
      'as ever, where hints are none that there are',
      [{ ttlMs: -1, cacheScope: 'somebody' }],
      [{ ttlMs: '5' }],
      { ttlMs: 60_000, cacheScope: 'public' },
    ],
  ])('%s', async (_what, ofOne, ofTwo, told) => {
    one.pages = ofOne;
    two.pages = ofTwo;
    await waitFor(async () => {
      expect(await hintsFor(server.url, meta)).toEqual(told);
    });
  });
});

it('where callers have tokens each keeps the list for itself', async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'hints-')), 'tokens.yaml');
  const token = 'a-token-of-16-characters';
  writeFileSync(tokensFile, JSON.stringify([{ name: 'ada', token, tools: ['add'] }]));
  const guarded = await startTestServer({ auth: { tokensFile } });
  for (const [, meta] of REQUESTS)
    expect(await hintsFor(guarded.url, meta, { authorization: `Bearer ${token}` })).toEqual({
      ttlMs: 60_000,
      cacheScope: 'private',
    });
  await guarded.stop();
});
