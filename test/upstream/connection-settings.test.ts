import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { privateAuthority } from '../support/certificates.ts';
import { connectClient } from '../support/clients.ts';
import { call, initialize, post } from '../support/raw-session.ts';
import { answer, RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp, UNHURRIED } from './state-now.ts';

interface Seen {
  readonly method: string;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Of its client: it tells connections apart. */
  readonly port: number | undefined;
}

/** Has an upstream keep what it sees of each request, and do as it is told then. */
function watched(upstream: RawUpstream, behaviour: RawUpstream['behaviour']): Seen[] {
  const seen: Seen[] = [];
  upstream.behaviour['any'] = (message, response, request) => {
    const { method = '', params } = message;
    const { url: path, headers, socket } = request;
    const by = (params?.['arguments'] as { readonly by?: string } | undefined)?.by ?? '';
    seen.push({ method: `${method} ${by}`.trim(), path, headers, port: socket.remotePort });
    const behave: Behaviour =
      behaviour[method] ?? ((...[asked, answered]) => upstream.usual(asked, answered));
    return behave(message, response, request);
  };
  return seen;
}

const { ca, server: certified } = privateAuthority();
const old = new RawUpstream(certified);
const modern = new RawUpstream();

let opened = 0;
const seenByOld = watched(old, {
  initialize: (message, response) => {
    response.setHeader('mcp-session-id', `s${(opened += 1)}`);
    return answer(response, message, {
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'raw', version: '1' },
    });
  },
  'tools/call': (message, response) =>
    (message.params?.['arguments'] as { readonly by?: string }).by === 'nobody'
      ? undefined
      : old.usual(message, response),
});
const seenByModern = watched(modern, {
  'server/discover': (message, response) =>
    answer(response, message, {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'raw', version: '1' },
      ttlMs: 0,
      cacheScope: 'public',
    }),
  'tools/list': (message, response) =>
    answer(response, message, {
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'public',
      tools: [{ name: 'works', inputSchema: { type: 'object' } }],
    }),
  'tools/call': (message, response) => answer(response, message, { resultType: 'complete', content: [] }),
});

let server: TestServer;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upstream-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const [oldUrl, modernUrl] = await Promise.all([old.listen(), modern.listen()]);
  const files = { tokenFile: file('token', 'a-token\n'), headersFile: file('headers', 'X-Team: sky\n') };
  const caFile = file('ca.pem', ca);
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'old', url: `${oldUrl}?of=old`, caFile, ...files },
        { name: 'modern', url: `${modernUrl}?of=modern`, ...files },
        { name: 'stranger', url: oldUrl },
      ],
    },
    undefined,
    { ...UNHURRIED, silence: 0.2 },
  );
  await areUp(server, 'old', 'modern');
});

afterAll(async () => {
  await server.stop();
  await Promise.all([old.close(), modern.close()]);
});

/** Does with an upstream whatever is done with one, besides ending its sessions. */
async function useAll(name: string, seen: readonly Seen[], methods: readonly string[]): Promise<void> {
  expect((await server.execute(`${name}_works`, { by: 'caller' })).status).toBe(200);
  // Its calls may ask, and have other connections.
  const { client } = await connectClient(server.url, '2026-07-28', { capabilities: { elicitation: {} } });
  client.setRequestHandler('elicitation/create', () => ({ action: 'decline' }));
  expect(await client.callTool({ name: `${name}_works`, arguments: { by: 'asked' } })).not.toHaveProperty(
    'isError',
  );
  await client.close();
  const relay = `${server.url}/servers/${name}`;
  await (await post(relay, initialize())).text();
  expect((await post(relay, call(2, 'works', { by: 'relay' }))).status).toBe(200);
  await waitFor(() => {
    expect(seen.map(({ method }) => method)).toEqual(expect.arrayContaining([...methods]));
  });
}

const CALLS = ['tools/call caller', 'tools/call asked', 'tools/call relay'];

describe('an upstream is sent its token and its headers, at its own address', () => {
  it.each([
    ['old', '2025', seenByOld, ['initialize', 'notifications/initialized', 'GET', 'ping']],
    ['modern', '2026', seenByModern, ['subscriptions/listen']],
  ] as const)('%s: with each request of the %s era', async (name, _era, seen, more) => {
    await useAll(name, seen, ['server/discover', 'tools/list', ...CALLS, ...more]);
    for (const { method, path, headers } of seen)
      expect([method, path, headers.authorization, headers['x-team']]).toEqual([
        method,
        `/mcp?of=${name}`,
        'Bearer a-token',
        'sky',
      ]);
  });

  it.each([
    ['old', seenByOld, 'ping'],
    ['modern', seenByModern, 'server/discover'],
  ] as const)('%s: is asked whether it is there on the connections of calls', async (name, seen, probe) => {
    await waitFor(async () => {
      const before = seen.length;
      await server.execute(`${name}_works`, { by: 'caller' });
      const ports = new Set(
        seen.filter(({ method }) => method === 'tools/call caller').map(({ port }) => port),
      );
      await waitFor(() => {
        expect(seen.slice(before).map(({ method }) => method)).toContain(probe);
      });
      const probed = seen.slice(before).find(({ method }) => method === probe);
      expect(ports).toContain(probed?.port);
    });
  });
});

describe('a certificate of an authority that Node does not know', () => {
  it('is taken on every connection where caFile names the authority', async () => {
    await useAll('old', seenByOld, CALLS);
    const given = new AbortController();
    const nobody = server.execute('old_works', { by: 'nobody' }, { signal: given.signal });
    await waitFor(() => {
      expect(seenByOld.map(({ method }) => method)).toContain('tools/call nobody');
    });
    given.abort();
    await expect(nobody).rejects.toThrow();
    // It comes on connections of its own.
    await waitFor(() => {
      expect(seenByOld.map(({ method }) => method)).toContain('notifications/cancelled');
    });
  });

  it('keeps an upstream without one down, which says why', async () => {
    const why = 'no connection (UNABLE_TO_VERIFY_LEAF_SIGNATURE)';
    await waitFor(async () => {
      const page = await fetch(server.url, { headers: { accept: 'application/json' } });
      const { upstreams } = (await page.json()) as {
        readonly upstreams: readonly { readonly name: string }[];
      };
      expect(upstreams.find(({ name }) => name === 'stranger')).toMatchObject({
        state: 'down',
        why,
        tools: 0,
      });
    });
    expect(server.logs).toContainEqual(expect.objectContaining({ upstream: 'stranger', state: 'down', why }));
    expect((await post(`${server.url}/servers/stranger`, initialize())).status).toBe(503);
    // Nothing was sent to it.
    expect(seenByOld.filter(({ path }) => path === '/mcp')).toEqual([]);
  });
});
