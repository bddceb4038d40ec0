import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawUpstream, answer, refuse, type Behaviour, type RawMessage } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { isIn, stateNow, UNHURRIED } from './state-now.ts';

const PACE = { ...UNHURRIED, calm: 0.5 };

const upstream = new RawUpstream();
let server: TestServer;

const call = () => server.execute('raw_works');
const works = (): Promise<void> =>
  waitFor(async () => {
    expect((await call()).body.status).toBe('success');
  });

/** Has the upstream do something else for as long as `during` takes, and waits until it is well again. */
async function whileIt(behaviour: RawUpstream['behaviour'], during: () => Promise<void>): Promise<void> {
  upstream.behaviour = behaviour;
  try {
    await during();
  } finally {
    upstream.behaviour = {};
  }
  await works();
  await isIn(server, 'up');
}

const status =
  (code: number, headers = {}): Behaviour =>
  (_message, response) =>
    response.writeHead(code, headers).end('default backend');

/** As servers made with the SDK's v1 often do: a session that they do not know is a bad request. */
function inSessions(sessions: Set<string>, lost: number): Behaviour {
  return (message, response, request) => {
    const { method = '' } = message;
    const id = String(request.headers['mcp-session-id']);
    if (method === 'initialize') {
      const fresh = `s${sessions.size}-${Math.random()}`;
      sessions.add(fresh);
      response.setHeader('mcp-session-id', fresh);
    } else if (method !== 'server/discover' && !sessions.has(id))
      return status(lost)(message, response, request);
    return upstream.usual(message, response);
  };
}

/** A server of the 2026 era alone. */
const modernOnly: Behaviour = (message, response, request) => {
  if (request.headers['mcp-protocol-version'] !== '2026-07-28')
    return message.id === undefined
      ? response.writeHead(202).end()
      : refuseStatus(message, response, -32_022, 'Unsupported protocol version');
  if (message.method === 'server/discover')
    return answer(response, message, {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      serverInfo: { name: 'raw', version: '2' },
      ttlMs: 0,
      cacheScope: 'public',
    });
  if (message.method === 'tools/list')
    return answer(response, message, {
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'public',
      tools: [{ name: 'works', inputSchema: { type: 'object' } }],
    });
  return answer(response, message, { resultType: 'complete', content: [{ type: 'text', text: 'modern' }] });
};

const refuseStatus = (
  { id }: RawMessage,
  response: Parameters<Behaviour>[1],
  code: number,
  message: string,
): unknown =>
  response.writeHead(400, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      error: { code, message, data: { supported: ['2026-07-28'], requested: '2025-11-25' } },
    }),
  );

beforeAll(async () => {
  const url = await upstream.listen();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'raw', url, timeoutSeconds: 30 }],
    },
    undefined,
    PACE,
  );
  await isIn(server, 'up');
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
});

describe('an upstream', () => {
  it('that has no tools, but other things, is up', async () => {
    const other = new RawUpstream();
    const serverInfo = { name: 'raw', version: '1' };
    other.behaviour = {
      initialize: (message, response) =>
        answer(response, message, {
          protocolVersion: '2025-11-25',
          capabilities: { prompts: {} },
          serverInfo,
        }),
      'tools/list': (message, response) => refuse(response, message),
    };
    const its = await startTestServer(
      { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url: await other.listen() }] },
      undefined,
      PACE,
    );
    await isIn(its, 'up');
    await its.stop();
    await other.close();
  });

  it('whose list takes long is called as soon as it is there', async () => {
    let go: () => void = () => undefined;
    const slowly: Behaviour = async (message, response) => {
      await new Promise<void>((resolve) => (go = resolve));
      upstream.usual(message, response);
    };
    await whileIt({ 'tools/call': status(503), initialize: status(503) }, async () => {
      await waitFor(async () => {
        await call();
        expect(await stateNow(server)).toBe('open');
      });
      const before = upstream.count('tools/list');
      upstream.behaviour = { 'tools/list': slowly };
      await waitFor(() => {
        expect(upstream.count('tools/list')).toBeGreaterThan(before);
      });
      expect((await call()).body.status).toBe('success');
      upstream.behaviour = {};
      go();
    });
  });

  it('that refuses whatever it is asked is down, until it answers again', async () => {
    await whileIt({ any: status(404) }, async () => {
      expect((await call()).body.reason).toBe('unavailable');
      await isIn(server, 'down');
    });
  });

  it('that refuses all calls and answers looks is degraded', async () => {
    await whileIt({ 'tools/call': status(401) }, async () => {
      await waitFor(async () => {
        await call();
        expect(await stateNow(server)).toBe('degraded');
      });
    });
  });

  it.each([400, 404])(
    'whose sessions are gone, which it says by HTTP %i, is connected anew',
    async (code) => {
      const sessions = new Set<string>();
      await whileIt({ any: inSessions(sessions, code) }, async () => {
        // From no sessions to sessions: the path is the same.
        await works();
        sessions.clear();
        await works();
        expect(sessions.size).toBeGreaterThan(0);
        // The server's own, too.
        sessions.clear();
        await works();
        await waitFor(async () => {
          await call();
          expect(sessions.size).toBeGreaterThan(1);
        });
      });
    },
  );

  it('that became one of another era on the same address is connected anew, and back', async () => {
    await whileIt({ any: modernOnly }, async () => {
      await waitFor(async () => {
        expect((await call()).body.result).toBe('modern');
      });
    });
  });

  it('that loses each session at once is not connected without a pause', async () => {
    const openedAt: number[] = [];
    // The first loss is found by reading the list of one that came back.
    await whileIt({ any: status(404) }, async () => {
      await call();
      await isIn(server, 'down');
      upstream.behaviour = {
        initialize: (message, response) => {
          response.setHeader('mcp-session-id', `s${openedAt.push(performance.now())}`);
          return upstream.usual(message, response);
        },
        'tools/list': status(404),
        ping: status(404),
      };
      await waitFor(() => {
        expect(openedAt.length).toBeGreaterThanOrEqual(3);
      });
      const [, second = 0, third = 0] = openedAt;
      expect(third - second).toBeGreaterThan(700);
      expect(await stateNow(server)).toBe('down');
    });
    // Those that were lost were ended.
    await waitFor(() => {
      expect(upstream.count('DELETE')).toBeGreaterThanOrEqual(openedAt.length);
    });
  });
});
