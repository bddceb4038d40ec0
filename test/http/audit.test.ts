import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bearer,
  RESOURCE,
  startAuditedServer,
  type AuditedServer,
  type Event,
} from '../support/audited-server.ts';
import { connectClient } from '../support/clients.ts';
import type { TestIssuer } from '../support/issuer.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask } from './raw-client.ts';

const TOKEN = 'a-token-0123456789abcdef';

let server: TestServer;
let issuer: TestIssuer;
let behind: TestServer;
let events: AuditedServer['events'];
let stop: AuditedServer['stop'];
beforeAll(async () => {
  ({ server, issuer, behind, events, stop } = await startAuditedServer({ token: TOKEN }));
});
afterAll(() => stop());

const only = (from: number): Event => {
  const [event, ...others] = events(from);
  expect(others).toEqual([]);
  return event ?? {};
};

describe('the audit events of a server', () => {
  it('say who called, by what, and how it ended; of OAuth callers the client, and the user as a hash', async () => {
    const from = server.logs.length;
    const token = await issuer.token(RESOURCE, { scope: 'read', sub: 'hopper', client_id: 'desk' });
    await server.execute(
      'add',
      { a: 1, b: 2 },
      { headers: { ...bearer(token), 'x-request-id': 'request-7' } },
    );
    expect(only(from)).toEqual({
      level: 'info',
      time: expect.any(String) as unknown,
      stream: 'audit',
      process: expect.stringMatching(/-[0-9a-f]{8}$/) as unknown,
      seq: expect.any(Number) as unknown,
      event: 'call',
      caller: expect.stringMatching(/^desk#[0-9a-f]{12}$/) as unknown,
      caller_kind: 'jwt',
      tool: 'add',
      outcome: 'error',
      reason: 'denied',
      auth_failure: 'insufficient_scope',
      entrance: 'rest',
      request_id: 'request-7',
    });
  });

  it('say who opened a session', async () => {
    const from = server.logs.length;
    const { client } = await connectClient(server.url, '2025-11-25', { headers: bearer(TOKEN) });
    await client.close();
    expect(only(from)).toMatchObject({
      event: 'session_opened',
      caller: 'default',
      caller_kind: 'token',
      transport: 'http',
      client_name: 'test-client',
      client_version: '1.2.3',
      session_id: expect.any(String) as unknown,
      request_id: expect.any(String) as unknown,
    });
  });

  it('say who opened a session at an upstream, by the name that its calls have', async () => {
    const from = server.logs.length;
    const { client } = await connectClient(`${server.url}/servers/behind`, '2025-11-25', {
      headers: bearer(TOKEN),
    });
    await client.callTool({ name: 'echo', arguments: { text: 'x' } });
    await client.close();
    const [opened, called, ...others] = events(from);
    expect(others).toEqual([]);
    expect(opened).toMatchObject({
      event: 'session_opened',
      outcome: 'success',
      upstream: 'behind',
      caller: 'default',
      caller_kind: 'token',
      transport: 'http',
      client_name: 'test-client',
      client_version: '1.2.3',
      session_id: expect.stringMatching(/^.{22}$/) as unknown,
      request_id: expect.any(String) as unknown,
    });
    expect(called).toMatchObject({ event: 'call', session_id: opened?.['session_id'] });
  });

  it('say what was refused of whom, without the query', async () => {
    const from = server.logs.length;
    await ask(server.url, 'GET /tools?token=secret', { authorization: 'Bearer nobody-has-this-token' });
    expect(only(from)).toMatchObject({
      event: 'refused',
      address: '127.0.0.1',
      outcome: 'error',
      reason: 'unknown_token',
      auth_failure: 'unknown_token',
      status: 401,
      method: 'GET',
      path: '/tools',
    });
  });
});

it('events have a number each, without a gap, and the name of their process', () => {
  const all = events();
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  expect(new Set(all.map(({ process }) => process)).size).toBe(1);
});

it('events have the time of the server, to a millisecond', async () => {
  const timed = await startTestServer({ audit: { enabled: true } }, () => 1_800_000_000.123);
  await timed.execute('echo', { text: 'x' });
  await timed.stop();
  expect(timed.logs.find(({ stream }) => stream === 'audit')).toMatchObject({
    time: '2027-01-15T08:00:00.123Z',
  });
});

it('say of clients behind IPv6 whose network they are in, in each event alike', async () => {
  const proxied = await startTestServer({
    audit: { enabled: true },
    server: { trustedProxies: 1, allowedOrigins: [] },
  });
  const from = { 'x-forwarded-for': '2001:db8:1:2:3:4:5:6' };
  await proxied.execute('echo', { text: 'x' }, { headers: from });
  await ask(proxied.url, 'GET /tools', { ...from, host: 'evil.example' });
  await proxied.stop();
  const addresses = proxied.logs.filter(({ stream }) => stream === 'audit').map(({ address }) => address);
  expect(addresses).toEqual(['2001:db8:1:2::/64', '2001:db8:1:2::/64']);
});

it('users that are hashed with a key of one process alone are warned of', () => {
  expect(server.logs.some(({ msg }) => String(msg).includes('without sessions.stateKeyFile: users'))).toBe(
    true,
  );
});

it('the hash of a user is what the recipe in docs/audit.md gives', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'state-key-'));
  const stateKeyFile = join(directory, 'state-key');
  writeFileSync(stateKeyFile, `${'first-key-'.repeat(4)}\n${'older-key-'.repeat(4)}\n`);
  const keyed = await startTestServer({
    audit: { enabled: true },
    sessions: { stateKeyFile },
    auth: { resource: RESOURCE, issuers: [{ issuer: issuer.issuer, scopes: { read: ['echo'] } }] },
  });
  const token = await issuer.token(RESOURCE, { scope: 'read', sub: 'hopper', client_id: 'desk' });
  await keyed.execute('echo', { text: 'x' }, { headers: bearer(token) });
  await keyed.stop();
  const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');
  const recipe = /```sh\n(printf [^`]+)```/.exec(page)?.[1] ?? '';
  const command = recipe.replace('https://login.example.com', issuer.issuer);
  const hash = execFileSync('sh', ['-c', command], { cwd: directory, encoding: 'utf8' }).trim();
  expect(keyed.logs.find(({ event }) => event === 'call')).toMatchObject({ caller: `desk#${hash}` });
  expect(keyed.logs.filter(({ level }) => level === 'warn')).toEqual([]);
});

describe('what decides', () => {
  it('is told when it changes: keys that come, and upstreams', () => {
    const changes = (event: string): Event[] => events().filter((each) => each['event'] === event);
    expect(changes('keys_changed')).toEqual([
      expect.objectContaining({ issuer: issuer.issuer, outcome: 'success', key_ids: ['first'] }),
    ]);
    const [added, ...others] = changes('upstream_added');
    expect(others).toEqual([]);
    expect(added).toMatchObject({ upstream: 'behind', origin: behind.url });
    expect(added?.['url_hash']).toMatch(/^[0-9a-f]{12}$/);
    // A path may be a secret.
    expect(JSON.stringify(added)).not.toContain('/mcp');
  });
});

it('nothing of it is written, and it has no series, where nobody asked for it', async () => {
  const quiet = await startTestServer();
  await quiet.execute('echo', { text: 'x' });
  const { all } = await quiet.scrape();
  expect(all.filter(({ name }) => name.startsWith('mcp_audit'))).toEqual([]);
  await quiet.stop();
  expect(quiet.logs.filter(({ stream }) => stream === 'audit')).toEqual([]);
});
