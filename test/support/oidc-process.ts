import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import Provider, { errors } from 'oidc-provider';

/**
 * A real OpenID provider: prints its issuer, and gives clients, and users that come by a browser, access tokens that are JWTs
 * for the resources that are its arguments. It asks no user for a password: it is for tests alone.
 */
const resources = process.argv.slice(2);
const [resource = ''] = resources;
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'agent',
      client_secret: 'agent-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: 'tools:read admin',
    },
    {
      client_id: 'desktop',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      scope: 'openid tools:read admin',
    },
  ],
  scopes: ['openid', 'tools:read', 'admin'],
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo(_context, indicator) {
        if (!resources.includes(indicator)) throw new errors.InvalidTarget();
        return { scope: 'tools:read admin', accessTokenFormat: 'jwt', accessTokenTTL: 600 };
      },
    },
  },
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_context, { uid }) => `/as-ada/${uid}` },
});
const serve = provider.callback();
server.on('request', (request, response) => {
  if (request.url?.startsWith('/as-ada/') !== true) {
    void serve(request, response);
    return;
  }
  // Ada is there, and agrees to all that she is asked.
  void (async () => {
    const { prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      await provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
      return;
    }
    const grant = new provider.Grant({ accountId: 'ada', clientId: String(params['client_id']) });
    grant.addOIDCScope(`openid ${String(params['scope'])}`);
    grant.addResourceScope(resource, String(params['scope']));
    await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  })();
});
process.stdout.write(`${issuer}\n`);
