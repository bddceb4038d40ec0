import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import { connectClient } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

/** Starts a server, with the tools that are called here. */
const start = (settings: Record<string, Record<string, unknown>> = {}): Promise<TestServer> =>
  startTestServer({
    tools: { enabled: ['add', 'blocks', 'echo', 'hangs', 'slow', 'throws', 'unreachable'] },
    ...settings,
  });

let server: TestServer;
afterEach(() => server.stop());

const statusOf = async (url = server.url): Promise<Status> => (await (await fetch(url)).json()) as Status;

const toolOf = ({ activity }: Status, name: string) => activity?.tools.find((tool) => tool.name === name);

/** The bounds of the bucket that the share of a tool's durations is in. */
function bucketOf(samples: Samples, tool: string, share: number): readonly [above: number, upTo: number] {
  const buckets = samples
    .select('mcp_tool_duration_seconds_bucket', { tool_name: tool })
    .map(({ labels, value }) => ({ upTo: Number(labels['le']?.replace('+Inf', 'Infinity')), value }))
    .sort((a, b) => a.upTo - b.upTo);
  const rank = share * Math.max(...buckets.map(({ value }) => value));
  const index = buckets.findIndex(({ value }) => value >= rank);
  return [buckets[index - 1]?.upTo ?? 0, buckets[index]?.upTo ?? NaN];
}

async function times(count: number, tool: string, args: unknown = {}): Promise<void> {
  for (let call = 0; call < count; call += 1) await server.execute(tool, args);
}

describe('GET / as JSON', () => {
  it('says that nothing is wrong, and how many calls there were', async () => {
    server = await start();
    expect((await statusOf()).verdict).toEqual({
      level: 'good',
      headline: 'Nothing is wrong',
      detail: 'No calls since the start.',
    });
    await times(2, 'echo', { text: 'hi' });
    await times(1, 'echo', { text: 1 });
    const status = await statusOf();
    expect(status.verdict.level).toBe('good');
    expect(status.verdict.detail).toBe('3 calls since the start; 1 failed on the caller’s side.');
    expect(toolOf(status, 'echo')).toMatchObject({
      calls: 3,
      errors: { invalid_arguments: 1 },
      server_faults: 0,
      failing: false,
      in_flight: 0,
      calls_since_start: 3,
    });
  });

  it('names the tool that fails, and why, before everything else', async () => {
    server = await start();
    await times(6, 'unreachable');
    await times(1, 'throws');
    const { verdict, activity } = await statusOf();
    expect(verdict.level).toBe('bad');
    expect(verdict.headline).toBe('unreachable is failing: unavailable');
    expect(verdict.detail).toMatch(
      /^6 of 6 calls of unreachable since the start failed .* \(6 unavailable\)\. unavailable: what the tool depends on/,
    );
    expect(activity?.history.at(-1)).toMatchObject({ calls: 7, errors: 7, server_faults: 7 });
  });

  it('names all tools that fail, the worst first', async () => {
    server = await start();
    await times(5, 'throws');
    await times(6, 'unreachable');
    expect((await statusOf()).verdict.headline).toBe('2 tools are failing: unreachable, throws');
  });

  it('sees a tool fail among many calls that it refused for a mistake of their callers', async () => {
    server = await start();
    await times(5, 'throws');
    await times(60, 'throws', { unexpected: true });
    const { verdict } = await statusOf();
    expect(verdict).toMatchObject({ level: 'bad', headline: 'throws is failing: exception' });
    expect(verdict.detail).toMatch(/^5 of 5 accepted calls of throws /);
  });

  it('does not cry over a single failed call', async () => {
    server = await start();
    await times(1, 'throws');
    expect((await statusOf()).verdict).toMatchObject({
      level: 'warn',
      headline: 'A few calls of throws failed',
    });
  });

  it('agrees with /metrics on calls, reasons and time', async () => {
    server = await start();
    await times(3, 'hangs');
    await times(2, 'echo', { text: 'hi' });
    await server.execute('no_such_tool');
    const [status, samples] = [await statusOf(), await server.scrape()];
    for (const { name, calls, errors } of status.activity?.tools ?? []) {
      expect(calls, name).toBe(samples.value('mcp_tool_calls_total', { tool_name: name }));
      for (const [reason, count] of Object.entries(errors))
        expect(count).toBe(samples.value('mcp_tool_errors_total', { tool_name: name, reason }));
    }
    expect(toolOf(status, 'unknown')).toMatchObject({ calls: 1, registered: false, p95_seconds: null });
    for (const name of ['hangs', 'echo']) {
      for (const [share, seconds] of [
        [0.5, toolOf(status, name)?.p50_seconds],
        [0.95, toolOf(status, name)?.p95_seconds],
      ] as const) {
        const [above, upTo] = bucketOf(samples, name, share);
        expect(seconds, name).toBeGreaterThan(above);
        expect(seconds, name).toBeLessThanOrEqual(upTo);
      }
    }
    expect(toolOf(status, 'hangs')?.p50_seconds).toBeGreaterThan(0.1);
  });

  it('says so when the event loop is blocked, where it knows of calls', async () => {
    const blocked = { seconds: 60, p99: 1.5, max: 2.5, utilization: 0.97 };
    server = await startTestServer({ ops: { port: 0 } }, undefined, {}, {}, blocked);
    const status = await statusOf(String(server.opsUrl));
    expect(status.verdict).toMatchObject({ level: 'bad', headline: 'The event loop is blocked' });
    expect(status.event_loop).toEqual({
      window_seconds: 60,
      lag_p99_seconds: 1.5,
      lag_max_seconds: 2.5,
      utilization: 0.97,
    });
    expect(await statusOf()).not.toHaveProperty('event_loop');
  });

  it('says so when the heap is nearly full', async () => {
    const heap = { kept_bytes: 470e6, limit_bytes: 500e6 };
    server = await startTestServer({}, undefined, {}, {}, undefined, heap);
    const status = await statusOf();
    expect(status.verdict).toMatchObject({ level: 'bad', headline: 'The heap is nearly full' });
    expect(status.verdict.detail).toBe(
      'The last full garbage collection left 94 % of its limit, 500 MB, in use. At the limit the process ends.',
    );
    expect(status.heap).toEqual(heap);
  });

  it('says that all places are taken, how many calls wait, and who has the places, not who waits for them', async () => {
    const { args, letGo } = hold();
    server = await start({ tools: { enabled: ['held', 'echo'] }, limits: { concurrency: 1 } });
    const calls = [server.execute('held', args)];
    await waitFor(async () => {
      expect((await statusOf()).places?.taken).toBe(1);
    });
    calls.push(...[1, 2].map(() => server.execute('echo', { text: 'a victim' })));
    await waitFor(async () => {
      expect((await statusOf()).places).toEqual({ limit: 1, taken: 1, waiting: 2 });
    });
    const full = await statusOf();
    expect(full.verdict).toEqual({
      level: 'warn',
      headline: 'All places are taken: 2 calls waiting',
      detail: 'limits.concurrency is 1. Who holds them: 1 call of held.',
    });
    expect(toolOf(full, 'held')).toMatchObject({ in_flight: 1, running: 1 });
    expect(toolOf(full, 'echo')).toMatchObject({ in_flight: 2, running: 0 });
    letGo();
    await Promise.all(calls);
    const { places, verdict } = await statusOf();
    expect([places, verdict.level]).toEqual([{ limit: 1, taken: 0, waiting: 0 }, 'good']);
  });

  it('says nothing of full places where one tool has no more, and the server has', async () => {
    const { args, letGo } = hold();
    const settings = { held: { maxConcurrency: 1 } };
    server = await start({ tools: { enabled: ['held'], settings } });
    const calls = [1, 2].map(() => server.execute('held', args));
    await waitFor(async () => {
      expect((await statusOf()).places).toEqual({ limit: 256, taken: 1, waiting: 1 });
    });
    expect((await statusOf()).verdict.level).toBe('good');
    letGo();
    await Promise.all(calls);
  });

  it('counts sessions, and takes no place for one that is needed: others give way', async () => {
    server = await start({ sessions: { max: 1 } });
    const { client } = await connectClient(server.url, '2025-11-25');
    const { verdict, sessions, sessions_limit } = await statusOf();
    expect({ sessions, sessions_limit }).toEqual({ sessions: 1, sessions_limit: 1 });
    expect(verdict).toMatchObject({ level: 'good' });
    await client.close();
  });

  it('does not begin anew what a scrape says of the time since the last one', async () => {
    server = await start();
    await server.scrape();
    await server.execute('blocks', { milliseconds: 700 });
    for (let poll = 0; poll < 3; poll += 1) await statusOf();
    const samples = await server.scrape();
    expect(samples.value('nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.5);
  });

  it('says so when metrics are switched off', async () => {
    server = await start({ metrics: { enabled: false } });
    await times(1, 'echo', { text: 'hi' });
    const status = await statusOf();
    expect(status).toMatchObject({ ready: true, metrics: 'not_recorded', activity: null });
    expect(status.verdict).toMatchObject({ level: 'unknown', headline: 'Ready' });
    expect(status.verdict.detail).toBe(
      'Metrics are switched off (metrics.enabled), so this page shows no calls.',
    );
    expect(status.links).not.toContain('/metrics');
  });

  it('shows all when metrics are switched on and not served', async () => {
    server = await start({ metrics: { endpoint: false } });
    await times(1, 'echo', { text: 'hi' });
    const status = await statusOf();
    expect(status.metrics).toBe('not_served');
    expect(toolOf(status, 'echo')?.calls).toBe(1);
    expect(status.links).not.toContain('/metrics');
  });

  it('moves to the operations port with the metrics', async () => {
    server = await start({ ops: { port: 0 } });
    await times(1, 'echo', { text: 'hi' });
    const main = await statusOf();
    expect(main).toMatchObject({ ready: true, metrics: 'operations_port', activity: null });
    expect(main.verdict.detail).toContain('ops.port');
    const operations = await statusOf(String(server.opsUrl));
    expect(toolOf(operations, 'echo')?.calls).toBe(1);
    for (const [url, { links }] of [
      [server.url, main],
      [server.opsUrl, operations],
    ] as const)
      for (const path of links) expect((await fetch(`${String(url)}${path}`)).status, path).toBe(200);
  });
});

it('GET / names no port for metrics that none serves', async () => {
  server = await start({ ops: { port: 0 }, metrics: { endpoint: false } });
  const main = await statusOf();
  expect(main).toMatchObject({ metrics: 'not_served', activity: null });
  expect(main.verdict.detail).toContain('ops.port');
  expect(await statusOf(String(server.opsUrl))).toMatchObject({ metrics: 'not_served', links: ['/readyz'] });
});

describe('GET / for a browser', () => {
  it('is a page that may run its own script and style, and ask its own server', async () => {
    server = await start();
    const response = await fetch(server.url, { headers: { accept: BROWSER } });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await response.text();
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<img|<iframe|\ssrc=|\sstyle=|\son\w+=/);

    const policy = response.headers.get('content-security-policy') ?? '';
    const digest = (tag: RegExp): string =>
      createHash('sha256')
        .update(tag.exec(page)?.[1] ?? '')
        .digest('base64');
    expect(policy.split('; ').sort()).toEqual(
      [
        "default-src 'none'",
        `style-src 'sha256-${digest(/<style>([^]*)<\/style>/)}'`,
        `script-src 'sha256-${digest(/<script type="module">([^]*)<\/script>/)}'`,
        "connect-src 'self'",
        'img-src data:',
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].sort(),
    );
    expect(response.headers.get('vary')).toContain('Accept');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('says nothing of the server to those without a token, when one is needed', async () => {
    server = await start({ auth: { token: 'a-long-enough-token' }, metrics: { needToken: true } });
    await times(1, 'echo', { text: 'hi' });
    const response = await fetch(server.url, { headers: { accept: BROWSER } });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="nexus-mcp"');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/echo|0\.0\.0/);
    expect((await fetch(server.url)).status).toBe(401);
  });

  it('counts wrong tokens as failures, and not that a page is opened, which cannot have one yet', async () => {
    const token = 'a-long-enough-token';
    server = await start({ auth: { token }, metrics: { needToken: true } });
    const ask = async (accept: string, authorization?: string): Promise<number> =>
      (await fetch(server.url, { headers: { accept, ...(authorization && { authorization }) } })).status;
    expect(await ask(BROWSER)).toBe(401);
    expect(await ask('application/json')).toBe(401);
    expect(await ask('application/json', 'Bearer not-the-token')).toBe(401);
    expect(await ask('application/json', 'not even that')).toBe(401);
    const scraped = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    const samples = parseMetrics(await scraped.text());
    const failures = (reason: string) => samples.value('mcp_auth_failures_total', { reason });
    expect(['missing', 'unknown_token', 'malformed'].map(failures)).toEqual([0, 1, 1]);
  });
});
