import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** Nothing is given back during a test. */
const limits = { callsPerSecond: 0.0001, burst: 2 };

let server: TestServer;
afterEach(() => server.stop());

const start = async (overrides: Record<string, Record<string, unknown>> = {}): Promise<void> => {
  server = await startTestServer({ server: { trustedProxies: 1 }, limits, ...overrides });
};

type Headers = Readonly<Record<string, string>>;
const from = (address: string): Headers => ({ 'x-forwarded-for': address });

const call = async (headers: Headers): Promise<number> =>
  (await server.execute('echo', { text: 'hi' }, { headers })).status;

async function initialize(headers: Headers): Promise<Response> {
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  return response;
}

describe('a client without a token', () => {
  it.each([
    ['an IPv6 /64', ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff']],
    ['an IPv6 address, however it is written', ['2001:db8:1:2::1', '2001:0DB8:1:2:0:0:0:1']],
    ['an IPv6 address, with a port', ['2001:db8:1:2::1', '[2001:db8:1:2::5]:4711']],
    ['an IPv6 address, with a zone', ['fe80::1', 'fe80::1%eth0']],
    ['an IPv4 address', ['192.0.2.1', '192.0.2.1']],
    ['an IPv4 address in IPv6', ['192.0.2.1', '::ffff:192.0.2.1']],
    ['an IPv4 address in IPv6, in hexadecimal', ['192.0.2.1', '::ffff:c000:0201']],
    ['an IPv4 address, with a port', ['192.0.2.1', '192.0.2.1:4711']],
  ])('is %s', async (_name, [one = '', same = '']) => {
    await start();
    expect([await call(from(one)), await call(from(same))]).toEqual([200, 200]);
    expect([await call(from(same)), await call(from(one))]).toEqual([429, 429]);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8:1:2::1', '2001:db9:1:2::1'],
    ['192.0.2.1', '192.0.2.2'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ])('is not another: %s and %s', async (one, other) => {
    await start();
    expect([await call(from(one)), await call(from(one)), await call(from(one))]).toEqual([200, 200, 429]);
    expect(await call(from(other))).toBe(200);
  });
});

describe('what a proxy forwards that is no address', () => {
  it('is the client that the proxy is', async () => {
    const junk = [
      'junk',
      '_hidden',
      'unknown',
      '12345',
      '0x7f.1',
      '192.0.2.256',
      '192.0.2.1, ""',
      'x'.repeat(8000),
    ];
    await start({ limits: { ...limits, burst: junk.length } });
    for (const text of junk) expect(await call(from(text)), text.slice(0, 20)).toBe(200);
    expect([await call(from('other junk')), await call({})]).toEqual([429, 429]);
    expect(await call(from('192.0.2.1'))).toBe(200);
  });

  it('is the client that the nearest proxy with an address saw', async () => {
    await start({ server: { trustedProxies: 2 } });
    for (const status of [200, 200, 429]) expect(await call(from('junk, 192.0.2.9'))).toBe(status);
    expect(await call(from('junk, 192.0.2.8'))).toBe(200);
  });
});

describe('initialize', () => {
  it('is charged to the quota of its client, as a call is', async () => {
    await start();
    const client = from('192.0.2.1');
    expect((await initialize(client)).status).toBe(200);
    expect(await call(client)).toBe(200);
    expect(await call(client)).toBe(429);
    const refused = await initialize(client);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    expect(await refused.json()).toMatchObject({
      error: { code: -32600, message: expect.stringMatching(/try again in [\d.]+ s/) as string },
      id: 1,
    });
    expect((await initialize(from('192.0.2.2'))).status).toBe(200);
    const samples = await server.scrape();
    expect(samples.value('mcp_sessions_opened_total')).toBe(2);
    expect(samples.value('mcp_active_sessions')).toBe(2);
  });

  it('takes no place from others when its client asks too often', async () => {
    await start({ sessions: { max: 3 } });
    const statuses = [];
    for (let count = 0; count < 10; count += 1)
      statuses.push((await initialize(from(`2001:db8::${count}`))).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(statuses.filter((status) => status === 429)).toHaveLength(8);
    expect((await initialize(from('192.0.2.1'))).status).toBe(200);
  });

  it('is charged to the token, wherever its bearer comes from', async () => {
    const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
    writeFileSync(
      tokensFile,
      '- {name: one, token: the-token-of-one-client}\n- {name: other, token: the-token-of-another}\n',
    );
    await start({ auth: { tokensFile } });
    const one = { authorization: 'Bearer the-token-of-one-client' };
    expect((await initialize({ ...one, ...from('192.0.2.1') })).status).toBe(200);
    expect((await initialize({ ...one, ...from('192.0.2.2') })).status).toBe(200);
    expect((await initialize({ ...one, ...from('192.0.2.3') })).status).toBe(429);
    const other = { authorization: 'Bearer the-token-of-another' };
    expect((await initialize({ ...other, ...from('192.0.2.1') })).status).toBe(200);
  });

  it('is not limited where calls are not', async () => {
    await start({ limits: { callsPerSecond: 0, burst: 1 } });
    for (let count = 0; count < 5; count += 1) expect((await initialize(from('192.0.2.1'))).status).toBe(200);
  });
});
