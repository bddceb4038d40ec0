import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { linkTo } from '../support/raw-link.ts';
import { readList } from '../../src/upstream/listing.ts';
import { RawUpstream, answer, type Behaviour, type RawMessage } from '../support/raw-upstream.ts';
import { waitFor } from '../support/wait.ts';

const DONE = { content: [{ type: 'text', text: 'done' }] };

const upstream = new RawUpstream();
let url: string;

beforeAll(async () => {
  url = await upstream.listen();
});

beforeEach(() => {
  upstream.behaviour = {};
  upstream.received.length = 0;
});

afterAll(() => upstream.close());

it('calls have their connections, though the upstream never says that it has heard of those that were given up', async () => {
  const { call, close } = await linkTo(url);
  upstream.behaviour = { 'tools/call': () => undefined, 'notifications/cancelled': () => undefined };
  for (let made = 1; made <= 12; made += 1) {
    const stop = new AbortController();
    const given = call(stop.signal).catch(() => 'given up');
    await waitFor(() => {
      expect(upstream.count('tools/call')).toBe(made);
    });
    stop.abort(new Error('the caller is gone'));
    expect(await given).toBe('given up');
  }
  upstream.behaviour = { 'notifications/cancelled': () => undefined };
  expect(await call()).toEqual(DONE);
  await close();
});

it('of an upstream’s own questions so many are answered as it takes answers, and no more are kept', async () => {
  const { call, close, aside } = await linkTo(url, { maxBytes: 1024 * 1024 });
  const asks = (id: number): string =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', id: `q${id}`, method: 'ping' })}\n\n`;
  upstream.behaviour = {
    '': () => undefined,
    'tools/call': ({ id }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let asked = 0; asked < 900; asked += 1) response.write(asks(asked));
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: DONE })}\n\n`);
    },
  };
  expect(await call()).toEqual(DONE);
  upstream.behaviour = { '': () => undefined };
  expect(await call()).toEqual(DONE);
  expect(aside.sent).toBeGreaterThan(0);
  expect(aside.sent).toBeLessThanOrEqual(256);
  await close();
});

it('what nobody here can be asked is refused, with where it would pass', async () => {
  const { call, close } = await linkTo(url);
  const refused = Promise.withResolvers<unknown>();
  upstream.behaviour = {
    'tools/call': (message, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage', params: {} })}\n\n`,
      );
      void refused.promise.then(() =>
        response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: DONE })}\n\n`),
      );
    },
    '': (message, response) => {
      response.writeHead(202).end();
      refused.resolve(message);
    },
  };
  expect(await call()).toEqual(DONE);
  expect(await refused.promise).toMatchObject({
    error: { message: expect.stringContaining('/servers/raw/mcp') as string },
  });
  await close();
});

it('a session that is being opened is given up when nobody wants it any more', async () => {
  upstream.behaviour = { initialize: () => undefined };
  const stop = new AbortController();
  const opening = linkTo(url, {}, 'legacy', stop.signal);
  await waitFor(() => {
    expect(upstream.count('initialize')).toBe(1);
  });
  stop.abort();
  await expect(opening).rejects.toThrow(/connection/);
});

it('a result that is none is for whoever relays it to judge, whatever the era', async () => {
  const discover: Behaviour = (message, response) =>
    answer(response, message, {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      serverInfo: { name: 'raw', version: '1' },
      ttlMs: 0,
      cacheScope: 'private',
    });
  upstream.behaviour = {
    'server/discover': discover,
    'tools/call': (message, response) => answer(response, message, { resultType: 'complete', odd: true }),
  };
  const { link, call, close } = await linkTo(url, {}, 'unknown');
  expect(link.isModern).toBe(true);
  expect(await call()).toEqual({ resultType: 'complete', odd: true });
  await close();
});

it('a stream that says more than can be of use ends, and can be listened to again', async () => {
  upstream.behaviour = {
    initialize: (message, response) =>
      answer(response, message, {
        protocolVersion: '2025-11-25',
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'raw', version: '1' },
      }),
    GET: (_message, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const write = (): void => void (response.destroyed || response.write(': hm\n\n'.repeat(10_000), write));
      write();
    },
  };
  // Time stands still: so it does not matter how fast the machine is.
  const { link, close } = await linkTo(url, { now: () => 0 });
  await link.listen(new AbortController().signal, 3600);
  await link.listen(new AbortController().signal, 3600);
  await close();
});

it('what one call says leaves the others what they may say', async () => {
  // Time stands still: nobody may say more after a while.
  const { link, close } = await linkTo(url, { now: () => 0, maxBytes: 1024 * 1024 });
  const says = (id: RawMessage['id'], count: number): string =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: id } })}\n\n`.repeat(
      count,
    );
  upstream.behaviour = {
    'tools/call': ({ id, params }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(says(id, params?.['name'] === 'chatty' ? 3000 : 1));
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: DONE })}\n\n`);
    },
  };
  const noticesOf = async (name: string): Promise<number> => {
    let notices = 0;
    const made = {
      params: { name },
      modernMeta: {},
      traceId: undefined,
      inputSchema: { type: 'object' },
    } as const;
    await link.call(made, { notice: () => (notices += 1) }, new AbortController().signal);
    return notices;
  };
  expect(await noticesOf('chatty')).toBe(1000);
  expect(await noticesOf('quiet')).toBe(1);
  await close();
});

it('progress that comes together with the answer is not lost', async () => {
  const { link, close } = await linkTo(url);
  upstream.behaviour = {
    'tools/call': ({ id, params }, response) => {
      const { progressToken } = params?.['_meta'] as { readonly progressToken: number };
      const says = (message: object): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
      const reports = [1, 2, 3].map((progress) =>
        says({ method: 'notifications/progress', params: { progressToken, progress } }),
      );
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(reports.join('') + says({ id, result: DONE }));
    },
  };
  const heard: unknown[] = [];
  const params = { name: 'works' };
  const made = { params, modernMeta: {}, traceId: undefined, inputSchema: { type: 'object' } } as const;
  const progress = (said: object): void => void heard.push(said);
  const { signal } = new AbortController();
  expect(await link.call(made, { notice: undefined, progress }, signal)).toEqual(DONE);
  expect(heard).toEqual([{ progress: 1 }, { progress: 2 }, { progress: 3 }]);
  await close();
});

it('the trace of a call is in the headers, too, for what stands before the upstream', async () => {
  const { link, close } = await linkTo(url);
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const sent: unknown[] = [];
  upstream.behaviour = {
    'tools/call': (message, response, { headers }) => {
      sent.push([headers['traceparent'], headers['tracestate']]);
      answer(response, message, DONE);
    },
  };
  for (const _meta of [
    { traceparent },
    { traceparent, tracestate: 'a=1' },
    { traceparent: 'no\r\nheader' },
    {},
  ]) {
    const params = { name: 'works', _meta };
    const made = { params, modernMeta: {}, traceId: undefined, inputSchema: { type: 'object' } } as const;
    await link.call(made, { notice: undefined }, new AbortController().signal);
  }
  expect(sent).toEqual([
    [traceparent, undefined],
    [traceparent, 'a=1'],
    [undefined, undefined],
    [undefined, undefined],
  ]);
  await close();
});

it('a page of a list that is larger than is read says how it may be larger', async () => {
  const { link, close } = await linkTo(url);
  const page = (description: string) => ({
    tools: [{ name: 'a', description, inputSchema: { type: 'object' } }],
  });
  const read = (): Promise<unknown> => readList(link, 3600, () => 0);
  upstream.behaviour = {
    'tools/list': (message, response) => answer(response, message, page('x'.repeat(1024 * 1024))),
  };
  await read();
  upstream.behaviour = {
    'tools/list': (message, response) => answer(response, message, page('x'.repeat(2 * 1024 * 1024))),
  };
  await expect(read()).rejects.toThrow(
    'has a page of more than 2097152 bytes: it needs more and smaller ones',
  );
  await close();
});
