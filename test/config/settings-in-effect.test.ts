import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { listSettings } from '../../src/config/setting-list.ts';
import { connectClient } from '../support/clients.ts';
import { startServer } from '../support/server-process.ts';
import { startSite } from '../support/site.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** Settings whose effect other tests show, by the file that sets them or meets their default. */
const SHOWN_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'test/cli/commands.test.ts': ['server.port'],
  'test/http/authentication.test.ts': [
    'server.host',
    'ops.host',
    'auth.token',
    'auth.tokensFile',
    'metrics.needToken',
  ],
  'test/http/audit.test.ts': ['audit.enabled'],
  'test/monitoring/audit-output.test.ts': ['audit.file'],
  'test/http/oauth.test.ts': ['auth.resource', 'auth.issuers'],
  'test/authorization/jwt-callers.test.ts': ['auth.keysKeptSeconds'],
  'test/http/hazards.test.ts': ['server.headersTimeoutSeconds', 'server.requestTimeoutSeconds'],
  'test/http/host-guard.test.ts': ['server.allowedHosts', 'server.allowedOrigins'],
  'test/http/operations.test.ts': ['ops.port', 'metrics.enabled', 'metrics.endpoint'],
  'test/cli/tool-modules.test.ts': ['tools.modules'],
  'test/lifecycle.test.ts': ['limits.concurrency', 'shutdown.delaySeconds', 'shutdown.deadlineSeconds'],
  'test/http/connection-limits.test.ts': [
    'server.stallTimeoutSeconds',
    'server.maxConnections',
    'server.bufferedBytes',
  ],
  'test/mcp/sessions.test.ts': ['sessions.idleSeconds'],
  'test/mcp/any-replica.test.ts': ['sessions.maxAgeSeconds'],
  'test/support/replicas.ts': ['sessions.address', 'sessions.peers'],
  'test/mcp/silence.test.ts': ['server.streamKeepAliveSeconds'],
  'test/rollout.test.ts': ['shutdown.idleSeconds'],
  'test/monitoring/call-log.test.ts': ['log.successes', 'log.foldSeconds', 'log.arguments', 'log.results'],
  'test/monitoring/slow-tools.test.ts': ['metrics.durationBuckets'],
  'test/monitoring/tracing.test.ts': ['tracing.endpoint'],
  'test/discovery/discovery.test.ts': [
    'discovery.enabled',
    'discovery.labelSelector',
    'discovery.namespaces',
    'discovery.kubeconfig',
    'discovery.maxUpstreams',
    'discovery.timeoutSeconds',
  ],
  'test/discovery/found-upstreams.test.ts': ['discovery.maxConcurrency'],
  'test/discovery/pace.test.ts': ['discovery.resyncSeconds'],
  'test/upstream/catalogue.test.ts': ['upstreams', 'limits.upstreamTools'],
  'test/tools/builtin/dns-lookup.test.ts': ['network.dnsTimeoutSeconds'],
};

const shownHere: string[] = [];

/** A test of what settings do. */
function shows(settings: readonly string[], what: string, run: () => Promise<void>): void {
  shownHere.push(...settings);
  it(`${settings.join(', ')}: ${what}`, run);
}

let server: TestServer;

/** Starts a server, with the tools that most of these tests call. */
const start = ({ tools, ...settings }: Record<string, Record<string, unknown>> = {}): Promise<TestServer> =>
  startTestServer({ ...settings, tools: { enabled: ['asks', 'counts', 'echo', 'hangs', 'slow'], ...tools } });

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
const call = async (tool: string, args?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  (await server.execute(tool, args, { headers })) as Answer;

/** Keeps a call of `slow` in flight while `during` runs. */
async function whileSlowRuns(during: () => Promise<void>): Promise<void> {
  const gone = new AbortController();
  const first = server
    .execute('slow', { milliseconds: 25_000 }, { signal: gone.signal })
    .catch(() => undefined);
  await waitFor(async () => {
    expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(1);
  });
  await during();
  gone.abort();
  await first;
}

const post = (method: string, params: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });

const initialize = (): Promise<Response> =>
  post('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  });

describe('in effect:', () => {
  afterEach(() => server.stop());

  shows(['server.bodyBytes'], 'a larger body is refused', async () => {
    server = await start({ server: { bodyBytes: 1024 } });
    expect((await call('echo', { text: 'x'.repeat(900) })).status).toBe(200);
    expect((await call('echo', { text: 'x'.repeat(1024) })).status).toBe(413);
  });

  shows(['server.keepAliveTimeoutSeconds'], 'clients are told', async () => {
    server = await start({ server: { keepAliveTimeoutSeconds: 33 } });
    expect((await fetch(`${server.url}/livez`)).headers.get('keep-alive')).toBe('timeout=33');
  });

  shows(
    ['server.trustedProxies'],
    'a client cannot choose its address unless a proxy is trusted',
    async () => {
      const limits = { callsPerSecond: 0.001, burst: 1 };
      const from = async (client: string): Promise<number> =>
        (await call('echo', { text: 'hi' }, { 'x-forwarded-for': client })).status;

      server = await start({ limits });
      expect([await from('192.0.2.1'), await from('192.0.2.2')]).toEqual([200, 429]);
      await server.stop();

      server = await start({ limits, server: { trustedProxies: 1 } });
      expect([await from('192.0.2.1'), await from('192.0.2.2')]).toEqual([200, 200]);
      expect(await from('192.0.2.3, 192.0.2.1'), 'what a client wrote before the proxy did').toBe(429);
    },
  );

  shows(
    ['limits.callsPerSecond', 'limits.burst'],
    '0 is no limit; otherwise 429 says when to come back',
    async () => {
      server = await start({ limits: { callsPerSecond: 0.01, burst: 2 } });
      const statuses = [];
      for (let each = 0; each < 3; each += 1) statuses.push((await call('echo', { text: 'hi' })).status);
      expect(statuses).toEqual([200, 200, 429]);
      const refused = await fetch(`${server.url}/execute`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"tool_name":"echo","arguments":{"text":"hi"}}',
      });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(100);
      await server.stop();

      server = await start({ limits: { callsPerSecond: 0, burst: 1 } });
      for (let each = 0; each < 20; each += 1) expect((await call('echo', { text: 'hi' })).status).toBe(200);
    },
  );

  shows(['limits.toolTimeoutSeconds', 'tools.settings'], 'the second over the first', async () => {
    server = await start({ limits: { toolTimeoutSeconds: 0.1 } });
    expect(await call('slow', { milliseconds: 10_000 })).toMatchObject({
      status: 504,
      body: { reason: 'timeout' },
    });
    await server.stop();

    server = await start({
      limits: { toolTimeoutSeconds: 0.1 },
      tools: { settings: { slow: { timeoutSeconds: 5 }, hangs: { timeoutSeconds: 0.05 } } },
    });
    expect((await call('slow', { milliseconds: 300 })).status).toBe(200);
    expect((await call('hangs')).body['detail'], "over the tool's own").toMatch(/0\.05 s/);
  });

  const overloaded = { status: 503, body: { reason: 'overloaded' } };

  shows(['limits.toolConcurrency', 'limits.queue'], 'one tool is full, the others are not', async () => {
    server = await start({ limits: { toolConcurrency: 1, queue: 0, toolTimeoutSeconds: 30 } });
    await whileSlowRuns(async () => {
      expect(await call('slow', { milliseconds: 1 })).toMatchObject(overloaded);
      expect((await call('echo', { text: 'hi' })).status).toBe(200);
    });
  });

  shows(['limits.queueWaitSeconds'], 'who waits too long for a tool that is full is refused', async () => {
    server = await start({
      limits: { queueWaitSeconds: 0.2 },
      tools: { settings: { slow: { maxConcurrency: 1, timeoutSeconds: 30 } } },
    });
    await whileSlowRuns(async () => {
      const started = performance.now();
      expect(await call('slow', { milliseconds: 1 })).toMatchObject(overloaded);
      expect(performance.now() - started).toBeGreaterThan(190);
    });
  });

  shows(['limits.resultBytes'], 'a larger result is a failure of the tool', async () => {
    server = await start({ limits: { resultBytes: 1024 } });
    expect((await call('echo', { text: 'x'.repeat(100) })).status).toBe(200);
    expect(await call('echo', { text: 'x'.repeat(1000) })).toMatchObject({
      status: 500,
      body: { reason: 'exception', detail: expect.stringMatching(/limit is 1024/) as string },
    });
  });

  shows(['tools.enabled', 'tools.disabled'], 'what is left out is not there at all', async () => {
    server = await start({ tools: { enabled: ['calculator', 'echo'], disabled: ['divide'] } });
    const { tools } = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toEqual([
      'add',
      'subtract',
      'multiply',
      'statistics_functions',
      'echo',
    ]);
    expect((await call('divide', { a: 1, b: 1 })).body).toMatchObject({ reason: 'unknown_tool' });
    const samples = await server.scrape();
    expect(samples.select('mcp_tool_info').map(({ labels }) => labels['tool_name'])).not.toContain('divide');
  });

  shows(['sessions.max'], 'another takes the place of one that is not in use', async () => {
    server = await start({ sessions: { max: 1 } });
    expect((await server.scrape()).value('mcp_sessions_limit')).toBe(1);
    for (let client = 0; client < 2; client += 1) expect((await initialize()).status).toBe(200);
    const samples = await server.scrape();
    expect(samples.value('mcp_active_sessions')).toBe(1);
    expect(samples.value('mcp_sessions_closed_total', { reason: 'evicted' })).toBe(1);
  });

  shows(['sessions.maxSubscriptions'], 'the limit is exposed', async () => {
    server = await start({ sessions: { maxSubscriptions: 7 } });
    expect((await server.scrape()).value('mcp_subscriptions_limit')).toBe(7);
  });

  shows(['sessions.replayEvents'], 'a client that missed more cannot resume its stream', async () => {
    const resumeHavingMissed = async (missed: number): Promise<{ status: number; text: string }> => {
      const session = {
        'mcp-session-id': (await initialize()).headers.get('mcp-session-id') ?? '',
        'mcp-protocol-version': '2025-11-25',
      };
      const counts = { name: 'counts', arguments: {}, _meta: { progressToken: 'steps' } };
      const sent = await (await post('tools/call', counts, session)).text();
      const ids = [...sent.matchAll(/^id: (\S+)$/gm)].map(([, id = '']) => id);
      const headers = { accept: 'text/event-stream', ...session, 'last-event-id': ids.at(-1 - missed) ?? '' };
      const resumed = await fetch(`${server.url}/mcp`, { headers });
      return { status: resumed.status, text: await resumed.text() };
    };
    const whole = { status: 200, text: expect.stringMatching(/counted/) as string };

    server = await start();
    expect(await resumeHavingMissed(3)).toEqual(whole);
    await server.stop();

    server = await start({ sessions: { replayEvents: 2 } });
    expect(await resumeHavingMissed(1)).toEqual(whole);
    expect((await resumeHavingMissed(3)).status).toBe(400);
  });

  shows(
    ['limits.inputWaitSeconds'],
    'a question that is not answered in time is not waited for',
    async () => {
      server = await start({ limits: { inputWaitSeconds: 0.2 } });
      const { client } = await connectClient(server.url, '2025-11-25', {
        capabilities: { elicitation: { form: {} } },
      });
      client.setRequestHandler('elicitation/create', () => new Promise<never>(() => undefined));
      expect(await client.callTool({ name: 'asks', arguments: {} })).toMatchObject({
        isError: true,
        content: [{ text: 'The client did not answer what the tool asked it within 0.2 s.' }],
        _meta: { 'nexus-mcp/failure': { reason: 'cancelled' } },
      });
      expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'asks' })).toBe(0);
      await client.close();
    },
  );

  shows(['sessions.stateKeyFile'], 'servers with the same key go on where another asked', async () => {
    const stateKeyFile = (): string => {
      const file = join(mkdtempSync(join(tmpdir(), 'key-')), 'state.key');
      writeFileSync(file, randomBytes(32));
      return file;
    };
    const shared = stateKeyFile();
    const question = { name: 'asks', arguments: {} };
    const connect = async () => {
      const { client } = await connectClient(server.url, '2026-07-28', {
        capabilities: { elicitation: { form: {} } },
      });
      return client;
    };

    server = await start({ sessions: { stateKeyFile: shared } });
    const asked = await (await connect()).callTool(question, { allowInputRequired: true });
    const answer = {
      ...question,
      inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } },
      requestState: asked['requestState'],
    };
    await server.stop();

    server = await start({ sessions: { stateKeyFile: shared } });
    expect(await (await connect()).callTool(answer)).toMatchObject({
      content: [{ type: 'text', text: 'Hello Ada, {"asked":1}' }],
    });
    await server.stop();

    server = await start({ sessions: { stateKeyFile: stateKeyFile() } });
    await expect((await connect()).callTool(answer)).rejects.toThrow(/requestState/);
  });

  shows(['workers.maxHeapMegabytes'], 'an isolated call that needs more fails', async () => {
    server = await start({ workers: { maxHeapMegabytes: 32 }, tools: { enabled: ['eats_memory'] } });
    expect(await call('eats_memory', { megabytes: 64 })).toMatchObject({
      status: 500,
      body: { reason: 'exception' },
    });
    await server.stop();

    server = await start({ workers: { maxHeapMegabytes: 256 }, tools: { enabled: ['eats_memory'] } });
    expect(await call('eats_memory', { megabytes: 64 })).toMatchObject({
      status: 200,
      body: { result: 64 },
    });
  });

  shows(['workers.maxThreads'], 'isolated calls beyond it wait', async () => {
    server = await start({
      workers: { maxThreads: 1 },
      tools: { enabled: ['isolated', 'spins'], settings: { spins: { timeoutSeconds: 60 } } },
    });
    const gone = new AbortController();
    const first = server.execute('spins', undefined, { signal: gone.signal }).catch(() => 'gone');
    const isSo = (metric: string): Promise<void> =>
      waitFor(async () => {
        expect((await server.scrape()).value(metric)).toBe(1);
      });
    await isSo('mcp_worker_pool_busy');
    const second = call('isolated', { what: 'value' });
    await isSo('mcp_worker_pool_waiting');
    gone.abort();
    expect(await first).toBe('gone');
    expect((await second).status).toBe(200);
  });

  shows(['metrics.operationAttributes'], 'operations are told apart by them', async () => {
    server = await start({ metrics: { operationAttributes: ['network.transport'] } });
    await (await initialize()).text();
    const [operation] = (await server.scrape()).select('mcp_server_operation_duration_seconds_count');
    expect(operation?.labels).toMatchObject({ network_transport: 'tcp' });
  });

  shows(['metrics.openTelemetryNames'], 'operations are measured, or are not', async () => {
    const operations = async (): Promise<number | undefined> => {
      await (await initialize()).text();
      return (await server.scrape()).value('mcp_server_operation_duration_seconds_count');
    };
    server = await start();
    expect(await operations()).toBe(1);
    await server.stop();
    server = await start({ metrics: { openTelemetryNames: false } });
    expect(await operations()).toBeUndefined();
  });

  shows(
    [
      'network.allowPrivateAddresses',
      'network.fetchTimeoutSeconds',
      'network.fetchMaxBytes',
      'network.fetchMaxCharacters',
      'network.fetchMaxRedirects',
    ],
    'what fetch_url_content may reach, and how much of it',
    async () => {
      const site = await startSite(({ url }, response) => {
        if (url === '/moved') response.writeHead(302, { location: '/' }).end();
        else if (url === '/silent') response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
        else {
          response.writeHead(200, { 'content-type': 'text/plain' });
          response.end('x'.repeat(url === '/long' ? 1025 : 1024));
        }
      });
      const get = (path: string): Promise<Answer> => call('fetch_url_content', { url: `${site.url}${path}` });
      const tools = { enabled: ['fetch_url_content'] };
      server = await start({ tools });
      expect((await get('/')).body).toMatchObject({ reason: 'tool_error' });
      await server.stop();

      const fetchMaxCharacters = 100;
      server = await start({
        tools,
        network: {
          allowPrivateAddresses: true,
          fetchTimeoutSeconds: 1,
          fetchMaxBytes: 1024,
          fetchMaxCharacters,
          fetchMaxRedirects: 0,
        },
      });
      expect((await get('/')).body).toMatchObject({ result: { content: 'x'.repeat(fetchMaxCharacters) } });
      expect((await get('/long')).body['detail']).toMatch(/1024 bytes/);
      expect((await get('/moved')).body['detail']).toMatch(/redirect/);
      expect((await get('/silent')).body['detail']).toMatch(/\b1 s/);
    },
  );
});

describe('in effect: log.level', () => {
  shownHere.push('log.level');

  it.each([
    ['info', false],
    ['debug', true],
  ])('%s: successful calls are logged: %s', async (level, logged) => {
    const child = await startServer({
      args: ['--tools.enabled', 'add'],
      env: { NEXUS_LOG_LEVEL: level },
    });
    await fetch(`${child.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"tool_name":"add","arguments":{"a":5,"b":3}}',
    });
    expect(await child.stop()).toBe(0);
    expect(child.logs.some(({ msg }) => msg === 'tool call')).toBe(logged);
  });
});

describe('every setting', () => {
  it('is shown in effect by a test, here or elsewhere', () => {
    const shown = [...shownHere, ...Object.values(SHOWN_ELSEWHERE).flat()];
    expect(shown.sort()).toEqual(
      listSettings()
        .map(({ path }) => path)
        .sort(),
    );
  });

  it.each(Object.entries(SHOWN_ELSEWHERE))('%s names the settings it shows', (file, settings) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    const keys = settings.map((path) => path.slice(path.indexOf('.') + 1));
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text))).toEqual([]);
  });
});
