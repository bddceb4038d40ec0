import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import { fieldOf } from '../../src/monitoring/door/message.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { makeKey } from '../support/signing-keys.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { ask } from './raw-client.ts';

const RESOURCE = 'https://mcp.example.com/nexus/mcp';
const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/nexus/mcp';
const METADATA_AWAY = METADATA.replace(/mcp$/, 'servers/away/mcp');
const STATIC = 'static-token-0123456789abcdef';

const scopes = { 'tools:read': ['echo', 'text'], numbers: ['calculator'], admin: ['*'] };

let issuer: TestIssuer;
let server: TestServer;
beforeAll(async () => {
  issuer = await startIssuer();
  server = await startTestServer({
    auth: {
      token: STATIC,
      resource: RESOURCE,
      issuers: [{ issuer: issuer.issuer, scopes, groups: { ops: ['network'] } }],
    },
    tools: { modules: [FIXTURE_TOOLS], disabled: ['hangs'] },
  });
});
afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await issuer.stop();
});
beforeEach(() => {
  issuer.mood = 'well';
});

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const tokenWith = (scope: string, claims = {}): Promise<string> =>
  issuer.token(RESOURCE, { scope, ...claims });
const failures = async (reason: string): Promise<number> =>
  (await server.scrape()).value('mcp_auth_failures_total', { reason }) ?? 0;

describe('who has no token', () => {
  it.each(['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS'])(
    'is told by %s /mcp where to get one',
    async (method) => {
      const answer = await ask(server.url, `${method} /mcp`, json);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe(
        `Bearer realm="nexus-mcp", resource_metadata="${METADATA}"`,
      );
    },
  );

  it.each(['', '/mcp', '/nexus/mcp'])('finds the metadata of the resource at %s', async (path) => {
    const answer = await fetch(`${server.url}/.well-known/oauth-protected-resource${path}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      resource: RESOURCE,
      authorization_servers: [issuer.issuer],
      // Not `admin`, which gives everything.
      scopes_supported: ['tools:read', 'numbers'],
      bearer_methods_supported: ['header'],
      resource_name: 'Nexus MCP',
    });
  });

  it('finds none of another resource, and cannot change it', async () => {
    const of = `${server.url}/.well-known/oauth-protected-resource`;
    expect((await fetch(`${of}/other`)).status).toBe(404);
    expect((await fetch(`${of}/mcp`, { method: 'POST' })).status).toBe(405);
  });

  it('may ask by the host of the resource, and by no other', async () => {
    const line = 'GET /.well-known/oauth-protected-resource';
    expect((await ask(server.url, line, { host: 'mcp.example.com' })).status).toBe(200);
    expect((await ask(server.url, line, { host: 'evil.example.com' })).status).toBe(403);
    expect((await ask(server.url, 'POST /mcp', { ...json, host: 'mcp.example.com' })).status).toBe(401);
  });

  it('is not heard in the query', async () => {
    const before = await failures('missing');
    const good = await tokenWith('admin');
    expect((await ask(server.url, `POST /mcp?access_token=${good}`, json, '{}')).status).toBe(401);
    expect(await failures('missing')).toBe(before + 1);
  });
});

describe('who has a token that is no good', () => {
  it.each<[string, () => Promise<string>]>([
    ['expired', () => tokenWith('admin', { exp: 1_000_000_000 })],
    ['wrong_audience', () => tokenWith('admin', { aud: 'https://other.example.com/mcp' })],
    ['wrong_issuer', () => tokenWith('admin', { iss: 'https://elsewhere.example.com' })],
    ['bad_signature', async () => `${(await tokenWith('admin')).slice(0, -6)}AAAAAA`],
    ['malformed', () => issuer.token(RESOURCE, {}, { typ: 'secevent+jwt' })],
    ['unknown_token', () => Promise.resolve('opaque-token-that-nobody-was-given')],
  ])('is refused, and counted as %s', async (reason, make) => {
    const before = await failures(reason);
    const token = await make();
    const answer = await ask(server.url, 'POST /mcp', { ...json, ...bearer(token) }, '{}');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="nexus-mcp", error="invalid_token", resource_metadata="${METADATA}"`,
    );
    expect(await failures(reason)).toBe(before + 1);
    expect(answer.body).not.toContain(token);
  });
});

/** A caller, by the token that it has; and the tools that it may use. */
const CALLERS: readonly (readonly [string, () => Promise<string>])[] = [
  ['no scope', () => tokenWith('')],
  ['tools:read', () => tokenWith('openid tools:read')],
  ['two scopes', () => tokenWith('tools:read numbers')],
  ['a group', () => tokenWith('', { groups: ['ops'] })],
  ['a scope and a group', () => tokenWith('numbers', { groups: ['ops'] })],
  ['admin', () => tokenWith('admin')],
  ['a static token', () => Promise.resolve(STATIC)],
];

describe.each(CALLERS)('a caller with %s', (_who, make) => {
  const listed = async (token: string): Promise<string[]> => {
    const { tools } = (await (await fetch(`${server.url}/tools`, { headers: bearer(token) })).json()) as {
      tools: { name: string }[];
    };
    return tools.map(({ name }) => name);
  };

  it('is listed exactly what it may call, in MCP, REST and OpenAPI', async () => {
    const token = await make();
    const names = await listed(token);
    const described = (await (
      await fetch(`${server.url}/openapi.json`, { headers: bearer(token) })
    ).json()) as {
      paths: object;
    };
    const paths = Object.keys(described.paths).flatMap(
      (path) => /^\/tools\/(\w+)\/execute$/.exec(path)?.[1] ?? [],
    );
    expect(paths).toEqual(names);
    for (const era of ERAS) {
      const { client } = await connectClient(server.url, era, { headers: bearer(token) });
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(names);
      await client.close();
    }
    // A wrong argument, lest any of them does something: who may not call is refused for that first.
    for (const name of await listed(STATIC)) {
      const { status, body } = await server.execute(
        name,
        { no_such_argument: 1 },
        { headers: bearer(token) },
      );
      if (names.includes(name)) expect([name, body.reason]).toEqual([name, 'invalid_arguments']);
      else expect([name, status, body.reason]).toEqual([name, 403, 'denied']);
    }
  });
});

const call = (name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name, arguments: args },
});
const modernCall = (name: string, args: object = {}) => {
  const { params, ...rest } = call(name, args);
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return {
    body: JSON.stringify({ ...rest, params: { ...params, _meta } }),
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
  };
};

describe('a call that needs another scope', () => {
  const CHALLENGE = `Bearer realm="nexus-mcp", error="insufficient_scope", scope="openid tools:read numbers", resource_metadata="${METADATA}"`;
  const denied = async (): Promise<number> =>
    (await server.scrape()).value('mcp_tool_errors_total', { tool_name: 'add', reason: 'denied' }) ?? 0;

  it('is 403 over REST, with the scopes that it needs and those there are', async () => {
    const [before, counted] = [await denied(), await failures('insufficient_scope')];
    const token = await tokenWith('openid tools:read');
    for (const [line, body] of [
      ['POST /execute', '{"tool_name":"add","arguments":{"a":1,"b":2}}'],
      ['POST /tools/add/execute', '{"arguments":{"a":1,"b":2}}'],
    ] as const) {
      const answer = await ask(server.url, line, { ...json, ...bearer(token) }, body);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('www-authenticate')).toBe(CHALLENGE);
      expect(JSON.parse(answer.body)).toMatchObject({ reason: 'denied', tool_name: 'add' });
    }
    expect([await denied(), await failures('insufficient_scope')]).toEqual([before + 2, counted + 2]);
  });

  it('is 403 over MCP 2026-07-28, and counted once', async () => {
    const [before, counted] = [await denied(), await failures('insufficient_scope')];
    const { body, headers } = modernCall('add', { a: 1, b: 2 });
    const token = await tokenWith('openid tools:read');
    const answer = await ask(server.url, 'POST /mcp', { ...json, ...bearer(token), ...headers }, body);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toBe(CHALLENGE);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 7,
      error: { data: { reason: 'denied', scopes: ['openid', 'tools:read', 'numbers'] } },
    });
    expect([await denied(), await failures('insufficient_scope')]).toEqual([before + 1, counted + 1]);
  });

  it('is 403 in a session, which goes on', async () => {
    const before = await denied();
    const token = await tokenWith('openid tools:read');
    const { client } = await connectClient(server.url, '2025-11-25', { headers: bearer(token) });
    await expect(client.callTool({ name: 'add', arguments: { a: 1, b: 2 } })).rejects.toThrow();
    expect(await denied()).toBe(before + 1);
    expect((await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).isError).toBeFalsy();
    await client.close();
  });

  it('is a failed result in a batch, whose answer has begun, with the scopes', async () => {
    const [before, counted] = [await denied(), await failures('insufficient_scope')];
    const headers = { ...json, ...bearer(await tokenWith('tools:read')) };
    const post = (body: object, more = {}): Promise<Response> =>
      fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: { ...headers, ...more },
        body: JSON.stringify(body),
      });
    const params = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    const opened = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    await opened.text();
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    const answer = await post(
      [call('add', { a: 1, b: 2 }), { ...call('echo', { text: 'x' }), id: 8 }],
      session,
    );
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toContain('"reason":"denied"');
    expect(text).toContain('"scopes":["tools:read","numbers"]');
    expect([await denied(), await failures('insufficient_scope')]).toEqual([before + 1, counted + 1]);
  });

  it('is carried out with a token that has them, in the same session', async () => {
    const claims = { sub: 'grace' };
    const { client, transport } = await connectClient(server.url, '2025-11-25', {
      headers: bearer(await tokenWith('tools:read', claims)),
    });
    const wider = await tokenWith('tools:read numbers', claims);
    const post = await fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: { ...json, ...bearer(wider), 'mcp-session-id': transport.sessionId ?? '' },
      body: JSON.stringify(call('add', { a: 5, b: 3 })),
    });
    expect(post.status).toBe(200);
    expect(await post.text()).toContain('"text":"8"');
    const other = await fetch(`${server.url}/mcp`, {
      method: 'DELETE',
      headers: { ...json, ...bearer(await tokenWith('admin')), 'mcp-session-id': transport.sessionId ?? '' },
    });
    expect(other.status).toBe(404);
    await client.close();
  });
});

it('the log names the client and a hash of the user, and neither token nor user are anywhere', async () => {
  const token = await tokenWith('admin', { sub: 'secret-user@example.com' });
  const { status } = await server.execute('echo', { text: 'hi' }, { headers: bearer(token) });
  expect(status).toBe(200);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const everything = JSON.stringify(server.logs) + metrics;
  expect(everything).not.toContain('secret-user');
  expect(everything).not.toContain(token.slice(0, 40));
  const callers = server.logs.filter(({ msg }) => msg === 'tool call').map(({ caller }) => caller);
  expect(callers.at(-1)).toMatch(/^test-client#[0-9a-f]{12}$/);
});

describe('keys', () => {
  it('of an issuer that rotates them lose no call, and are counted', async () => {
    const rotating = await startIssuer();
    const other = await startTestServer({
      auth: { resource: RESOURCE, issuers: [{ issuer: rotating.issuer }] },
    });
    const status = async (token: string): Promise<number> =>
      (await other.execute('echo', { text: 'x' }, { headers: bearer(token) })).status;
    expect(await status(await rotating.token(RESOURCE))).toBe(200);
    const samples = await other.scrape();
    const outcomes = samples.select('mcp_auth_key_refreshes_total', { issuer: rotating.issuer });
    expect(outcomes.map(({ labels, value }) => [labels['outcome'], value])).toEqual([
      ['success', 1],
      ['unreachable', 0],
      ['error_status', 0],
      ['invalid', 0],
      ['empty', 0],
    ]);
    expect(samples.value('mcp_auth_keys_age_seconds', { issuer: rotating.issuer })).toBeLessThan(30);
    const { verdict, issuers } = (await (await fetch(other.url)).json()) as Status;
    expect(verdict.level).toBe('good');
    expect(issuers).toMatchObject([{ keys_usable: true, failing_seconds: 0, why: '' }]);
    const before = await rotating.token(RESOURCE, { jti: 'before' });
    rotating.keys = [await makeKey('second'), ...rotating.keys];
    // It has been asked just now, and is not asked by tokens again for a while.
    expect(await status(await rotating.token(RESOURCE))).toBe(401);
    expect(rotating.asked).toHaveLength(2);
    expect(await status(before)).toBe(200);
    await other.stop();
    await rotating.stop();
  });

  it('that are not to be had are the fault of the server: 503, and static tokens work', async () => {
    const away = await startIssuer();
    away.mood = 'error';
    const other = await startTestServer({
      auth: { token: STATIC, resource: RESOURCE, issuers: [{ issuer: away.issuer }] },
    });
    const good = await away.token(RESOURCE);
    const answer = await ask(other.url, 'POST /mcp', { ...json, ...bearer(good) }, '{}');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('30');
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect((await other.execute('echo', { text: 'x' }, { headers: bearer(STATIC) })).status).toBe(200);
    const samples = await other.scrape();
    expect(samples.value('mcp_auth_failures_total', { reason: 'keys_unavailable' })).toBe(1);
    expect(samples.value('mcp_auth_key_refreshes_total', { outcome: 'error_status' })).toBe(1);
    expect(other.logs.filter(({ msg }) => String(msg).startsWith('the issuer does not give'))).toHaveLength(
      1,
    );
    const { verdict, issuers } = (await (await fetch(other.url)).json()) as Status;
    expect(verdict).toMatchObject({ level: 'bad', headline: `Tokens of ${away.issuer} are refused` });
    expect(verdict.detail).toMatch(/^For 0 s the issuer has not given its keys: http:.* answered 500\.$/);
    expect(issuers).toEqual([
      {
        issuer: away.issuer,
        keys_usable: false,
        keys_age_seconds: expect.any(Number) as number,
        failing_seconds: expect.any(Number) as number,
        why: expect.stringMatching(/ answered 500$/) as string,
      },
    ]);
    await other.stop();
    await away.stop();
  });

  it('of an issuer that hangs keep no server from stopping', async () => {
    const stuck = await startIssuer();
    stuck.mood = 'hangs';
    const other = await startTestServer({
      auth: { resource: RESOURCE, issuers: [{ issuer: stuck.issuer }] },
    });
    await waitFor(() => {
      expect(stuck.asked).not.toEqual([]);
    });
    expect(await other.stop()).toBe(true);
    await stuck.stop();
  });

  it('have no series where there are no issuers, and there is no metadata', async () => {
    const plain = await startTestServer({ auth: { token: STATIC } });
    const metrics = await (await fetch(`${plain.url}/metrics`)).text();
    expect(metrics).not.toMatch(/^mcp_auth_key/m);
    const answer = await ask(plain.url, 'POST /mcp', json, '{}');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="nexus-mcp"');
    expect((await fetch(`${plain.url}/.well-known/oauth-protected-resource`)).status).toBe(404);
    await plain.stop();
  });
});

it('a whole server is refused with the scopes that it needs, and counted', async () => {
  const other = await startTestServer({
    auth: {
      resource: RESOURCE,
      issuers: [{ issuer: issuer.issuer, scopes: { read: ['echo'], away: ['away'] } }],
    },
    upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
  });
  const status = async (scope: string): Promise<readonly [number, string | null]> => {
    const headers = { ...json, ...bearer(await tokenWith(scope)) };
    const answer = await ask(other.url, 'POST /servers/away/mcp', headers, JSON.stringify(call('x')));
    return [answer.status, answer.headers.get('www-authenticate')];
  };
  expect(await status('read')).toEqual([
    403,
    `Bearer realm="nexus-mcp", error="insufficient_scope", scope="read away", resource_metadata="${METADATA_AWAY}"`,
  ]);
  expect((await other.scrape()).value('mcp_auth_failures_total', { reason: 'insufficient_scope' })).toBe(1);
  expect((await status('away'))[0]).not.toBe(403);
  await other.stop();
});

describe('a whole server', () => {
  const AWAY = 'https://mcp.example.com/nexus/servers/away/mcp';
  const scopes = { read: ['echo'], away: ['away'], admin: ['*'] };
  let other: TestServer;
  beforeAll(async () => {
    other = await startTestServer({
      auth: { resource: RESOURCE, issuers: [{ issuer: issuer.issuer, scopes }] },
      upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
    });
  });
  afterAll(() => other.stop());
  const statusAt = async (path: string, token: string): Promise<number> =>
    (await ask(other.url, `POST ${path}`, { ...json, ...bearer(token) }, JSON.stringify(call('echo'))))
      .status;

  it('is a resource of its own, which 401 and the metadata name alike', async () => {
    const refused = await ask(other.url, 'POST /servers/away/mcp', json, '{}');
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer realm="nexus-mcp", resource_metadata="${METADATA_AWAY}"`,
    );
    for (const path of ['/servers/away/mcp', '/nexus/servers/away/mcp']) {
      const answer = await fetch(`${other.url}/.well-known/oauth-protected-resource${path}`);
      expect(await answer.json()).toMatchObject({
        resource: AWAY,
        authorization_servers: [issuer.issuer],
      });
    }
    const scopesAt = async (name: string): Promise<unknown> =>
      (
        (await (
          await fetch(`${other.url}/.well-known/oauth-protected-resource/servers/${name}/mcp`)
        ).json()) as Record<string, unknown>
      )['scopes_supported'];
    expect(await scopesAt('away')).toEqual(await scopesAt('nobody'));
  });

  it('is not told from one that there is not', async () => {
    const of = `${other.url}/.well-known/oauth-protected-resource`;
    expect((await fetch(`${of}/servers/nobody/mcp`)).status).toBe(200);
    for (const path of [
      '/elsewhere/servers/away/mcp',
      '/servers/a%22b/mcp',
      `/servers/${'a'.repeat(200)}/mcp`,
    ])
      expect((await fetch(of + path)).status, path).toBe(404);
    expect((await fetch(`${server.url}/.well-known/oauth-protected-resource/servers/away/mcp`)).status).toBe(
      404,
    );
  });

  it('is not told from one that there is not to those whom no scope would let in', async () => {
    const closed = await startTestServer({
      auth: {
        resource: RESOURCE,
        issuers: [{ issuer: issuer.issuer, scopes: { read: ['echo'] } }],
      },
      upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
    });
    const token = await issuer.token(RESOURCE, { scope: 'read' });
    const answers = await Promise.all(
      ['away', 'nobody'].map((name) =>
        ask(
          closed.url,
          `POST /servers/${name}/mcp`,
          { ...json, ...bearer(token) },
          JSON.stringify(call('echo')),
        ),
      ),
    );
    await closed.stop();
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(answers[0]?.body).toBe(answers[1]?.body);
  });

  it('takes no token for itself of an issuer that says for whom its tokens are', async () => {
    const bounded = await startTestServer({
      auth: { resource: RESOURCE, issuers: [{ issuer: issuer.issuer, audiences: ['desk'] }] },
      upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
    });
    const statusOf = async (audience: string): Promise<number> => {
      const headers = { ...json, ...bearer(await issuer.token(audience, {})) };
      return (await ask(bounded.url, 'POST /servers/away/mcp', headers, JSON.stringify(call('echo')))).status;
    };
    const statuses = [await statusOf(AWAY), await statusOf('desk')];
    await bounded.stop();
    expect(statuses).toEqual([401, 503]);
  });

  it('takes tokens for it and for /mcp; those for it are good nowhere else', async () => {
    const own = await issuer.token(AWAY, { scope: 'admin' });
    const usual = await issuer.token(RESOURCE, { scope: 'admin' });
    // Twice: what was found out of a token is remembered.
    for (const token of [own, usual, own]) expect(await statusAt('/servers/away/mcp', token)).toBe(503);
    expect(await statusAt('/mcp', usual)).not.toBe(401);
    for (const path of ['/mcp', '/servers/other/mcp', '/execute'])
      expect(await statusAt(path, own), path).toBe(401);
    expect(await statusAt('/servers/away/mcp', own)).toBe(503);
  });

  it('has no metadata where the URL of /mcp does not tell where it is', async () => {
    const moved = await startTestServer({
      auth: { resource: 'https://mcp.example.com/tools', issuers: [{ issuer: issuer.issuer }] },
      upstreams: [{ name: 'away', url: 'http://127.0.0.1:9/mcp' }],
    });
    const refused = await ask(moved.url, 'POST /servers/away/mcp', json, '{}');
    await moved.stop();
    expect(refused.headers.get('www-authenticate')).toContain('/.well-known/oauth-protected-resource/tools"');
  });
});

it('metrics.needToken opens the metrics and the page to static tokens, and to accounts that may use everything', async () => {
  const strict = await startTestServer({
    auth: {
      token: STATIC,
      resource: RESOURCE,
      issuers: [{ issuer: issuer.issuer, scopes, groups: { ops: ['network'], admins: ['*'] } }],
    },
    metrics: { needToken: true },
  });
  for (const path of ['/metrics', '/']) {
    const status = async (token: string): Promise<readonly [number, string | null]> => {
      const answer = await ask(strict.url, `GET ${path}`, bearer(token));
      return [answer.status, answer.headers.get('www-authenticate')];
    };
    expect(await status(STATIC)).toEqual([200, null]);
    expect(await status(await tokenWith('admin'))).toEqual([200, null]);
    expect(await status(await tokenWith('', { groups: ['admins'] }))).toEqual([200, null]);
    expect(await status(await tokenWith('numbers', { groups: ['ops'] }))).toEqual([
      403,
      `Bearer realm="nexus-mcp", error="insufficient_scope", scope="numbers admin", resource_metadata="${METADATA}"`,
    ]);
  }
  const { headers } = await ask(strict.url, 'GET /metrics', bearer(STATIC));
  expect(headers.get('content-type')).toContain('text/plain');
  await strict.stop();
});

it('rights that name no tool stop the start', async () => {
  const issuers = [{ issuer: issuer.issuer, scopes: { read: ['ech'] }, groups: { ops: ['netwrk'] } }];
  const starting = startTestServer({ auth: { resource: RESOURCE, issuers } });
  const { message } = (await starting.catch((error: unknown) => error)) as Error;
  expect(fieldOf({ message }, 'message')).toBe(
    `auth.issuers: tools of the scope read of ${issuer.issuer}: there is no tool or toolset ech; did you mean echo?\n` +
      `auth.issuers: tools of the group ops of ${issuer.issuer}: there is no tool or toolset netwrk; did you mean network?`,
  );
});
