import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask } from './raw-client.ts';

/** Each header that this server reads, filled to the 16 KiB that Node takes with what is the most work to read. */
const SIZE = 15_000;
const filled = (piece: string, before = ''): string => before + piece.repeat(SIZE / piece.length);
const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const HEADERS: readonly (readonly [what: string, headers: Record<string, string>])[] = [
  ['a Host of many labels', { host: filled('a.') }],
  ['a Host of many ports', { host: filled(':1', 'a') }],
  ['a Host of encoded letters', { host: filled('%E4%B8%80%E4%B9%81') }],
  ['an Origin of many labels', { origin: filled('a.', 'http://') }],
  ['an Origin of encoded letters', { origin: filled('%E4%B8%80%E4%B9%81', 'http://') }],
  ['an Accept of many types', { accept: filled('a/b,') }],
  ['an Accept of many parameters', { accept: filled(';a=b', 'a/b') }],
  ['an Accept with a text that does not end', { accept: filled(',"', 'a/b;a=') }],
  ['an Authorization of spaces', { authorization: `${filled(' ', 'Bearer')}a b` }],
  ['an Authorization of equals signs', { authorization: `${filled('=', 'Bearer a')} b` }],
  ['a traceparent', { traceparent: filled('0-') }],
  ['a tracestate of many entries', { traceparent: TRACE, tracestate: filled('a=b,') }],
  ['a tracestate of spaces', { traceparent: TRACE, tracestate: `${filled(' ', 'a=b')}c` }],
  ['a baggage of many entries', { baggage: filled('a=b,') }],
  ['an X-Forwarded-For of many addresses', { 'x-forwarded-for': filled('1,') }],
  ['an X-Forwarded-For of brackets', { 'x-forwarded-for': filled('[') }],
  ['an X-Forwarded-For of numbers', { 'x-forwarded-for': filled('1.') }],
  ['an X-Request-Id', { 'x-request-id': `${filled('a')}!` }],
  ['a Content-Type of many parameters', { 'content-type': filled(' ;', 'application/json') }],
];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    limits: { callsPerSecond: 0 },
    server: { trustedProxies: 1, allowedHosts: ['*.example.com', 'mcp.example.com'] },
    // Traces are read; nobody takes them.
    tracing: { endpoint: 'http://127.0.0.1:1' },
  });
  await costOf({});
});
afterAll(() => server.stop());

/** CPU time of a few requests with some headers, in microseconds. */
async function costOf(headers: Record<string, string>): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < 5; count += 1) await ask(server.url, 'POST /mcp', headers, '{}');
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

it.each(HEADERS)('%s is read in time that grows no faster than its length', async (_what, headers) => {
  // What is linear costs some ten times as much as a request without it; what was quadratic, some 300 times.
  expect(await costOf(headers)).toBeLessThan(60 * (await costOf({})));
});

it('names of hosts have 253 characters at most, and their suffixes are still found', async () => {
  const statusOf = async (host: string): Promise<number> =>
    (await ask(server.url, 'GET /tools', { host })).status;
  const label = 'a'.repeat(63);
  const longest = `${label}.${label}.${label}.${'a'.repeat(253 - 3 * 64 - '.example.com'.length)}.example.com`;
  expect(longest).toHaveLength(253);
  expect(await statusOf(`${longest}.:65535`)).toBe(200);
  expect(await statusOf(`a${longest}`)).toBe(403);
  expect(await statusOf('a.b.example.com')).toBe(200);
  expect(await statusOf('example.com')).toBe(403);
  expect(await statusOf('badexample.com')).toBe(403);
});
