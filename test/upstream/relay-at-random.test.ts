import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { numbersFrom } from '../support/numbers-from.ts';
import { RawUpstream, type Behaviour } from '../support/raw-upstream.ts';
import { call, openSession, post } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { isIn, UNHURRIED } from './state-now.ts';

/** At least; on a busy machine there are more, until some have ended in each way. */
const CALLS = 240;
const AT_A_TIME = 8;
const ENDS = ['tool_error', 'unavailable', 'timeout', 'cancelled'];

const upstream = new RawUpstream();
const random = numbersFrom(7);
const chance = (share: number): boolean => random(1000) < share * 1000;
let server: TestServer;
let relay: string;

beforeAll(async () => {
  upstream.behaviour = { 'tools/call': anything, initialize: inSession };
  const url = await upstream.listen();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0, resultBytes: 4096 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url, timeoutSeconds: 0.3 }],
    },
    undefined,
    { ...UNHURRIED, calm: 0 },
  );
  relay = `${server.url}/servers/raw`;
  await isIn(server, 'up');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await upstream.close();
});

const inSession: Behaviour = (message, response) => {
  response.setHeader('mcp-session-id', 'inner');
  upstream.usual(message, response);
};

/** Answers in some way, in parts of any size, or does not, or breaks off somewhere. */
const anything: Behaviour = async ({ id }, response) => {
  if (chance(0.04)) return response.destroy();
  if (chance(0.03)) return undefined;
  if (chance(0.05))
    return response.writeHead([202, 204, 302, 400, 401, 404, 429, 500, 503][random(9)] ?? 500).end();
  const result = {
    content: [{ type: 'text', text: 'x'.repeat(random(4) === 0 ? 30_000 : 10) }],
    isError: chance(0.2),
  };
  const answer = JSON.stringify({ jsonrpc: '2.0', id: chance(0.05) ? 'another' : id, result });
  const isStream = chance(0.6);
  const note = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} })}\n\n`;
  const eventId = chance(0.5) ? `id: ${random(1000)}\n` : '';
  const body = isStream ? `${note}${eventId}data: ${answer}\n\n` : answer;
  const sent = chance(0.1) ? body.slice(0, random(body.length)) : body;
  response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
  for (let at = 0; at < sent.length && !response.destroyed;) {
    const size = 1 + random(sent.length);
    response.write(sent.slice(at, at + size));
    at += size;
    if (chance(0.3)) await sleep(random(5));
  }
  if (chance(0.05)) return undefined;
  return chance(0.05) ? response.destroy() : response.end();
};

it('each relayed call is counted once, whatever becomes of it, and nothing is left of any', async () => {
  const session = await openSession(relay);
  const one = async (id: number): Promise<void> => {
    const left = new AbortController();
    if (chance(0.15))
      setTimeout(() => {
        left.abort();
      }, random(20));
    const request = post(relay, call(id, 'works'), chance(0.5) ? session : undefined, {
      signal: left.signal,
    });
    const status = await request.then(
      async (response) => {
        await response.text().catch(() => undefined);
        return response.status;
      },
      () => 0,
    );
    // The breaker may be open, and most would only be refused.
    if (status === 503) await sleep(100);
  };
  const of = { tool_name: 'raw_works' };
  const haveEndedInEachWay = async (): Promise<boolean> => {
    const samples = await server.scrape();
    return (
      ENDS.every((reason) => (samples.value('mcp_tool_errors_total', { ...of, reason }) ?? 0) > 0) &&
      (samples.value('mcp_tool_calls_total', { ...of, status: 'success' }) ?? 0) > 20
    );
  };
  let made = 0;
  const work = async (): Promise<void> => {
    while (made < CALLS || !(await haveEndedInEachWay())) await one((made += 1));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  await waitFor(async () => {
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_calls_in_flight', of)).toBe(0);
    // A client that leaves early may not have been heard at all.
    const requests = samples.value('mcp_requests_total', { method: 'tools/call' });
    expect(samples.value('mcp_tool_calls_total', of)).toBe(requests);
    expect(samples.value('mcp_tool_errors_total', of)).toBe(
      samples.value('mcp_tool_calls_total', { ...of, status: 'error' }),
    );
    expect(samples.value('http_server_open_connections')).toBeLessThan(40);
  });
  expect(server.logs.filter(({ level, msg }) => level === 'error' && msg !== 'tool call')).toEqual([]);
}, 120_000);
