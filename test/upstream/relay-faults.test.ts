import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answer, RawUpstream, refuse, type Behaviour } from '../support/raw-upstream.ts';
import { call, messagesOf, openSession, post } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { isIn, UNHURRIED } from './state-now.ts';

const upstream = new RawUpstream();
let server: TestServer;
let relay: string;
let port: number;

beforeAll(async () => {
  const url = await upstream.listen();
  ({ port } = upstream);
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0, resultBytes: 65_536, inputWaitSeconds: 2 },
      server: { streamKeepAliveSeconds: 1 },
      log: { foldSeconds: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'raw', url, timeoutSeconds: 1, trustReasons: true, tools: { exclude: ['left_out'] } },
      ],
    },
    undefined,
    { ...UNHURRIED, calm: 0 },
  );
  relay = `${server.url}/servers/raw`;
  await isIn(server, 'up');
});

afterEach(async () => {
  upstream.behaviour = {};
  if (!upstream.listening) await upstream.listen(port);
  await isIn(server, 'up');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await upstream.close();
});

interface Answered {
  readonly id?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** Makes a call, and tells what it was answered, and what was counted for it. */
async function outcome(name = 'works'): Promise<{
  readonly status: number;
  readonly body: Answered;
  readonly counted: readonly string[];
  readonly retryAfter: string | null;
}> {
  const before = await counts();
  const response = await post(relay, call(1, name));
  const body = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? ((await all(messagesOf(response))).at(-1) ?? {})
    : ((await response.json()) as Answered);
  const retryAfter = response.headers.get('retry-after');
  let counted: string[] = [];
  await waitFor(async () => {
    const after = await counts();
    counted = [...after].flatMap(([what, count]) => (count > (before.get(what) ?? 0) ? [what] : []));
    expect(counted).not.toEqual([]);
  });
  return { status: response.status, body, counted, retryAfter };
}

/** Counts of calls that ended: by tool, and by why those failed that did. */
async function counts(): Promise<ReadonlyMap<string, number>> {
  const samples = await server.scrape();
  const successes = samples.select('mcp_tool_calls_total', { status: 'success' });
  const errors = samples.select('mcp_tool_errors_total');
  return new Map(
    [...successes, ...errors].map(({ labels, value }) => [
      `${String(labels['tool_name'])} ${labels['reason'] ?? 'success'}`,
      value,
    ]),
  );
}

async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const stream = { 'content-type': 'text/event-stream' };
const event = (message: object, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
const done = { content: [{ type: 'text', text: 'done' }] };
const note = (text: string) => ({
  method: 'notifications/message',
  params: { level: 'info', data: text },
});

describe('what becomes of a relayed call is counted by the name that the catalogue has for its tool', () => {
  const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
  const failing = { ...text('no'), isError: true };
  const withReason = (reason: string) => ({ ...failing, _meta: { 'nexus-mcp/failure': { reason } } });
  const results: readonly (readonly [string, Behaviour, string])[] = [
    ['a result', (message, response) => answer(response, message, done), 'success'],
    [
      'a result in a stream',
      (message, response) =>
        response.writeHead(200, stream).end(event(note('on it')) + event({ id: message.id, result: done })),
      'success',
    ],
    ['isError', (message, response) => answer(response, message, failing), 'tool_error'],
    [
      'a reason of its own',
      (message, response) => answer(response, message, withReason('exception')),
      'exception',
    ],
    [
      'a reason that is not its to give',
      (message, response) => answer(response, message, withReason('denied')),
      'tool_error',
    ],
    [
      '-32602',
      (message, response) => refuse(response, message, -32_602, 'a must be a number'),
      'invalid_arguments',
    ],
    ['-32603', (message, response) => refuse(response, message, -32_603, 'a bug'), 'exception'],
    [
      'input required',
      (message, response) => answer(response, message, { resultType: 'input_required', inputRequests: {} }),
      'success',
    ],
    [
      'HTTP 401',
      (_message, response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
      'unavailable',
    ],
    [
      'a redirect',
      (_message, response) => response.writeHead(307, { location: 'http://evil.example/' }).end(),
      'unavailable',
    ],
    ['a reset', (_message, response) => response.destroy(), 'unavailable'],
    [
      'a reset in a stream',
      async (_message, response) => {
        response.writeHead(200, stream).write(event(note('on it')));
        await sleep(50);
        response.destroy();
      },
      'unavailable',
    ],
    [
      'a stream that ends before the answer',
      (_message, response) => response.writeHead(200, stream).end(event(note('bye'))),
      'unavailable',
    ],
    ['silence', () => undefined, 'timeout'],
    [
      'silence in a stream',
      (_message, response) => response.writeHead(200, stream).write(event(note('wait'))),
      'timeout',
    ],
  ];

  it.each(results)('%s', async (_what, behave, reason) => {
    upstream.behaviour = { 'tools/call': behave };
    const { status, body, counted } = await outcome();
    expect(counted).toEqual([`raw_works ${reason}`]);
    if (reason === 'unavailable' || reason === 'timeout') {
      expect(body).toMatchObject({ id: 1, error: { data: { reason } } });
      expect(body.error?.message).toMatch(/^The upstream raw /);
      expect(server.logs.findLast(({ msg }) => msg === 'tool call')?.['why']).toMatch(/upstream raw/);
      expect([200, reason === 'timeout' ? 504 : 503, 500]).toContain(status);
    } else expect(body.id).toBe(1);
  });

  it.each([
    ['success', (message, response) => answer(response, message, done)],
    ['unknown_tool', (message, response) => refuse(response, message, -32_602, 'Unknown tool: new_one')],
    ['exception', (message, response) => refuse(response, message, -32_603, 'a bug')],
  ] satisfies readonly (readonly [string, Behaviour])[])(
    'a tool that the catalogue does not know is unknown, and ends as it does: %s',
    async (reason, behave) => {
      upstream.behaviour = { 'tools/call': behave };
      expect((await outcome('new_one')).counted).toEqual([`unknown ${reason}`]);
    },
  );

  it('HTTP 500 with whatever it says', async () => {
    upstream.behaviour = { 'tools/call': (_message, response) => response.writeHead(500).end('oops') };
    const before = (await counts()).get('raw_works unavailable') ?? 0;
    const response = await post(relay, call(1, 'works'));
    expect([response.status, await response.text()]).toEqual([500, 'oops']);
    await waitFor(async () => {
      expect((await counts()).get('raw_works unavailable')).toBe(before + 1);
    });
  });

  it.each([
    [400, 'invalid_arguments'],
    [415, 'invalid_arguments'],
    [429, 'unavailable'],
  ])('HTTP %i is the client’s or the upstream’s to mend: %s', async (status, reason) => {
    upstream.behaviour = { 'tools/call': (_message, response) => response.writeHead(status).end('no') };
    const before = (await counts()).get(`raw_works ${reason}`) ?? 0;
    const response = await post(relay, call(1, 'works'));
    expect([response.status, await response.text()]).toEqual([status, 'no']);
    await waitFor(async () => {
      expect((await counts()).get(`raw_works ${reason}`)).toBe(before + 1);
    });
  });

  it('a tool that the settings leave out is not called', async () => {
    const before = upstream.count('tools/call');
    const { counted, body } = await outcome('left_out');
    expect(counted).toEqual(['unknown denied']);
    expect(body.error?.message).toMatch(/leave out/);
    expect(upstream.count('tools/call')).toBe(before);
  });

  it('an answer that is too large to be read passes all the same', async () => {
    const large = 'x'.repeat(3_000_000);
    for (const asStream of [true, false]) {
      upstream.behaviour = {
        'tools/call': (message, response) => {
          const result = { content: [{ type: 'text', text: large }] };
          if (asStream)
            response.writeHead(200, stream).end(event(note('large')) + event({ id: message.id, result }));
          else answer(response, message, result);
        },
      };
      const { body, counted } = await outcome();
      expect(JSON.stringify(body)).toContain(large);
      expect(counted).toEqual(['raw_works success']);
    }
  });
});

describe('an upstream that is not there', () => {
  it('is refused at once when its breaker is open, without a packet, and tells when to come again', async () => {
    upstream.behaviour = { any: (_message, response) => response.destroy() };
    await waitFor(async () => {
      const { body, status } = await outcome();
      expect(status).toBe(503);
      expect(body).toMatchObject({ error: { data: { reason: 'unavailable' } } });
      expect(['open', 'down']).toContain(await stateOf());
    });
    const before = upstream.received.length;
    const { retryAfter, counted } = await outcome();
    // A trial may be due, which is one.
    expect(upstream.received.length - before).toBeLessThanOrEqual(1);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(retryAfter === null ? 0 : 1);
    expect(counted).toEqual(['raw_works unavailable']);
  });

  it('is unavailable when nothing listens there', async () => {
    await upstream.close();
    const { status, body } = await outcome();
    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { data: { reason: 'unavailable', retryable: true } } });
  });

  const stateOf = async (): Promise<string | undefined> =>
    (await server.scrape()).select('mcp_upstream_state').find(({ value }) => value === 1)?.labels['state'];
});

describe('a stream', () => {
  it('passes event by event', async () => {
    const next = Promise.withResolvers<undefined>();
    upstream.behaviour = {
      'tools/call': async (message, response) => {
        response.writeHead(200, stream).write(event(note('first')));
        await next.promise;
        response.end(event({ id: message.id, result: done }));
      },
    };
    const messages = messagesOf(await post(relay, call(1, 'works')));
    expect((await messages.next()).value).toMatchObject(note('first'));
    next.resolve(undefined);
    expect((await messages.next()).value).toMatchObject({ id: 1 });
  });

  it('that only listens may be silent, and is kept alive', async () => {
    const closed = Promise.withResolvers<undefined>();
    upstream.behaviour = {
      GET: (_message, response) => {
        response.on('close', () => {
          closed.resolve(undefined);
        });
        response.writeHead(200, stream).flushHeaders();
      },
    };
    const left = new AbortController();
    const response = await fetch(`${relay}/mcp`, {
      headers: { accept: 'text/event-stream' },
      signal: left.signal,
    });
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    const seen = Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(seen).toBe(': keepalive\n\n');
    left.abort();
    await closed.promise;
  });

  it('that listens may begin as late as its first event, and says nothing against its upstream', async () => {
    const waiting: ServerResponse[] = [];
    upstream.behaviour = { GET: (_message, response) => waiting.push(response) };
    const before = (await server.scrape()).value('mcp_upstream_transitions_total', { state: 'open' });
    const listening = Array.from({ length: 6 }, () =>
      fetch(`${relay}/mcp`, { headers: { accept: 'text/event-stream' } }),
    );
    await waitFor(() => {
      expect(waiting).toHaveLength(6);
    });
    // Longer than the upstream may be silent while something is waited for.
    await sleep(1500);
    expect((await outcome()).counted).toEqual(['raw_works success']);
    for (const response of waiting) response.writeHead(200, stream).end(event(note('late')));
    for (const response of await Promise.all(listening)) {
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('late');
    }
    expect((await server.scrape()).value('mcp_upstream_transitions_total', { state: 'open' })).toBe(before);
  });

  it('may be silent for as long as a client may take to answer a question', async () => {
    upstream.behaviour = {
      'tools/call': async (message, response) => {
        response.writeHead(200, stream).write(event({ id: 'q', method: 'elicitation/create', params: {} }));
        await sleep(1500);
        response.end(event({ id: message.id, result: done }));
      },
    };
    expect((await outcome()).counted).toEqual(['raw_works success']);
  });

  it('may be silent after a question even if something was said since', async () => {
    upstream.behaviour = {
      'tools/call': async (message, response) => {
        response.writeHead(200, stream).write(event({ id: 'q', method: 'elicitation/create', params: {} }));
        await sleep(100);
        response.write(': ping\n\n');
        await sleep(1500);
        response.end(event({ id: message.id, result: done }));
      },
    };
    expect((await outcome()).counted).toEqual(['raw_works success']);
  });

  it('has no more time than ever when the question has been answered', async () => {
    const asked = Promise.withResolvers<undefined>();
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'asking');
        upstream.usual(message, response);
      },
      'tools/call': (_message, response) => {
        response.writeHead(200, stream).write(event({ id: 'q', method: 'elicitation/create', params: {} }));
        asked.resolve(undefined);
      },
    };
    const patient = await startTestServer(
      {
        limits: { inputWaitSeconds: 3600 },
        tools: { enabled: ['add'] },
        upstreams: [{ name: 'raw', url: `http://127.0.0.1:${port}/mcp`, timeoutSeconds: 1 }],
      },
      undefined,
      UNHURRIED,
    );
    await isIn(patient, 'up');
    const other = `${patient.url}/servers/raw`;
    const session = await openSession(other);
    const answered = post(other, call(1, 'works'), session).then((response) => response.text());
    await asked.promise;
    await waitFor(async () => {
      // It is sent again as the question may not have come by yet.
      await post(other, { jsonrpc: '2.0', id: 'q', result: { action: 'decline' } }, session);
      expect(await Promise.race([answered, sleep(500)])).toMatch(/"reason":"timeout"/);
    });
    await patient.stop();
  });

  it('that listens is waited for no longer where a call came with it', async () => {
    upstream.behaviour = {
      any: (message, response) => {
        if (Array.isArray(message)) response.writeHead(200, stream).flushHeaders();
        else upstream.usual(message, response);
      },
    };
    const listen = { jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} };
    const before = (await counts()).get('raw_works timeout') ?? 0;
    const response = await post(relay, [listen, call(2, 'works')]);
    expect(await response.text()).toMatch(/"reason":"timeout"/);
    expect((await counts()).get('raw_works timeout')).toBe(before + 1);
  });

  it('that a client came back to keeps its call waiting as long as something is said', async () => {
    let result = {};
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'resuming');
        upstream.usual(message, response);
      },
      'tools/call': (message, response) => {
        result = { id: message.id, result: done };
        response.writeHead(200, stream).end(event(note('on it'), 'e1'));
      },
      GET: async (_message, response) => {
        response.writeHead(200, stream);
        for (let said = 0; said < 10; said += 1) {
          response.write(event(note('still')));
          await sleep(250);
        }
        response.end(event(result));
      },
    };
    const session = await openSession(relay);
    const before = (await counts()).get('raw_works success') ?? 0;
    await (await post(relay, call(7, 'works'), session)).text();
    const again = await fetch(`${relay}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': 'e1' },
    });
    expect(await again.text()).toContain('"id":7');
    await waitFor(async () => {
      expect((await counts()).get('raw_works success')).toBe(before + 1);
    });
  });

  it('that ends before its answer counts against its upstream when a client has come back for it in vain', async () => {
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'vain');
        upstream.usual(message, response);
      },
      'tools/call': (_message, response) => response.writeHead(200, stream).end(event(note('on it'), 'e1')),
      GET: (_message, response) => {
        response.writeHead(200, stream).flushHeaders();
      },
    };
    const session = await openSession(relay);
    const before = (await counts()).get('raw_works timeout') ?? 0;
    const leave = new AbortController();
    for (let id = 1; id <= 5; id += 1) await (await post(relay, call(id, 'works'), session)).text();
    // That nobody comes back for it may be for the client.
    expect((await server.scrape()).value('mcp_upstream_state', { upstream: 'raw', state: 'up' })).toBe(1);
    const again = await fetch(`${relay}/mcp`, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': 'e1' },
      signal: leave.signal,
    });
    await waitFor(async () => {
      expect((await counts()).get('raw_works timeout')).toBe(before + 5);
      expect(server.logs).toContainEqual(
        expect.objectContaining({
          upstream: 'raw',
          state: 'open',
          why: expect.stringMatching(/came back/) as string,
        }),
      );
    });
    leave.abort();
    await again.text().catch(() => undefined);
  });

  it('of a client is not touched by another to whom the upstream gave the same id of a session', async () => {
    const called = Promise.withResolvers<undefined>();
    const finish = Promise.withResolvers<undefined>();
    upstream.behaviour = {
      initialize: (message, response) => {
        response.setHeader('mcp-session-id', 'same');
        upstream.usual(message, response);
      },
      'tools/call': async (message, response) => {
        called.resolve(undefined);
        await finish.promise;
        answer(response, message, done);
      },
    };
    const [one, other] = [await openSession(relay), await openSession(relay)];
    const before = (await counts()).get('raw_works success') ?? 0;
    const calling = post(relay, call(7, 'works'), one);
    await called.promise;
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } };
    await post(relay, cancelled, other);
    finish.resolve(undefined);
    expect((await calling).status).toBe(200);
    await waitFor(async () => {
      expect((await counts()).get('raw_works success')).toBe(before + 1);
    });
  });

  it('is not read any further than its client reads', async () => {
    let written = 0;
    let isOver = false;
    upstream.behaviour = {
      'tools/call': async (_message, response) => {
        const gone = new AbortController();
        response.on('close', () => {
          isOver = true;
          gone.abort();
        });
        response.writeHead(200, stream);
        const line = event(note('x'.repeat(100_000)));
        while (!isOver && written < 500_000_000) {
          written += line.length;
          if (!response.write(line))
            await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
        }
      },
    };
    const reader = await unread(call(1, 'works'));
    let before = -1;
    await waitFor(async () => {
      const now = written;
      await sleep(300);
      expect(written).toBe(now);
      expect(now).toBeGreaterThan(0);
      before = now;
    });
    expect(before).toBeLessThan(50_000_000);
    reader.destroy();
    await waitFor(() => {
      expect(isOver).toBe(true);
    });
  });

  /** Sends a request whose answer is not read. */
  async function unread(body: object): Promise<IncomingMessage> {
    const sent = httpRequest(`${relay}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    });
    sent.end(JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response.pause();
  }
});

describe('a client that leaves', () => {
  it('ends the request to the upstream, and its call is cancelled', async () => {
    const begun = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<undefined>();
    upstream.behaviour = {
      'tools/call': (_message, response) => {
        response.on('close', () => {
          ended.resolve(undefined);
        });
        begun.resolve(undefined);
      },
    };
    const before = (await counts()).get('raw_works cancelled') ?? 0;
    const left = new AbortController();
    const asked = post(relay, call(1, 'works'), undefined, { signal: left.signal }).catch(() => undefined);
    await begun.promise;
    left.abort();
    await Promise.all([asked, ended.promise]);
    await waitFor(async () => {
      expect((await counts()).get('raw_works cancelled')).toBe(before + 1);
    });
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'raw_works' })).toBe(0);
    expect(samples.value('mcp_upstream_state', { upstream: 'raw', state: 'up' })).toBe(1);
  });
});

describe('what is passed', () => {
  it('is the message as it came, to the last digit, without credentials and cookies', async () => {
    const bodies: string[] = [];
    const headers: IncomingMessage['headers'][] = [];
    const spy = createServer((request, response) => {
      headers.push(request.headers);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        response
          .writeHead(200, {
            'content-type': 'application/json',
            'set-cookie': 'a=b',
            'mcp-something': 'new',
            'x-secret': 'inner',
          })
          .end('{"jsonrpc":"2.0","id":12345678901234567890,"result":{"a":1.0}}');
      });
    }).listen(0, '127.0.0.1');
    await once(spy, 'listening');
    const url = `http://127.0.0.1:${(spy.address() as AddressInfo).port}/mcp`;
    const other = await startTestServer({ tools: { enabled: ['add'] }, upstreams: [{ name: 'spy', url }] });
    const sent =
      '{"jsonrpc":"2.0","id":12345678901234567890,"method":"x/unknown","params":{"big":1e400, "a":1.0}}';
    const response = await fetch(`${other.url}/servers/spy/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: 'Bearer of-the-client',
        cookie: 'c=d',
        'proxy-authorization': 'Basic x',
        'x-forwarded-for': '1.2.3.4',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'x/unknown',
        'mcp-param-region': 'eu',
      },
      body: sent,
    });
    expect(await response.text()).toBe('{"jsonrpc":"2.0","id":12345678901234567890,"result":{"a":1.0}}');
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'mcp-something': 'new' });
    for (const name of ['set-cookie', 'x-secret']) expect(response.headers.get(name)).toBeNull();
    const index = bodies.indexOf(sent);
    expect(index).toBeGreaterThanOrEqual(0);
    expect(headers[index]).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'x/unknown',
      'mcp-param-region': 'eu',
    });
    const names = Object.keys(headers[index] ?? {});
    for (const name of ['authorization', 'cookie', 'proxy-authorization', 'x-forwarded-for'])
      expect(names).not.toContain(name);
    await other.stop();
    spy.close();
    spy.closeAllConnections();
  });
});
