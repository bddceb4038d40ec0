import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { anyNetwork, publicInternet, type EgressPolicy } from '../../src/tools/egress-policy.ts';
import { guardedFetch, type FetchedDocument, type FetchOptions } from '../../src/tools/guarded-fetch.ts';
import { resolveByDns, type ResolveHost } from '../../src/tools/resolve-host.ts';
import { failure, RESULT_KIND, unavailable } from '../../src/tools/result.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startSite } from '../support/site.ts';

const NOT_PUBLIC = /not on the public internet/;

const toLoopback: ResolveHost = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

function options(overrides: Partial<FetchOptions> = {}): FetchOptions {
  return {
    policy: anyNetwork,
    resolveHost: toLoopback,
    timeoutSeconds: 4,
    maxBytes: 10_000,
    maxRedirects: 3,
    signal: new AbortController().signal,
    ...overrides,
  };
}

async function fetched(url: string, overrides?: Partial<FetchOptions>): Promise<FetchedDocument> {
  const result = await guardedFetch(url, options(overrides));
  if (RESULT_KIND in result) throw new Error(result.message);
  return result;
}

async function refused(url: string, overrides?: Partial<FetchOptions>): Promise<string> {
  const result = await guardedFetch(url, options(overrides));
  if (!(RESULT_KIND in result)) throw new Error(`fetched ${result.body.length} bytes`);
  expect(result.reason).toBe('tool_error');
  return result.message;
}

/** The public internet, except that the first address judged is let through: stands in for a public entry. */
function publicEntry(): EgressPolicy {
  let entered = false;
  return {
    permitsName: publicInternet.permitsName,
    permitsAddress(address) {
      if (entered) return publicInternet.permitsAddress(address);
      entered = true;
      return true;
    },
  };
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

function redirect(response: ServerResponse, location: string, status = 302): void {
  response.writeHead(status, { location }).end('moved');
}

/** Writes for as long as the client reads. */
function writeForever(response: ServerResponse, chunk: Buffer): void {
  const write = (): void => {
    if (response.destroyed) return;
    if (response.write(chunk)) setImmediate(write);
    else response.once('drain', write);
  };
  write();
}

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
    expect(await guardedFetch('http://broken.example/', options({ resolveHost }))).toMatchObject({
      reason: 'unavailable',
    });
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

describe('URLs', () => {
  it.each([
    'file:///etc/passwd',
    'ftp://example.com/',
    'gopher://example.com/',
    'javascript:alert(1)',
    '/relative',
    'http://',
    '',
  ])('%j is refused: only http and https', async (url) => {
    expect(await refused(url)).toMatch(/http and https/);
  });

  it('with credentials are refused without repeating them', async () => {
    const message = await refused('http://user:hunter2@example.com/');
    expect(message).toMatch(/user name or password/);
    expect(message).not.toContain('hunter2');
  });

  it.each([
    ['file:///etc/passwd', /http and https/],
    ['http://user:pass@example.com/', /user name or password/],
    ['http://[broken', /http and https/],
  ])('%s is refused as a redirect too', async (location, message) => {
    const site = await startSite((_request, response) => {
      redirect(response, location);
    });
    expect(await refused(site.url)).toMatch(message);
  });

  it('that redirect in a circle are given up after the permitted number of redirects', async () => {
    const site = await startSite((_request, response) => {
      redirect(response, '/again');
    });
    expect(await refused(site.url)).toMatch(/more than 3 times/);
    expect(site.visits).toHaveLength(4);
  });

  it('that redirect are refused when no redirect is permitted', async () => {
    const site = await startSite((_request, response) => {
      redirect(response, '/once');
    });
    expect(await refused(site.url, { maxRedirects: 0 })).toMatch(/more than 0 times/);
  });
});

describe('bodies', () => {
  const TOO_LARGE = /larger than 10000 bytes/;

  it('of exactly the limit are read', async () => {
    const site = await startSite((_request, response) => response.end(Buffer.alloc(10_000)));
    expect((await fetched(site.url)).body).toHaveLength(10_000);
  });

  it('that announce more than the limit are refused unread', async () => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-length': '10001' });
      response.flushHeaders();
    });
    expect(await refused(site.url)).toMatch(TOO_LARGE);
  });

  it('that turn out longer are cut off while streaming, and the connection with them', async () => {
    const site = await startSite((_request, response) => {
      writeForever(response, Buffer.alloc(1000));
    });
    const connected = once(site.server, 'connection') as Promise<[Socket]>;
    expect(await refused(site.url)).toMatch(TOO_LARGE);
    const [socket] = await connected;
    await closed(socket);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('that decompress to more than the limit (%s bomb) are cut off', async (coding, compress) => {
    const bomb = compress(Buffer.alloc(5_000_000));
    expect(bomb.length).toBeLessThan(10_000);
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end(bomb);
    });
    expect(await refused(site.url)).toMatch(TOO_LARGE);
  });

  it('that are endless but decompress to nothing are cut off', async () => {
    const emptyBlocks = Buffer.from('000000ffff'.repeat(200), 'hex');
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync('').subarray(0, 10));
      writeForever(response, emptyBlocks);
    });
    expect(await refused(site.url)).toMatch(TOO_LARGE);
  });

  it('that break off or are corrupt are failures', async () => {
    const site = await startSite((request, response) => {
      if (request.url === '/short') response.writeHead(200, { 'content-length': '10' }).write('12345');
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end('this is not gzip');
      if (request.url === '/short') response.socket?.destroySoon();
    });
    expect(await refused(`${site.url}/short`)).toMatch(/broke off/);
    expect(await refused(`${site.url}/corrupt`)).toMatch(/Z_DATA_ERROR/);
  });

  it('in an encoding that was not asked for are refused', async () => {
    const site = await startSite((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip, br' }).end('x');
    });
    expect(await refused(site.url)).toMatch(/content encoding/);
  });

  it.each([
    ['of a refused head', 404],
    ['of a redirect', 302],
  ])('%s are not read, and their connection is closed', async (_case, status) => {
    const site = await startSite((request, response) => {
      response.writeHead(request.url === '/' ? status : 404, { location: '/end' });
      if (request.url === '/') writeForever(response, Buffer.alloc(1000));
      else response.end();
    });
    const connected = once(site.server, 'connection') as Promise<[Socket]>;
    const refuse: FetchOptions['refuse'] = ({ status: found }) => `refused ${found}`;
    expect(await refused(site.url, { refuse })).toBe('refused 404');
    const [socket] = await connected;
    await closed(socket);
  });
});

describe('the deadline', () => {
  const timeoutSeconds = 0.25;

  it('ends a body that trickles for ever', async () => {
    const site = await startSite((_request, response) => {
      const trickle = setInterval(() => response.write('x'), 10);
      response.on('close', () => {
        clearInterval(trickle);
      });
    });
    expect(await refused(site.url, { timeoutSeconds })).toMatch(/within 0.25 seconds/);
  });

  it('ends a site that accepts and says nothing', async () => {
    const site = await startSite(() => undefined);
    expect(await refused(site.url, { timeoutSeconds })).toMatch(/within 0.25 seconds/);
  });

  it('covers all redirects together', async () => {
    const site = await startSite((_request, response) => {
      setTimeout(() => {
        redirect(response, '/next');
      }, 20);
    });
    expect(await refused(site.url, { timeoutSeconds, maxRedirects: 1000 })).toMatch(/within 0.25 seconds/);
  });

  it('ends a handshake that never finishes', async () => {
    const silent = createTcpServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const connected = once(silent, 'connection') as Promise<[Socket]>;
    const { port } = silent.address() as AddressInfo;
    expect(await refused(`https://127.0.0.1:${port}/`, { timeoutSeconds })).toMatch(/within 0.25 seconds/);
    const [socket] = await connected;
    socket.resume();
    await closed(socket);
  });

  it('covers the lookup', async () => {
    const resolveHost = () => new Promise<never>(() => undefined);
    expect(await refused('http://slow.example/', { timeoutSeconds, resolveHost })).toMatch(
      /within 0.25 seconds/,
    );
  });
});

describe('the caller', () => {
  const reason = new Error('the client went away');

  it('can abort a fetch, which throws the reason and closes the connection', async () => {
    const site = await startSite((_request, response) => response.write('started'));
    const caller = new AbortController();
    const connected = once(site.server, 'connection') as Promise<[Socket]>;
    const running = guardedFetch(site.url, options({ signal: caller.signal }));
    const [socket] = await connected;
    caller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await closed(socket);
  });

  it('that aborts before there is a connection leaves none behind', async () => {
    const sockets: Socket[] = [];
    const site = await startSite((_request, response) => response.end('page'));
    site.server.on('connection', (socket) => sockets.push(socket));
    await expect(guardedFetch(site.url, options({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const caller = new AbortController();
    const running = guardedFetch(site.url, options({ signal: caller.signal }));
    caller.abort(reason);
    await expect(running).rejects.toBe(reason);
    // By the time that a later fetch is through, the server knows of earlier connections.
    await fetched(site.url);
    await Promise.all(sockets.map(closed));
  });
});

describe('sites that cannot be reached', () => {
  it('are failures that say how', async () => {
    const site = await startSite((_request, response) => response.end());
    const closed = await startSite(() => undefined);
    closed.server.close();
    await once(closed.server, 'close');
    expect(await refused(closed.url)).toMatch(/ECONNREFUSED/);
    expect(await refused(site.url.replace('http:', 'https:'))).toMatch(/could not be reached/);
  });
});
