import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectClient } from '../support/clients.ts';
import { runHere, type HereOptions } from '../support/run-here.ts';
import { startServer } from '../support/server-process.ts';
import { runCli } from '../support/spawn-cli.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

vi.setConfig({ testTimeout: 120_000 });

const TOKEN = 'a-token-that-nobody-may-see';
const directory = mkdtempSync(join(tmpdir(), 'probe-'));
const tokenFile = join(directory, 'token');
writeFileSync(tokenFile, `${TOKEN}\n`);

interface Probed {
  readonly code: number | null;
  /** The lines, by check. */
  readonly checks: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
}

/** So much time, in seconds, that a machine that does other things is done in it. */
const PATIENT = ['--deadline', '100'];

/** Runs `nexus-mcp probe` in this process. */
async function probe(args: readonly string[], options: HereOptions = {}): Promise<Probed> {
  const patient = args.includes('--deadline') ? args : [...args, ...PATIENT];
  const { code, ...written } = await runHere(['probe', ...patient], { directory, ...options });
  const lines = written.stdout.split('\n').slice(0, -1);
  const checks = lines.map((line) => {
    const [, status = '', name = '', text = ''] = /^(ok {2}|FAIL|skip) {2}(.{14}) {2}(.+)$/.exec(line) ?? [];
    return [name.trim(), `${status.trim()} ${text}`] as const;
  });
  expect(written.stdout + written.stderr).not.toContain(TOKEN);
  return { code, checks: Object.fromEntries(checks), ...written };
}

const CHECKS = ['ready', 'metrics', 'MCP 2026-07-28', 'MCP 2025-11-25', 'counted'];

/** Expects that everything is well but what is named, which is to say why not. */
function expectProblems({ code, checks }: Probed, problems: Readonly<Record<string, RegExp>>): void {
  expect(Object.keys(checks)).toEqual(CHECKS);
  for (const [name, text] of Object.entries(checks)) expect(text, name).toMatch(problems[name] ?? /^ok /);
  expect(code).toBe(Object.values(checks).some((text) => text.startsWith('FAIL')) ? 1 : 0);
}

let server: TestServer | undefined;
let stranger: Server | undefined;
afterEach(async () => {
  await server?.stop();
  stranger?.closeAllConnections();
  stranger?.close();
  server = stranger = undefined;
});

/** Starts a server, with as many tools as there are to call: it is scraped often. */
async function start({ tools, ...settings }: Record<string, Record<string, unknown>> = {}): Promise<string> {
  const enabled = ['current_timestamp', 'add', 'echo', 'fails', 'throws', 'hangs'];
  server = await startTestServer({ ...settings, tools: { enabled, ...tools } });
  return server.url;
}

/** Starts a server that is not ours. */
async function startStranger(listener: RequestListener): Promise<string> {
  stranger = createServer(listener).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  return `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
}

describe('probe of a server that is well', () => {
  it('counts one tool as one', async () => {
    const probed = await probe([await start({ tools: { enabled: ['current_timestamp'] } })]);
    expect(probed.checks['MCP 2026-07-28']).toMatch(/^ok lists 1 tool; current_timestamp answered/);
  });

  it('says so, a line a check, with exit code 0', async () => {
    const url = await start();
    const probed = await probe([url]);
    expectProblems(probed, {});
    expect(probed.stderr).toBe('');
    expect(probed.checks['ready']).toBe(`ok ${url}/readyz`);
    expect(probed.checks['metrics']).toBe(`ok ${url}/metrics, text/plain; version=0.0.4; charset=utf-8`);
    expect(probed.checks['MCP 2026-07-28']).toMatch(/lists \d+ tools; current_timestamp answered in \d+ ms$/);
    expect(probed.checks['counted']).toBe(
      'ok mcp_tool_calls_total{tool_name="current_timestamp",status="success"} rose from 0 to 2',
    );
    const samples = await server?.scrape();
    for (const protocol_version of ['2026-07-28', '2025-11-25'])
      expect(samples?.value('mcp_requests_total', { protocol_version, method: 'tools/call' })).toBe(1);
    expect(samples?.value('mcp_sessions_closed_total', { reason: 'client' })).toBe(1);
    expect(samples?.value('mcp_active_sessions')).toBe(0);
  });

  it('does in a process of its own what it does here', async () => {
    const url = await start();
    const { code, stdout, stderr } = await runCli(['probe', url]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^ok /gm)).toHaveLength(CHECKS.length);
  });

  it.each(['/', '/mcp', '/mcp/'])('takes its URL with %s at the end', async (end) => {
    expectProblems(await probe([`${await start()}${end}`]), {});
  });

  it('calls the tool that is named, with its arguments', async () => {
    const probed = await probe([await start(), '--tool', 'echo', '--arguments', '{"text":"hi"}']);
    expectProblems(probed, {});
    expect(probed.checks['counted']).toContain('tool_name="echo"');
  });

  it('calls another tool of ours where the usual one is not offered', async () => {
    const probed = await probe([await start({ tools: { enabled: ['add'], modules: [] } })]);
    expectProblems(probed, {});
    expect(probed.checks['counted']).toContain('tool_name="add"');
  });

  it('finds probes and metrics on the operations port', async () => {
    const url = await start({ ops: { port: 0 } });
    expectProblems(await probe([url, '--metrics-url', `${String(server?.opsUrl)}/metrics`]), {});
    expectProblems(await probe([url, '--no-metrics']), {
      ready: /^skip .*\/readyz answers 404/,
      metrics: /^skip /,
      counted: /^skip /,
    });
    const ready = `${String(server?.opsUrl)}/readyz`;
    const probed = await probe([url, '--no-metrics', '--ready-url', ready]);
    expectProblems(probed, { metrics: /^skip /, counted: /^skip / });
    expect(probed.checks['ready']).toBe(`ok ${ready}`);
    expectProblems(await probe([url, '--no-metrics', '--ready-url', `${url}/readyz`]), {
      ready: /^FAIL .*answers 404.*--ready-url/,
      metrics: /^skip /,
      counted: /^skip /,
    });
    expectProblems(await probe([url]), {
      ready: /^FAIL .*\/readyz answers 404.*--metrics-url/,
      metrics: /^FAIL .*answers 404.*--metrics-url/,
      counted: /^skip /,
    });
  });
});

describe('probe of a server that wants a token', () => {
  let url: string;
  let protectedServer: TestServer;
  beforeAll(async () => {
    protectedServer = await startTestServer({ auth: { token: TOKEN }, metrics: { needToken: true } });
    url = protectedServer.url;
  });
  afterAll(() => protectedServer.stop());

  it('takes it from a file or the environment', async () => {
    expectProblems(await probe([url, '--token-file', tokenFile]), {});
    expectProblems(await probe([url], { env: { NEXUS_PROBE_TOKEN: TOKEN } }), {});
  });

  it('says that none was given', async () => {
    expectProblems(await probe([url]), {
      metrics: /^FAIL .*answers 401.*metrics\.needToken/,
      'MCP 2026-07-28': /^FAIL .*answers 401.*--token-file or NEXUS_PROBE_TOKEN/,
      'MCP 2025-11-25': /^FAIL .*answers 401.*--token-file or NEXUS_PROBE_TOKEN/,
      counted: /^skip /,
    });
  });

  it('says that it was the wrong one, and not which', async () => {
    const wrong = 'some-other-token';
    const probed = await probe([url], { env: { NEXUS_PROBE_TOKEN: wrong } });
    expectProblems(probed, {
      metrics: /^FAIL .*answers 401/,
      'MCP 2026-07-28': /^FAIL .*not valid; is the token right\?/,
      'MCP 2025-11-25': /^FAIL .*not valid; is the token right\?/,
      counted: /^skip /,
    });
    expect(probed.stdout).not.toContain(wrong);
  });

  it('keeps it from other hosts, even those where metrics are said to be', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await startStranger(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end();
    });
    const metrics = `${elsewhere.replace('127.0.0.1', 'localhost')}/metrics`;
    await probe([url, '--metrics-url', metrics], { env: { NEXUS_PROBE_TOKEN: TOKEN } });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((authorization) => authorization === undefined)).toBe(true);
  });
});

describe('probe of a server with something wrong', () => {
  /** A clock that is fast, so that nothing takes long. */
  const now = (): number => performance.now() / 50;

  /** Starts a server that is not ready as long as asked. */
  const startUnready = (failing: string, until: () => boolean): Promise<string> =>
    startStranger((request, response) => {
      if (request.url !== '/readyz') return void response.writeHead(404).end();
      const ready = until();
      response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: 'not ready', failing: ready ? [] : [failing] }));
    });

  it('says that it shuts down', async () => {
    const url = await start();
    const ready = `${await startUnready('draining', () => false)}/readyz`;
    expectProblems(await probe([url, '--ready-url', ready], { now }), {
      ready: /^FAIL .*keeps answering 503: .*draining.* shuts down$/,
    });
  });

  it('waits for it to start, as long as there is time', async () => {
    const url = await start();
    const startedAt = now();
    let asked = 0;
    // Longer than one that shuts down is waited for.
    const starting = await startUnready('starting', () => ++asked > 2 && now() - startedAt > 6);
    const { checks } = await probe([url, '--metrics-url', `${starting}/metrics`], { now });
    expect(checks['ready']).toBe(`ok ${starting}/readyz`);
  });

  it('says that there are no metrics, unless told to look at none', async () => {
    const url = await start({ metrics: { enabled: false } });
    expectProblems(await probe([url]), {
      metrics: /^FAIL .*\/metrics answers 404.*--no-metrics/,
      counted: /^skip /,
    });
    expectProblems(await probe([url, '--no-metrics']), {
      metrics: /^skip --no-metrics$/,
      counted: /^skip --no-metrics$/,
    });
  });

  it.each([
    ['fails', /^FAIL fails failed: It cannot be done\.$/],
    ['throws', /^FAIL throws failed: The tool failed unexpectedly/],
    ['hangs', /^FAIL hangs failed: .*0\.2 s/],
    ['echo', /^FAIL echo failed: Invalid arguments: text/],
    ['no_such_tool', /^FAIL there is no tool no_such_tool; .* for example add/],
  ])('says what happened to a call of %s', async (tool, says) => {
    expectProblems(await probe([await start(), '--tool', tool]), {
      'MCP 2026-07-28': says,
      'MCP 2025-11-25': says,
      counted: /^skip /,
    });
    expect((await server?.scrape())?.value('mcp_active_sessions')).toBe(0);
  });

  it('does not call a tool that may change something', async () => {
    const module = join(directory, 'writes.ts');
    writeFileSync(
      module,
      `import { defineTool, z } from 'nexus-mcp/tools';
       export const writes = defineTool({ name: 'writes', title: 'T', description: 'A tool.', input: z.strictObject({}),
         annotations: { readOnly: false, idempotent: false, openWorld: false }, handler: () => 'written' });`,
    );
    const says = /^FAIL writes is not marked as read-only/;
    expectProblems(
      await probe([await start({ tools: { enabled: ['writes'], modules: [module] } }), '--tool', 'writes']),
      {
        'MCP 2026-07-28': says,
        'MCP 2025-11-25': says,
        counted: /^skip /,
      },
    );
    expect((await server?.scrape())?.value('mcp_tool_calls_total', { tool_name: 'writes' })).toBe(0);
  });

  it('says that all sessions are in use', async () => {
    const url = await start({ sessions: { max: 1 } });
    const { client } = await connectClient(url, '2025-11-25');
    expectProblems(await probe([url]), { 'MCP 2025-11-25': /^FAIL .*in use/ });
    await client.close();
  });
});

describe('probe of what is no server of ours', () => {
  const everywhere = (says: RegExp) => ({
    ...Object.fromEntries(CHECKS.map((name) => [name, says])),
    counted: /^skip /,
  });

  it('says that nothing listens', async () => {
    const url = await startStranger(() => undefined);
    stranger?.close();
    expectProblems(await probe([url]), everywhere(/^FAIL .*ECONNREFUSED.*nothing listens there/));
  });

  it('says that it is another kind of server', async () => {
    const url = await startStranger((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Hello</p>');
    });
    expectProblems(await probe([url]), {
      metrics: /^FAIL .*content type text\/html, not text\/plain; version=0\.0\.4/,
      'MCP 2026-07-28': /^FAIL .*\/mcp answers 200 with text\/html, so it is no MCP server/,
      'MCP 2025-11-25': /^FAIL .*\/mcp answers 200 with text\/html, so it is no MCP server/,
      counted: /^skip /,
    });
  });

  it('says where it was sent', async () => {
    const url = await startStranger((_request, response) => {
      response.writeHead(308, { location: 'https://mcp.example.com/' }).end();
    });
    const { checks } = await probe([url]);
    expect(checks['MCP 2026-07-28']).toMatch(/answers 308 and points to https:\/\/mcp\.example\.com\//);
  });

  it('prints nothing of what it answers that would do something to a terminal', async () => {
    const url = await startStranger((_request, response) => {
      const message = `\u001b[2J\u0007${'long '.repeat(1000)}`;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message } }));
    });
    const { stdout } = await probe([url]);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(400);
  });

  it('says that it hangs, and is done soon after its deadline', async () => {
    const url = await startStranger(() => undefined);
    const startedAt = performance.now();
    expectProblems(
      await probe([url, '--deadline', '1']),
      everywhere(/^FAIL .*did not answer in time.*\(the deadline of 1 s passed\)$/),
    );
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('says that a server which begins an answer does not end it', async () => {
    const url = await startStranger((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n');
    });
    const { checks } = await probe([url, '--deadline', '1']);
    expect(checks['MCP 2026-07-28']).toMatch(/^FAIL .*did not answer in time/);
  });

  it.each([
    ['http://no-such-host.invalid', /(ENOTFOUND|EAI_AGAIN)/],
    ['https://127.0.0.1:PORT', /is it http:\/\/ and not https:\/\//],
  ])('says what is wrong with the address %s', async (address, says) => {
    const { port } = new URL(await start());
    const { code, checks } = await probe([address.replace('PORT', port)]);
    expect(code).toBe(1);
    expect(checks['MCP 2026-07-28']).toMatch(says);
  });
});

/** Gives each connection to the next of the servers, as the Service of a Deployment may. */
async function startBalancer(ports: readonly number[]): Promise<{ url: string; close: () => void }> {
  let next = 0;
  const balancer = createTcpServer((client) => {
    const upstream = connect(ports[next++ % ports.length] ?? 0, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  return {
    url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`,
    close: () => balancer.close(),
  };
}

/** A server with few tools starts sooner. */
const FEW = ['--tools.enabled', 'time'];

describe('probe of several replicas', () => {
  it('sees the call counted at the one that took it, and that they share no key', async () => {
    const own = await start();
    const others = await Promise.all([startServer({ args: FEW }), startServer({ args: FEW })]);
    const replicas = [...others.map(({ url }) => url), own];
    // Calls of others make the replicas' counts differ, so that no one's can be taken for another's.
    for (const [index, url] of replicas.entries())
      for (let call = 0; call < index * 25; call += 1)
        await fetch(`${url}/tools/current_timestamp/execute`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        });
    const balancer = await startBalancer(replicas.map((url) => Number(new URL(url).port)));
    try {
      const probed = await probe([balancer.url]);
      expectProblems(probed, {
        'MCP 2025-11-25':
          /^FAIL .*answers 404: .*belongs to another server; .*the same sessions\.stateKeyFile/,
      });
      expect(probed.checks['counted']).toMatch(/seen at one of \d replicas after \d+ scrapes$/);
      const [, before, after] = /rose from (\d+) to (\d+)/.exec(probed.checks['counted'] ?? '') ?? [];
      expect(Number(after) - Number(before)).toBeLessThan(20);
    } finally {
      balancer.close();
      await Promise.all(others.map((replica) => replica.stop()));
    }
  });

  it('looks at each in turn where the name of the metrics has the addresses of all, in one order', async () => {
    const { port } = new URL(await start({ server: { allowedHosts: ['replicas.test'] } }));
    // The client's address is kept with the replica whose metrics come last.
    const last = await startServer({
      args: [
        ...FEW,
        '--server.allowedHosts',
        'replicas.test',
        '--server.host',
        '127.0.0.3',
        '--server.port',
        port,
      ],
    });
    const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 }));
    const lookup: LookupFunction = (_hostname, options, callback) => {
      if (options.all === true) callback(null, ADDRESSES);
      else callback(null, '127.0.0.1', 4);
    };
    try {
      // At the second address nothing listens, as in a pod that starts.
      const metrics = `http://replicas.test:${port}/metrics`;
      const args = [`http://127.0.0.3:${port}`, '--metrics-url', metrics];
      const probed = await probe(args, { lookup });
      expectProblems(probed, {});
      expect(probed.checks['counted']).toMatch(/rose from 0 to \d/);
    } finally {
      await last.stop();
    }
  });

  it('says that the metrics are those of another server', async () => {
    const url = await start();
    const other = await startTestServer({ tools: { enabled: ['current_timestamp'], modules: [] } });
    try {
      // The deadline is to end the last check; on a busy machine a short one ends an earlier one.
      const probeWithin = (seconds: number): Promise<Probed> =>
        probe([url, '--metrics-url', `${other.url}/metrics`, '--deadline', String(seconds)]);
      let probed = await probeWithin(5);
      if (Object.values(probed.checks).filter((text) => text.startsWith('ok ')).length < CHECKS.length - 1)
        probed = await probeWithin(60);
      expectProblems(probed, {
        counted: /^FAIL .*did not rise in \d+ scrapes of 1 replica; are .* the metrics of this server\?/,
      });
    } finally {
      await other.stop();
    }
  });
});

describe('wrong usage of probe', () => {
  const url = 'http://127.0.0.1:1';
  it.each<[string[], RegExp]>([
    [[], /^probe needs the URL of a server/],
    [['localhost:9999'], /^the URL must begin with http/],
    [['ftp://localhost'], /^the URL must begin with http/],
    [[`http://user:${TOKEN}@localhost`], /^the URL must not hold credentials/],
    [[url, '--ready-url', 'x'], /^--ready-url must begin with http/],
    [[url, '--metrics-url', 'x'], /^--metrics-url must begin with http/],
    [[url, '--metrics-url', `${url}/metrics`, '--no-metrics'], /exclude each other/],
    [[url, '--arguments', '{}', '--tool', 'x', '--deadline', '0'], /^--deadline must be a number of seconds/],
    [[url, '--deadline', ''], /^--deadline must be/],
    [[url, '--tool', 'add', '--arguments', '[1]'], /^--arguments must be a JSON object/],
    [[url, '--arguments', '{"a":1}'], /^--arguments needs --tool/],
    [[url, '--token-file', 'missing'], /^--token-file: missing cannot be read: ENOENT/],
    [[url, '--server.port', '1'], /^--server\.port is not an option of probe/],
    [[url, '--json'], /^--json is not an option of probe/],
    [[url, 'http://localhost'], /^too many operands for probe/],
  ])('%j is said on stderr, with exit code 2', async (args, says) => {
    const { code, stdout, stderr } = await probe(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.replace(/^nexus-mcp: /, '')).toMatch(says);
  });

  it('says every problem at once, and nothing of a token that cannot be one', async () => {
    writeFileSync(join(directory, 'two-tokens'), `${TOKEN} ${TOKEN}`);
    const { stderr } = await probe(['x', '--deadline', 'y', '--token-file', 'two-tokens']);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining('the URL must') as string,
      expect.stringContaining('--token-file does not hold a bearer token') as string,
      expect.stringContaining('--deadline must') as string,
    ]);
  });

  it('is refused to other commands', async () => {
    const { code, stderr } = await runHere(['tools', '--tool', 'add']);
    expect(code).toBe(2);
    expect(stderr).toContain('--tool is not an option of tools');
  });
});
