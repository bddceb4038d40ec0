import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { V1Upstream } from '../support/v1-upstream.ts';
import { waitFor } from '../support/wait.ts';

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const notebook = new V1Upstream();
let modern: TestServer;
let server: TestServer;

/** Waits until upstreams are in a state. */
const areIn = (state: string, ...upstreams: readonly string[]): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    for (const upstream of upstreams)
      expect(samples.value('mcp_upstream_state', { upstream, state })).toBe(1);
  });

beforeAll(async () => {
  modern = await startTestServer({ limits: { callsPerSecond: 0 } });
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        {
          name: 'modern',
          url: `${modern.url}/mcp`,
          trustReasons: true,
          timeoutSeconds: 60,
          tools: { exclude: ['add'] },
        },
        { name: 'notebook', url: await notebook.listen(), prefix: 'n-' },
      ],
    },
    undefined,
    PATIENT,
  );
  await areIn('up', 'modern', 'notebook');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await modern.stop();
  notebook.close();
});

describe('tools of upstreams', () => {
  it('are offered beside our own, in lists, documents and metrics', async () => {
    const listed = (await (await fetch(`${server.url}/tools`)).json()) as {
      tools: readonly { name: string; toolset: string }[];
    };
    const toolsets = new Map(listed.tools.map(({ name, toolset }) => [name, toolset]));
    expect(toolsets.get('add')).toBe('calculator');
    expect(toolsets.get('modern_echo')).toBe('modern');
    expect(toolsets.get('n-write')).toBe('notebook');
    expect(toolsets.has('modern_add')).toBe(false);
    const openApi = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
    expect(openApi.paths).toHaveProperty(['/tools/n-write/execute']);
    const samples = await server.scrape();
    expect(samples.select('mcp_tool_info', { tool_name: 'n-write' })[0]?.labels).toMatchObject({
      toolset: 'notebook',
      source: 'upstream',
      isolation: 'none',
    });
    expect(samples.value('mcp_upstream_tools', { upstream: 'notebook' })).toBe(3);
    expect(samples.value('mcp_upstream_tools_dropped', { upstream: 'modern', reason: 'excluded' })).toBe(1);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'n-write', status: 'error' })).toBe(0);
  });

  it.each(ERAS)('are called over MCP %s, and answer as they do for those who ask them', async (era) => {
    const { client } = await connectClient(server.url, era);
    const own = await connectClient(modern.url, era);
    for (const [name, args] of [
      ['echo', { text: 'hi' }],
      ['echo', { txt: 'hi' }],
      ['fails', {}],
      ['throws', {}],
    ] as const) {
      const through = await client.callTool({ name: `modern_${name}`, arguments: args });
      const direct = await own.client.callTool({ name, arguments: args });
      const plain = ({ _meta, ...rest }: typeof direct) => rest;
      expect(plain(through)).toEqual(plain(direct));
      const failure = (direct._meta as Record<string, { reason?: string }> | undefined)?.[
        'nexus-mcp/failure'
      ];
      if (failure) expect(through._meta).toMatchObject({ 'nexus-mcp/failure': { reason: failure.reason } });
    }
    await Promise.all([client.close(), own.client.close()]);
  });

  it('fail for the reason that a trusted upstream gives, and as tool_error where none is trusted', async () => {
    const reasonOf = async (tool: string, args: object = {}) =>
      (await server.execute(tool, args)).body.reason;
    expect(await reasonOf('modern_fails')).toBe('tool_error');
    expect(await reasonOf('modern_throws')).toBe('exception');
    expect(await reasonOf('modern_unreachable')).toBe('unavailable');
    expect(await reasonOf('modern_echo', { txt: 1 })).toBe('invalid_arguments');
    expect(await reasonOf('n-fails')).toBe('tool_error');
    expect(await reasonOf('n-write', 5 as never)).toBe('invalid_arguments');
  });

  it('tell their clients of progress and log messages', async () => {
    const { client } = await connectClient(server.url, '2026-07-28');
    const progress: unknown[] = [];
    await client.callTool(
      { name: 'modern_counts', arguments: {} },
      { onprogress: (each) => progress.push(each) },
    );
    expect(progress.length).toBeGreaterThan(0);
    await client.close();
  });

  it.each(ERAS)('ask their clients over MCP %s, and go on with the answers', async (era) => {
    const { client } = await connectClient(server.url, era, { capabilities: { elicitation: {} } });
    client.setRequestHandler('elicitation/create', () => ({
      action: 'accept',
      content: { name: 'Ada', sure: true, city: 'Paris' },
    }));
    const own = await connectClient(modern.url, era, { capabilities: { elicitation: {} } });
    own.client.setRequestHandler('elicitation/create', () => ({
      action: 'accept',
      content: { name: 'Ada', sure: true, city: 'Paris' },
    }));
    const through = await client.callTool({ name: 'modern_asks', arguments: {} });
    const direct = await own.client.callTool({ name: 'asks', arguments: {} });
    expect(through.content).toEqual(direct.content);
    expect(through.isError).toBe(direct.isError);
    await Promise.all([client.close(), own.client.close()]);
  });

  it('of the 2025 era cannot ask in the middle of a call, and are told so', async () => {
    const { status, body } = await server.execute('n-asks');
    expect(status).toBe(200);
    expect(body.detail).toMatch(/elicitation/);
  });

  it('are told when their caller gives up', async () => {
    const { args, letGo } = hold();
    const gone = new AbortController();
    const call = server.execute('modern_held', args, { signal: gone.signal }).catch(() => undefined);
    const value = async (name: string, labels: object = {}): Promise<number | undefined> =>
      (await modern.scrape()).value(name, { tool_name: 'held', ...labels });
    await waitFor(async () => {
      expect(await value('mcp_tool_calls_in_flight')).toBe(1);
    });
    gone.abort();
    await call;
    await waitFor(async () => {
      expect(await value('mcp_tool_errors_total', { reason: 'cancelled' })).toBe(1);
    });
    letGo();
    expect((await server.scrape()).value('mcp_upstream_state', { upstream: 'modern', state: 'up' })).toBe(1);
  });

  it('cost one request each', async () => {
    const requests = async (): Promise<number> =>
      (await modern.scrape()).value('mcp_requests_total', { method: 'tools/call' }) ?? 0;
    const before = await requests();
    for (let made = 0; made < 5; made += 1) await server.execute('modern_echo', { text: 'hi' });
    expect((await requests()) - before).toBe(5);
    const samples = await server.scrape();
    const calls = samples.value('mcp_client_operation_duration_seconds_count', {
      upstream: 'modern',
      mcp_method_name: 'tools/call',
    });
    expect(calls).toBeGreaterThanOrEqual(5);
  });
});

describe('settings of upstreams', () => {
  it('limits.upstreamTools: no more than so many are offered, and the rest is counted', async () => {
    const limited = await startTestServer({
      limits: { upstreamTools: 2 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'modern', url: `${modern.url}/mcp` }],
    });
    await waitFor(async () => {
      expect((await limited.scrape()).value('mcp_upstream_tools', { upstream: 'modern' })).toBe(2);
    });
    const samples = await limited.scrape();
    const all = (await (await fetch(`${modern.url}/tools`)).json()) as { tools: readonly unknown[] };
    expect(samples.value('mcp_upstream_tools_dropped', { upstream: 'modern', reason: 'limit' })).toBe(
      all.tools.length - 2,
    );
    await limited.stop();
  });

  it('maxConcurrency: no more than so many calls of all its tools are made at a time, and others wait', async () => {
    const raw = new RawUpstream();
    raw.tools = ['works', 'other'];
    const held = Promise.withResolvers<undefined>();
    raw.behaviour = {
      'tools/call': async (message, response) => {
        // The others are answered at once, where they should not be made.
        if (raw.count('tools/call') === 1) await held.promise;
        raw.usual(message, response);
      },
    };
    const limited = await startTestServer(
      {
        limits: { queue: 1, queueWaitSeconds: 3600, toolTimeoutSeconds: 3600 },
        tools: { enabled: ['add'] },
        upstreams: [{ name: 'raw', url: await raw.listen(), maxConcurrency: 1 }],
      },
      undefined,
      PATIENT,
    );
    await waitFor(async () => {
      expect((await limited.scrape()).value('mcp_upstream_tools')).toBe(2);
    });
    const first = limited.execute('raw_works');
    await waitFor(() => {
      expect(raw.count('tools/call')).toBe(1);
    });
    // One of these waits, and for the other there is no room.
    const others = [limited.execute('raw_other'), limited.execute('raw_other')];
    const { body } = await Promise.race(others);
    expect(body.reason).toBe('overloaded');
    expect(limited.logs.find(({ reason }) => reason === 'overloaded')).toMatchObject({
      why: 'the only place of the upstream raw (maxConcurrency) is taken, and too many calls wait for places',
    });
    // Tools of ours are not held up.
    expect((await limited.execute('add', { a: 1, b: 2 })).status).toBe(200);
    expect(raw.count('tools/call')).toBe(1);
    held.resolve(undefined);
    expect((await first).status).toBe(200);
    expect((await Promise.all(others)).map(({ status }) => status).toSorted()).toEqual([200, 503]);
    expect(raw.count('tools/call')).toBe(2);
    await limited.stop();
    await raw.close();
  });
});
