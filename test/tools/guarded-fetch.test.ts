import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { publicInternet } from '../../src/tools/egress-policy.ts';
import { guardedFetch } from '../../src/tools/guarded-fetch.ts';
import { resolveByDns, type ResolveHost } from '../../src/tools/resolve-host.ts';
import { failure, unavailable } from '../../src/tools/result.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { closed, fetched, options, publicEntry, redirect, refused } from '../support/fetching.ts';
import { startSite } from '../support/site.ts';

const NOT_PUBLIC = /not on the public internet/;

describe('a fetch that is permitted', () => {
  it('returns status, type, body and final URL, and names itself', async () => {
    let agent: string | undefined;
    const site = await startSite((request, response) => {
      agent = request.headers['user-agent'];
      response.writeHead(203, { 'content-type': 'text/plain' }).end('hello');
    });
    expect(await fetched(`${site.url}/page?q=1`)).toEqual({
      url: `${site.url}/page?q=1`,
      status: 203,
      contentType: 'text/plain',
      body: Buffer.from('hello'),
    });
    expect(agent).toBe('nexus-mcp');
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('undoes %s', async (coding, compress) => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end(compress('hello'));
    });
    expect((await fetched(site.url)).body.toString()).toBe('hello');
  });

  it.each([301, 302, 303, 307, 308])('follows a relative redirect with status %d', async (status) => {
    const site = await startSite((request, response) => {
      if (request.url === '/from/here') redirect(response, '../to?x=1', status);
      else response.end('arrived');
    });
    expect((await fetched(`${site.url}/from/here`)).url).toBe(`${site.url}/to?x=1`);
  });

  it('leaves no connection open', async () => {
    const sockets: Socket[] = [];
    const site = await startSite((request, response) => {
      if (request.url === '/') redirect(response, '/end');
      else response.end('done');
    });
    site.server.on('connection', (socket) => sockets.push(socket));
    await fetched(site.url);
    await Promise.all(sockets.map(closed));
    expect(sockets.length).toBeGreaterThan(0);
  });
});

describe('hosts that are not public', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://017700000001/',
    'http://0177.0.0.1/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://１２７.0.0.1/',
    'http://127.0.0.1./',
    'http://0/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:7f00:0001]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://10.0.0.1/',
    'http://192.168.0.1/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://metadata.google.internal/',
    'http://kubernetes.default.svc/',
    'http://metadata/',
  ])('%s is refused before anything is looked up', async (url) => {
    const resolveHost = () => Promise.reject(new Error('looked up'));
    expect(await refused(url, { policy: publicInternet, resolveHost })).toMatch(NOT_PUBLIC);
  });

  it('are refused when a public name resolves to one', async () => {
    const site = await startSite((_request, response) => response.end('secret'));
    expect(await refused(`http://public.example:${site.port}/`, { policy: publicInternet })).toMatch(
      NOT_PUBLIC,
    );
    expect(site.visits).toEqual([]);
  });

  it('are refused when only one of several addresses is such', async () => {
    const site = await startSite((_request, response) => response.end('secret'));
    const resolveHost: ResolveHost = () =>
      Promise.resolve([
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const url = `http://mixed.example:${site.port}/`;
    expect(await refused(url, { policy: publicInternet, resolveHost })).toMatch(NOT_PUBLIC);
    expect(site.visits).toEqual([]);
  });

  it.each([
    'http://127.0.0.1',
    'http://0x7f.1',
    'http://[::ffff:127.0.0.1]',
    'http://localhost',
    'http://rebound.example',
  ])('are refused when a redirect leads to %s', async (host) => {
    const site = await startSite((request, response) => {
      if (request.url === '/') redirect(response, `${host}:${site.port}/secret`);
      else response.end('secret');
    });
    const url = `http://public.example:${site.port}/`;
    expect(await refused(url, { policy: publicEntry() })).toMatch(NOT_PUBLIC);
    expect(site.visits).toEqual(['/']);
  });

  it('are refused when a name changes its address between two hops of the same host', async () => {
    const site = await startSite((request, response) => {
      if (request.url === '/') redirect(response, '/secret');
      else response.end('secret');
    });
    const url = `http://public.example:${site.port}/`;
    expect(await refused(url, { policy: publicEntry() })).toMatch(NOT_PUBLIC);
    expect(site.visits).toEqual(['/']);
  });
});

describe('DNS', () => {
  it('is asked once a hop, so that no second answer can replace the one that was checked', async () => {
    const site = await startSite((_request, response) => response.end('page'));
    const { server, queries } = await startDnsServer({ 'public.example': { A: ['127.0.0.1'] } });
    const resolveHost = resolveByDns({ timeoutSeconds: 2, servers: [server] });
    expect((await fetched(`http://public.example:${site.port}/`, { resolveHost })).body.toString()).toBe(
      'page',
    );
    expect(queries.toSorted()).toEqual(['public.example A', 'public.example AAAA']);
  });

  it.each([
    ['IPv4', { A: ['10.0.0.1'] }],
    ['IPv6', { A: ['93.184.216.34'], AAAA: ['::ffff:10.0.0.1'] }],
  ])('answers with a private %s address are refused', async (_family, records) => {
    const { server } = await startDnsServer({ 'rebound.example': records });
    const resolveHost = resolveByDns({ timeoutSeconds: 2, servers: [server] });
    expect(await refused('http://rebound.example/', { policy: publicInternet, resolveHost })).toMatch(
      NOT_PUBLIC,
    );
  });

  it('failures are reported as such', async () => {
    const { server } = await startDnsServer({ 'broken.example': 2 });
    const resolveHost = resolveByDns({ timeoutSeconds: 2, servers: [server] });
    expect(await refused('http://missing.example/', { resolveHost })).toMatch(/does not exist/);
    expect(await refused('http://broken.example/', { resolveHost })).toMatch(/servers .* fail/);
  });

  it('answers without addresses are refused', async () => {
    expect(await refused('http://empty.example/', { resolveHost: () => Promise.resolve([]) })).toMatch(
      NOT_PUBLIC,
    );
  });

  it('failures of another resolver come through unchanged', async () => {
    for (const result of [failure('no such host'), unavailable('no resolver')]) {
      const resolveHost = () => Promise.resolve(result);
      expect(await guardedFetch('http://a.example/', options({ resolveHost }))).toEqual(result);
    }
  });
});
