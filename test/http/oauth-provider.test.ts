import process from 'node:process';
import {
  Client,
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERAS, type Era } from '../support/clients.ts';
import { startOidcProvider, type OidcProvider } from '../support/oidc-provider.ts';
import { providePythonClient } from '../support/python.ts';
import { freePorts } from '../support/replicas.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { areUp } from '../upstream/state-now.ts';

let provider: OidcProvider;
let server: TestServer;
let behind: TestServer;
let resource: string;
let relayed: string;
beforeAll(async () => {
  // Clients compare the resource with the URL that they ask: the port has to be known before.
  const [port = 0] = await freePorts(1);
  resource = `http://127.0.0.1:${port}/mcp`;
  relayed = `http://127.0.0.1:${port}/servers/behind/mcp`;
  provider = await startOidcProvider(resource, relayed);
  behind = await startTestServer({ tools: { enabled: ['echo'] } });
  const scopes = { 'tools:read': ['text', 'echo'], admin: ['*'] };
  server = await startTestServer({
    server: { port },
    auth: { resource, issuers: [{ issuer: provider.issuer, scopes }] },
    upstreams: [{ name: 'behind', url: `${behind.url}/mcp` }],
  });
  await areUp(server, 'behind');
});
afterAll(async () => {
  await server.stop();
  await behind.stop();
  provider.end();
});

async function tokenFor(about: Record<string, string>): Promise<Response> {
  return fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('agent:agent-secret').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...about }),
  });
}

describe('a token of a real provider', () => {
  it('is an access token for this server, and is taken', async () => {
    const answer = (await (await tokenFor({ resource, scope: 'tools:read' })).json()) as OAuthTokens;
    expect(decodeProtectedHeader(answer.access_token)).toMatchObject({ typ: 'at+jwt' });
    expect(decodeJwt(answer.access_token)).toMatchObject({
      iss: provider.issuer,
      aud: resource,
      scope: 'tools:read',
    });
    const headers = { authorization: `Bearer ${answer.access_token}` };
    expect((await server.execute('echo', { text: 'hi' }, { headers })).status).toBe(200);
    expect((await server.execute('add', { a: 1, b: 2 }, { headers })).status).toBe(403);
    const changed = { authorization: `${headers.authorization.slice(0, -8)}AAAAAAAA` };
    expect((await server.execute('echo', { text: 'hi' }, { headers: changed })).status).toBe(401);
  });
});

/** Connects the SDK's client, which finds all that it needs from the 401 on. */
function connect(authProvider: OAuthClientProvider, era: Era, url = resource) {
  const client = new Client(
    { name: 'oauth-client', version: '1' },
    { versionNegotiation: { mode: era === '2026-07-28' ? { pin: era } : 'legacy' } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  return { client, transport };
}

describe.each(ERAS)("the SDK's client over MCP %s", (era) => {
  it('goes from 401 over the metadata to a token of its own, and calls', async () => {
    const { client, transport } = connect(
      new ClientCredentialsProvider({
        clientId: 'agent',
        clientSecret: 'agent-secret',
        expectedIssuer: provider.issuer,
      }),
      era,
    );
    await client.connect(transport);
    const { tools } = await client.listTools();
    // It asks for the scopes that the metadata offers, which is not the one that gives everything.
    expect(tools.map(({ name }) => name)).toEqual(['string_case_convert', 'echo']);
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'for the agent' } });
    expect(content).toEqual([{ type: 'text', text: 'for the agent' }]);
    await client.close();
  });

  it('goes the same way to a whole upstream, with a token for that alone', async () => {
    const agent = new ClientCredentialsProvider({
      clientId: 'agent',
      clientSecret: 'agent-secret',
      expectedIssuer: provider.issuer,
    });
    const { client, transport } = connect(agent, era, relayed);
    await client.connect(transport);
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'through' } });
    expect(content).toEqual([{ type: 'text', text: 'through' }]);
    await client.close();
    const { access_token: token = '' } = agent.tokens() ?? {};
    expect(decodeJwt(token)).toMatchObject({ aud: relayed, scope: 'admin' });
    const headers = { authorization: `Bearer ${token}` };
    expect((await server.execute('echo', { text: 'hi' }, { headers })).status).toBe(401);
  });

  it('goes by a browser with PKCE, and calls for the user', async () => {
    const browser = new Browser();
    const { client, transport } = connect(browser, era);
    await expect(client.connect(transport)).rejects.toThrow(UnauthorizedError);
    const returned = await browser.visit();
    await transport.finishAuth(returned);
    const again = connect(browser, era);
    await again.client.connect(again.transport);
    const { content } = await again.client.callTool({ name: 'echo', arguments: { text: 'for ada' } });
    expect(content).toEqual([{ type: 'text', text: 'for ada' }]);
    await again.client.close();
    const { access_token: token = '' } = browser.saved ?? {};
    expect(decodeJwt(token)).toMatchObject({ sub: 'ada', client_id: 'desktop', aud: resource });
  });
});

describe.each(['2026-07-28', 'legacy'])("the Python SDK's client, %s", (mode) => {
  it('goes the same way, to the server and to a whole upstream', { timeout: 300_000 }, async (test) => {
    const client = await providePythonClient();
    if ('missing' in client) {
      process.stderr.write(`skipped: ${client.missing}\n`);
      test.skip(client.missing);
      return;
    }
    for (const [url, tools] of [
      [resource, ['string_case_convert', 'echo']],
      [relayed, ['echo']],
    ] as const) {
      const answer = await client(url, mode, provider.issuer);
      expect(answer).toMatchObject({ tools, text: ['from Python'] });
      expect(decodeJwt(answer.token)).toMatchObject({ iss: provider.issuer, aud: url });
    }
  });
});

/** A user's browser, and the client that opens it. */
class Browser implements OAuthClientProvider {
  saved: OAuthTokens | undefined;
  #verifier = '';
  #discovered: OAuthDiscoveryState | undefined;
  #url: URL | undefined;
  readonly redirectUrl = 'http://127.0.0.1/callback';
  readonly clientMetadata = { redirect_uris: [this.redirectUrl], client_name: 'desktop' };
  clientInformation = () => ({ client_id: 'desktop', issuer: provider.issuer });
  tokens = () => this.saved;
  saveTokens = (tokens: OAuthTokens): void => {
    this.saved = tokens;
  };
  redirectToAuthorization = (url: URL): void => {
    this.#url = url;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = (): string => this.#verifier;
  saveDiscoveryState = (state: OAuthDiscoveryState): void => {
    this.#discovered = state;
  };
  discoveryState = () => this.#discovered;

  /** Follows the provider to where it sends the user back; resolves to the parameters there. */
  async visit(): Promise<URLSearchParams> {
    const cookies = new Map<string, string>();
    let url = this.#url;
    while (url && !url.href.startsWith(this.redirectUrl)) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer: Response = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const set of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        cookies.set(name, value);
      }
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${url.href} answered ${answer.status}: ${await answer.text()}`);
      url = new URL(location, url);
    }
    if (!url) throw new Error('nobody was sent to a browser');
    return url.searchParams;
  }
}
