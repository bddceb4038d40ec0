import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { guardedFetch } from '../../src/tools/guarded-fetch.ts';
import { closed, fetched, options, redirect, refused } from '../support/fetching.ts';
import { startSite } from '../support/site.ts';

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

describe('what comes besides the body', () => {
  /** A site that sends what `next` gives for as long as the client reads, and how many bytes it got rid of. */
  async function endless(head: string, next: string) {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(head);
        const chunk = Buffer.from(next.repeat(Math.ceil(10_000 / next.length)));
        const write = (): void => {
          if (socket.destroyed) return;
          if (socket.write(chunk)) setImmediate(write);
          else socket.once('drain', write);
        };
        write();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    return { url, closed: () => Promise.all(sockets.map(closed)) };
  }

  const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n';
  it.each([
    ['informational answers', '', 'HTTP/1.1 103 Early Hints\r\n\r\n', /informational answers/],
    [
      'informational answers with long heads',
      '',
      `HTTP/1.1 102 Processing\r\nx: ${'y'.repeat(9000)}\r\n\r\n`,
      /./,
    ],
    ['extensions of chunks', CHUNKED, `1;${'x'.repeat(9000)}\r\ny\r\n`, /larger than 10000 bytes/],
    ['an extension of a chunk', `${CHUNKED}1;`, 'x', /larger than 10000 bytes/],
    ['trailers', `${CHUNKED}0\r\n`, `x: ${'y'.repeat(90)}\r\n`, /./],
  ])('ends a fetch when it is endless: %s', async (_what, head, next, message) => {
    const site = await endless(head, next);
    // Nobody waits for the deadline.
    const problem = await refused(site.url, { timeoutSeconds: 20 });
    expect(problem).toMatch(message);
    expect(problem).not.toMatch(/within 20 seconds/);
    await site.closed();
  });

  it('hurts no fetch when it is as much as sites send', async () => {
    const site = await startSite((_request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      // In chunks of one byte.
      response.writeHead(200, { 'content-type': 'text/plain' });
      for (let index = 0; index < 9000; index += 1) response.write('x');
      response.end();
    });
    expect((await fetched(site.url)).body).toHaveLength(9000);
  });
});
