import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { run } from '../../src/cli/run.ts';

const TOKEN = 'the-token-of-the-service-account';

interface Attributes {
  readonly namespace?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly path?: string;
  readonly verb: string;
}

let certificate: { readonly cert: string; readonly private: string };
let tools: TestServer;
let directory: string;
beforeAll(async () => {
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 7 as const, ip: '127.0.0.1' }] }];
  certificate = await generate([{ name: 'commonName', value: '127.0.0.1' }], { extensions });
  directory = mkdtempSync(join(tmpdir(), 'credentials-'));
  writeFileSync(join(directory, 'token'), TOKEN);
  writeFileSync(join(directory, 'ca.crt'), certificate.cert);
  tools = await startTestServer();
  return () => tools.stop();
});

let api: Server | undefined;
afterEach(() => {
  api?.closeAllConnections();
  api?.close();
});

/** A Kubernetes API that answers reviews of the access of whoever has the token. */
async function startApi(
  allows: (asked: Attributes) => boolean,
): Promise<{ port: string; asked: Attributes[]; connections: () => number }> {
  const asked: Attributes[] = [];
  let connections = 0;
  api = createServer({ cert: certificate.cert, key: certificate.private }, (request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void response.writeHead(401).end('{}');
    if (request.url !== '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
      return void response.writeHead(404).end('not that one');
    void json(request).then((body) => {
      const { spec } = body as { spec: Record<string, Attributes> };
      const attributes = spec['resourceAttributes'] ?? spec['nonResourceAttributes'];
      if (!attributes) return response.writeHead(422).end('{"message":"no attributes"}');
      asked.push(attributes);
      const status = { allowed: allows(attributes) };
      return response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ status }));
    });
  });
  api.on('secureConnection', () => (connections += 1));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  return { port: String((api.address() as AddressInfo).port), asked, connections: () => connections };
}

/** Runs `nexus-mcp probe --access`; returns its exit code and what it says of the access, or of how it is used. */
async function probeAccess(
  access: object | string,
  port: string,
  { from = directory, host = '127.0.0.1' }: { readonly from?: string; readonly host?: string } = {},
): Promise<{ readonly code: number; readonly says: string }> {
  const written = { stdout: '', stderr: '' };
  const text = typeof access === 'string' ? access : JSON.stringify(access);
  const code = await run({
    argv: ['probe', tools.url, '--access', text, '--access-from', from],
    env: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port },
    directory,
    version: '0.0.0',
    now: () => performance.now() / 1000,
    stdout: { write: (line: string) => (written.stdout += line) },
    stderr: { write: (line: string) => (written.stderr += line) },
    stopRequested: new Promise(() => undefined),
  });
  expect(written.stdout + written.stderr).not.toContain(TOKEN);
  const line = /^(\S+ +access .*)$/m.exec(written.stdout)?.[1]?.replaceAll(/ +/g, ' ');
  return { code, says: line ?? written.stderr };
}

const READING = { apiGroups: ['', 'apps'], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] };
const SECRETS = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
const READONLY = { namespaces: ['tools', 'other'], allowed: [READING], denied: [SECRETS] };

describe('probe --access', () => {
  it('asks for each thing a rule names, and is content when all is as it says', async () => {
    const { port, asked } = await startApi(({ resource }) => resource !== 'secrets');
    expect(await probeAccess(READONLY, port)).toEqual({
      code: 0,
      says: 'ok access 18 questions to the Kubernetes API answered as the rules say',
    });
    expect(asked).toContainEqual({
      ...{ namespace: 'other', group: 'apps', resource: 'pods', subresource: 'log', name: '' },
      verb: 'list',
    });
    expect(new Set(asked.map((each) => JSON.stringify(each))).size).toBe(18);
  });

  it('asks everything on one connection', async () => {
    const { port, connections } = await startApi(({ resource }) => resource !== 'secrets');
    expect(await probeAccess(READONLY, port)).toMatchObject({ code: 0 });
    expect(connections()).toBe(1);
  });

  it('asks for single objects, all namespaces, and paths', async () => {
    const { port, asked } = await startApi(() => true);
    const one = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'], verbs: ['get'] };
    const path = { nonResourceURLs: ['/metrics'], verbs: ['get'] };
    expect(await probeAccess({ namespaces: [''], allowed: [one, path] }, port)).toMatchObject({ code: 0 });
    expect(asked).toEqual([
      { namespace: '', group: '', resource: 'configmaps', subresource: '', name: 'a', verb: 'get' },
      { path: '/metrics', verb: 'get' },
    ]);
  });

  it.each<[string, (asked: Attributes) => boolean, RegExp]>([
    [
      'may not do what it should',
      ({ group, resource }) => group === '' && resource !== 'secrets',
      /^FAIL access may not get pods\.apps in tools, and 7 more; do the ServiceAccount/,
    ],
    ['may do what it should not', () => true, /^FAIL access may get secrets in tools, and 1 more; do/],
  ])('says what the account %s', async (_what, allows, says) => {
    const { port } = await startApi(allows);
    const probed = await probeAccess(READONLY, port);
    expect(probed.code).toBe(1);
    expect(probed.says).toMatch(says);
  });

  it('says that its token is not accepted', async () => {
    const from = mkdtempSync(join(tmpdir(), 'credentials-'));
    writeFileSync(join(from, 'token'), 'of-another-cluster');
    writeFileSync(join(from, 'ca.crt'), certificate.cert);
    const { port } = await startApi(() => true);
    const { code, says } = await probeAccess(READONLY, port, { from });
    expect(code).toBe(1);
    expect(says).toMatch(/^FAIL access https:\/\/127\.0\.0\.1:\d+ does not accept the pod's token \(401\)$/);
  });

  it('does not send the token to a server whose certificate its CA did not sign', async () => {
    const from = mkdtempSync(join(tmpdir(), 'credentials-'));
    const other = await generate([{ name: 'commonName', value: 'other' }]);
    writeFileSync(join(from, 'token'), TOKEN);
    writeFileSync(join(from, 'ca.crt'), other.cert);
    const { port, asked } = await startApi(() => true);
    expect((await probeAccess(READONLY, port, { from })).says).toMatch(
      /^FAIL access .*its certificate is not signed by the CA in ca\.crt; are both of this cluster\?$/,
    );
    expect(asked).toEqual([]);
  });

  it('says that the API server cannot be reached', async () => {
    const { port } = await startApi(() => true);
    api?.close();
    expect((await probeAccess(READONLY, port)).says).toMatch(/^FAIL access .*ECONNREFUSED/);
  });

  it.each([
    ['{', {}, /^nexus-mcp: --access: SyntaxError/],
    ['{"namespaces":["a"],"allow":[]}', {}, /^nexus-mcp: --access: .*"allow"/],
    [READONLY, { from: '/nowhere' }, /^nexus-mcp: --access: .*ENOENT.*token/],
    [READONLY, { host: 'not a host' }, /^nexus-mcp: --access: .*Invalid URL/],
    [READONLY, { host: '' }, /^nexus-mcp: --access works in a pod only: KUBERNETES_SERVICE_HOST is not set/],
  ])('%j with %j is a misuse', async (access, options, says) => {
    const { code, says: said } = await probeAccess(access, '443', options);
    expect(code).toBe(2);
    expect(said).toMatch(says);
  });
});
