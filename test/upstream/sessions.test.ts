import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { V1Upstream } from '../support/v1-upstream.ts';
import { waitFor } from '../support/wait.ts';
import { isIn } from './state-now.ts';

const TOKENS = { ada: 'a-token-of-ada-0123', bob: 'a-token-of-bob-0123' };

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const upstream = new V1Upstream();
let server: TestServer;
let open: TestServer;

const isUp = (at: TestServer): Promise<void> =>
  waitFor(async () => {
    const samples = await at.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'notebook', state: 'up' })).toBe(1);
  });

const write = async (caller: keyof typeof TOKENS, line: string): Promise<unknown> => {
  const init = { headers: { authorization: `Bearer ${TOKENS[caller]}` } };
  return (await server.execute('notebook_write', { line }, init)).body.result;
};

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'upstream-'));
  const tokensFile = join(directory, 'tokens.yaml');
  const tokens = Object.entries(TOKENS).map(([name, token]) => ({ name, token, tools: ['notebook'] }));
  writeFileSync(tokensFile, JSON.stringify(tokens));
  const upstreams = [{ name: 'notebook', url: await upstream.listen() }];
  server = await startTestServer(
    { auth: { tokensFile }, tools: { enabled: ['add'] }, upstreams },
    undefined,
    PATIENT,
  );
  open = await startTestServer({ tools: { enabled: ['add'] }, upstreams }, undefined, PATIENT);
  await Promise.all([isUp(server), isUp(open)]);
});

afterAll(async () => {
  await Promise.all([server.stop(), open.stop()]);
  upstream.close();
});

describe('a session with an upstream that keeps something in it', () => {
  it('is its caller’s own, and stays', async () => {
    expect(await write('ada', 'a')).toBe('a');
    expect(await write('bob', 'b')).toBe('b');
    expect(await write('ada', 'c')).toBe('a,c');
  });

  it('is a client’s own where nobody needs a token', async () => {
    const clients = await Promise.all([
      connectClient(open.url, '2025-11-25'),
      connectClient(open.url, '2025-11-25'),
    ]);
    for (const [index, { client }] of clients.entries()) {
      const result = await client.callTool({ name: 'notebook_write', arguments: { line: String(index) } });
      expect(result.content).toEqual([{ type: 'text', text: String(index) }]);
    }
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('is renewed once when the upstream does not know it any more, and the call is made in the new one', async () => {
    upstream.forget();
    const before = upstream.notebooks.flat().filter((line) => line === 'again').length;
    expect(await write('ada', 'again')).toBe('again');
    expect(upstream.notebooks.flat().filter((line) => line === 'again').length).toBe(before + 1);
    const samples = await server.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'notebook', state: 'up' })).toBe(1);
  });

  it('is renewed no second time for a call, which is unavailable then', async () => {
    const forgetful = new RawUpstream();
    const called: unknown[] = [];
    let opened = 0;
    forgetful.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', `s${(opened += 1)}`);
        return forgetful.usual(message, response);
      },
      'tools/call': (_message, response, { headers }) => {
        called.push(headers['mcp-session-id']);
        return response.writeHead(404).end();
      },
    };
    const its = await startTestServer(
      { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url: await forgetful.listen() }] },
      undefined,
      PATIENT,
    );
    await isIn(its, 'up');
    const { status, body } = await its.execute('raw_works');
    expect([status, body.reason]).toEqual([503, 'unavailable']);
    // The first is the server's own.
    expect(called).toEqual(['s2', 's3']);
    expect(opened).toBe(3);
    await its.stop();
    await forgetful.close();
  });

  it('is opened once for calls that come at a time', async () => {
    upstream.forget();
    const { length } = upstream.notebooks;
    await Promise.all(Array.from({ length: 10 }, (_, index) => write('bob', String(index))));
    // One for the caller; another where the server itself has noticed, too.
    expect(upstream.notebooks.length - length).toBeLessThanOrEqual(2);
    expect(upstream.notebooks.filter((lines) => lines.length === 10)).toHaveLength(1);
  });

  it('ends when the server stops', async () => {
    upstream.forget();
    await write('ada', 'last');
    expect(upstream.sessions).toBeGreaterThan(0);
    await Promise.all([server.stop(), open.stop()]);
    expect(upstream.sessions).toBe(0);
  });
});
