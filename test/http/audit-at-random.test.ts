import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  bearer,
  RESOURCE,
  startAuditedServer,
  type AuditedServer,
  type Event,
} from '../support/audited-server.ts';
import type { TestIssuer } from '../support/issuer.ts';
import type { Samples } from '../support/metrics-text.ts';
import { call, initialize, list, post } from '../support/raw-session.ts';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { oneOf, randomFrom } from '../upstream/random.ts';
import { ask } from './raw-client.ts';

const ALL = 'token-of-all-0123456789';
const FEW = 'token-of-few-0123456789';
const SECRET = 'a-secret-in-arguments';
const STEPS = 300;

const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
const tokens = `- {name: all, token: ${ALL}}\n- {name: few, token: ${FEW}, tools: [add]}\n`;

let server: TestServer;
let issuer: TestIssuer;
let events: AuditedServer['events'];
let stop: AuditedServer['stop'];
beforeAll(async () => {
  writeFileSync(tokensFile, tokens);
  ({ server, issuer, events, stop } = await startAuditedServer(
    { tokensFile },
    { callsPerSecond: 5, burst: 60 },
  ));
});
afterAll(() => stop());

const execute = (token: string, tool: string, args: unknown = {}): Promise<unknown> =>
  server.execute(tool, args, { headers: bearer(token) });

/** How many events have each of the values of some fields. */
function countsOf(all: readonly Event[], ...fields: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of all) {
    const key = fields.map((field) => String(event[field])).join(' ');
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** By how much the series of a counter have grown, by the values of labels. */
function growthOf(before: Samples, after: Samples, name: string, ...labels: readonly string[]) {
  const counts: Record<string, number> = {};
  for (const { labels: values, value } of after.select(name)) {
    const grown = value - (before.value(name, values) ?? 0);
    if (grown > 0) counts[labels.map((label) => values[label]).join(' ')] = grown;
  }
  return counts;
}

/** An id with another letter in it. */
const forged = (id: string): string => `${id.slice(0, -9)}${id.at(-9) === 'A' ? 'B' : 'A'}${id.slice(-8)}`;

async function expectReconciled(before: Samples, from: number, openedBehind: number): Promise<void> {
  const after = await server.scrape();
  const all = events(from);
  const calls = all.filter(({ event }) => event === 'call');
  const failures = all.filter((event) => event['auth_failure'] !== undefined);
  const grown = (name: string, ...labels: string[]) => growthOf(before, after, name, ...labels);
  expect(countsOf(calls, 'tool', 'outcome')).toEqual(grown('mcp_tool_calls_total', 'tool_name', 'status'));
  const failed = calls.filter(({ outcome }) => outcome === 'error');
  expect(countsOf(failed, 'tool', 'reason')).toEqual(grown('mcp_tool_errors_total', 'tool_name', 'reason'));
  expect(countsOf(failures, 'auth_failure')).toEqual(grown('mcp_auth_failures_total', 'reason'));
  const intrusions = all.filter(({ reason }) => reason === 'other_caller' || reason === 'forged');
  // Those that are expired or of other keys are no intrusions.
  const { expired = 0, unknown = 0, ...notFound } = grown('mcp_session_not_found_total', 'reason');
  expect(expired + unknown).toBeLessThanOrEqual(STEPS);
  expect(countsOf(intrusions, 'reason')).toEqual(notFound);
  const opened = all.filter(({ event }) => event === 'session_opened');
  const own = opened.filter(({ upstream }) => upstream === undefined);
  expect(countsOf(own, 'transport')).toEqual(grown('mcp_sessions_opened_total', 'transport'));
  expect(opened.length - own.length).toBe(openedBehind);
  expect(grown('mcp_audit_events_total', 'outcome')).toEqual({ accepted: all.length });
}

it('audit events add up exactly to the counters, whatever clients do', { timeout: 300_000 }, async () => {
  const random = randomFrom(11);
  const few = await issuer.token(RESOURCE, { scope: 'read', sub: 'grace' });
  const admin = await issuer.token(RESOURCE, { scope: 'admin', sub: 'lovelace' });
  const old = await issuer.token(RESOURCE, { exp: 1_000_000_000 });
  const sessions = new Map<string, string>();
  let openedBehind = 0;
  const mcp = (token: string, body: Parameters<typeof post>[1], headers = {}, session?: string) =>
    post(server.url, body, session, { headers: { ...bearer(token), ...headers } });
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  };
  const modern = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' };
  const modernCall = (token: string, name: string, header = name) => {
    const { params, ...request } = call(1, name, { text: SECRET });
    return mcp(token, { ...request, params: { ...params, _meta: meta } }, { ...modern, 'mcp-name': header });
  };
  const relay = (token: string): Promise<Response> =>
    fetch(`${server.url}/servers/behind/mcp`, {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json', ...modern, 'mcp-name': 'echo' },
      body: JSON.stringify({
        ...call(1, 'echo'),
        params: { name: 'echo', arguments: { text: 'x' }, _meta: meta },
      }),
    });
  const relayInSession = (token: string, body: object, session?: string): Promise<Response> =>
    fetch(`${server.url}/servers/behind/mcp`, {
      method: 'POST',
      headers: {
        ...bearer(token),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session !== undefined && { 'mcp-session-id': session }),
      },
      body: JSON.stringify(body),
    });
  const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
    works: () => execute(ALL, 'echo', { text: SECRET }),
    fails: () => execute(ALL, 'fails'),
    throws: () => execute(ALL, 'throws'),
    'wrong arguments': () => execute(ALL, 'echo', { text: 7 }),
    'no such tool': () => execute(ALL, oneOf(['nothing', 'unknown'], random)),
    'not its tool': () => execute(FEW, 'echo', { text: 'x' }),
    'no scope by REST': () => execute(few, 'add', { a: 1, b: 2 }),
    'no scope by MCP': () => modernCall(few, 'add'),
    'scope by MCP': () => modernCall(few, 'echo'),
    'headers disagree': () => modernCall(admin, 'echo', 'add'),
    'no token': () => ask(server.url, 'POST /mcp', {}, '{}'),
    'unknown token': () => execute('unknown-token-0123456789', 'echo'),
    'expired token': () => execute(old, 'echo'),
    'no bearer': () => ask(server.url, 'GET /tools', { authorization: 'Basic x' }),
    'other host': () => ask(server.url, 'GET /tools', { host: 'evil.example', ...bearer(ALL) }),
    'other origin': () => ask(server.url, 'GET /tools', { origin: 'https://evil.example', ...bearer(ALL) }),
    lists: () => ask(server.url, 'GET /tools', bearer(oneOf([ALL, FEW, few], random))),
    opens: async () => {
      const token = oneOf([ALL, admin], random);
      const response = await mcp(token, initialize());
      const id = response.headers.get('mcp-session-id');
      if (id !== null) sessions.set(token, id);
      await response.text();
    },
    'in a session': () => mcp(ALL, call(1, 'echo', { text: 'x' }), {}, sessions.get(ALL)),
    'a batch in no session': () => mcp(admin, list(1), {}, 'unknown'),
    'in the session of another': () => mcp(admin, list(1), {}, sessions.get(ALL) ?? 'unknown'),
    'in a forged session': () => mcp(ALL, list(1), {}, forged(sessions.get(ALL) ?? 'unknown')),
    'opens at an upstream': async () => {
      const response = await relayInSession(admin, initialize());
      const id = response.headers.get('mcp-session-id');
      if (id !== null) sessions.set('behind', id);
      if (id !== null) openedBehind += 1;
      await response.text();
    },
    'in the session of another at an upstream': () => relayInSession(ALL, list(1), sessions.get('behind')),
    'in a forged session at an upstream': () =>
      relayInSession(admin, list(1), forged(sessions.get('behind') ?? 'unknown')),
    relayed: () => relay(admin),
    'not to be relayed': () => relay(oneOf([FEW, few], random)),
  };
  const [before, from] = [await server.scrape(), server.logs.length];
  const left = new Set(Object.keys(kinds));
  for (let step = 0; step < STEPS; step += 1) {
    const kind = oneOf(Object.keys(kinds), random);
    left.delete(kind);
    await kinds[kind]?.();
  }
  expect([...left]).toEqual([]);
  // Those of requests that nobody waited for.
  await waitFor(() => expectReconciled(before, from, openedBehind));
  const written = JSON.stringify(events(from));
  const secrets = [SECRET, ALL, FEW, few, admin, 'grace', 'lovelace'];
  expect(secrets.filter((secret) => written.includes(secret))).toEqual([]);
  const reasons = new Set(events(from).map(({ reason }) => reason));
  for (const reason of ['rate_limited', 'forged', 'other_caller']) expect(reasons).toContain(reason);
});
