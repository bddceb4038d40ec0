import { once } from 'node:events';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { FetchOptions } from '../../src/tools/guarded-fetch.ts';
import { closed, fetched, refused, writeForever } from '../support/fetching.ts';
import { startSite } from '../support/site.ts';

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
