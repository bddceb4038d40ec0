import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectClient } from './support/clients.ts';
import { compiled } from './support/compile-cache.ts';
import { hold } from './support/hold.ts';
import { scrape } from './support/metrics-text.ts';
import { serveHere } from './support/run-here.ts';
import { call as callOf, initialize } from './support/raw-session.ts';
import { MAIN, runCli } from './support/spawn-cli.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from './support/test-server.ts';
import { waitFor } from './support/wait.ts';

const withTools = ['--tools.modules', FIXTURE_TOOLS, '--tools.enabled', 'held,slow'];
/** How long a client that is turned away waits before it knocks again. */
const KNOCK_MS = 50;
const JSON_HEADERS = { 'content-type': 'application/json' };

/** Starts a server in a process of its own, which ends with the test. */
async function startProcess(args: readonly string[]): Promise<ServerProcess> {
  const server = await startServer({ args: [...withTools, ...args] });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  return server;
}

/** Starts a server in this process, with the tools that are called here alone. */
const startHere = (settings: Record<string, Record<string, unknown>> = {}): Promise<TestServer> =>
  startTestServer({ tools: { enabled: ['echo', 'held', 'slow'] }, ...settings });

interface Answer {
  readonly status: number;
  readonly body: { readonly result?: unknown; readonly reason?: string };
}

async function execute(url: string, tool_name: string, args: object): Promise<Answer> {
  const body = JSON.stringify({ tool_name, arguments: args });
  const response = await fetch(`${url}/execute`, { method: 'POST', headers: JSON_HEADERS, body });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const slow = (url: string, milliseconds: number): Promise<Answer> => execute(url, 'slow', { milliseconds });

const inFlight = (url: string, count: number): Promise<void> =>
  waitFor(async () => {
    expect((await scrape(url)).value('mcp_tool_calls_in_flight')).toBe(count);
  });

/** Has a process sent SIGTERM by itself when it begins to load the server. */
const STOPPED_EARLY = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.endsWith('/cli/run.ts')) process.kill(process.pid, 'SIGTERM');
      return next(specifier, context);
    },
  });
`)}`;

it('SIGTERM while the server is still being loaded stops it as planned, and is not lost', async () => {
  const { code, stdout } = await runCli(['--server.port', '0'], {
    env: { NODE_OPTIONS: `--import=${STOPPED_EARLY}` },
  });
  expect(code).toBe(0);
  // The signal is heard in the next turn of the event loop, where all may be loaded already.
  expect(stdout).toMatch(/"msg":"stopped( while loading)?"/);
});

it.each([
  ['serve', 0],
  ['stdio', 0],
  ['check', 1],
])('SIGINT ends %s at once while a tool module loads, with code %i', async (command, code) => {
  const module = join(mkdtempSync(join(tmpdir(), 'never-loads-')), 'never.mjs');
  writeFileSync(module, `console.error('loads'); await new Promise(() => undefined);`);
  const child = spawn(process.execPath, [MAIN, command, '--tools.modules', module], { env: compiled() });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  expect(await ended).toEqual([code, null]);
});

describe('SIGTERM under load', () => {
  it('loses no accepted call: 200 in flight get their result, later ones theirs, a retryable error, or no connection', async () => {
    const server = await startProcess(['--limits.toolConcurrency', '300', '--ops.port', '0']);
    const opsPort = server.logs.find(({ msg }) => msg === 'ready')?.['ops_port'];
    const eras = await Promise.all([
      connectClient(server.url, '2026-07-28'),
      connectClient(server.url, '2025-11-25'),
    ]);
    const held = hold();
    const call = { name: 'held', arguments: held.args };
    const overMcp = eras.flatMap(({ client }) =>
      Array.from({ length: 50 }, async () => (await client.callTool(call)).content),
    );
    const overRest = Array.from({ length: 100 }, () => execute(server.url, 'held', held.args));
    await inFlight(`http://127.0.0.1:${String(opsPort)}`, 200);

    const stopped = server.stop();
    const late: (Answer | 'no connection')[] = [];
    const knocker = { running: true };
    const knocking = (async () => {
      while (knocker.running) {
        late.push(await slow(server.url, 1).catch(() => 'no connection' as const));
        await sleep(KNOCK_MS);
      }
    })();
    await waitFor(() => {
      expect(late.length).toBeGreaterThan(2);
    });
    held.letGo();
    for (const { status, body } of await Promise.all(overRest)) {
      expect(status).toBe(200);
      expect(body.result).toBe('done');
    }
    for (const content of await Promise.all(overMcp))
      expect(content).toEqual([{ type: 'text', text: 'done' }]);
    expect(await stopped).toBe(0);
    knocker.running = false;
    await knocking;

    const answered = late.filter((each) => each !== 'no connection');
    expect(answered.length).toBeGreaterThan(0);
    for (const { status, body } of answered) {
      if (status !== 200)
        expect({ status, reason: body.reason }).toEqual({ status: 503, reason: 'overloaded' });
    }
    await Promise.all(eras.map(({ client }) => client.close()));
  }, 180_000);
});

describe('stopping', () => {
  it('sends the answer of the last call, when that is one of a session', async () => {
    const server = await startHere();
    const { client } = await connectClient(server.url, '2025-11-25');
    const held = hold();
    const call = client.callTool({ name: 'held', arguments: { ...held.args } });
    await inFlight(server.url, 1);
    const stopped = server.stop();
    held.letGo();
    expect(await stopped).toBe(true);
    expect((await call).content).toEqual([{ type: 'text', text: 'done' }]);
    await client.close();
  });

  it('turns not ready first, keeps answering meanwhile, and serves metrics to the end', async () => {
    const server = await startHere({ shutdown: { delaySeconds: 3 }, ops: { port: 0 } });
    const ops = String(server.opsUrl);
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    const held = hold();
    const call = execute(server.url, 'held', held.args);
    await inFlight(ops, 1);
    const stopped = server.stop();
    const ready = await fetch(`${ops}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ status: 'not ready', failing: ['draining'] });
    expect((await fetch(`${ops}/livez`)).status).toBe(200);
    expect((await slow(server.url, 1)).status).toBe(200);
    await waitFor(async () => {
      expect((await slow(server.url, 1)).body.reason).toBe('overloaded');
    });
    expect((await fetch(`${ops}/metrics`)).status).toBe(200);
    held.letGo();
    expect((await call).body.result).toBe('done');
    expect(await stopped).toBe(true);
  });

  it('cuts at its deadline what does not end, and says what that was', async () => {
    const server = await startHere({ shutdown: { deadlineSeconds: 0.3 }, audit: { enabled: true } });
    const call = slow(server.url, 20_000).catch(() => 'cut');
    await inFlight(server.url, 1);
    expect(await server.stop()).toBe(false);
    expect(await call).toBe('cut');
    expect(server.logs.find(({ level }) => level === 'error')).toMatchObject({
      msg: 'stopped by force at the deadline',
      step: 'finish calls',
      calls: [{ tool: 'slow', request_id: expect.any(String) as string, caller: 'anonymous' }],
      connections: expect.any(Number) as number,
    });
    expect(server.logs.filter(({ event }) => event === 'call')).toMatchObject([
      { tool: 'slow', outcome: 'error', reason: 'cancelled' },
    ]);
  });

  it('cuts over stdio as well, and writes the events of what it cut', async () => {
    const args = ['stdio', ...withTools, '--audit.enabled', 'true', '--shutdown.deadlineSeconds', '0.5'];
    const child = spawn(process.execPath, [MAIN, ...args, '--shutdown.delaySeconds', '0'], {
      env: compiled(),
    });
    const logs = text(child.stderr);
    for (const message of [initialize(), callOf(2, 'slow', { milliseconds: 60_000 })])
      child.stdin.write(`${JSON.stringify(message)}\n`);
    await once(child.stdout, 'data');
    // The call came right after what was answered.
    child.stdin.write('{"jsonrpc":"2.0","id":3,"method":"ping"}\n');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(await logs).toMatch(/"event":"call".*"tool":"slow","outcome":"error","reason":"cancelled"/);
  });

  it('exits with 1 where something was cut', async () => {
    const server = await serveHere([...withTools, '--shutdown.deadlineSeconds', '0.3']);
    const call = slow(server.url, 20_000).catch(() => 'cut');
    await inFlight(server.url, 1);
    expect(await server.stop()).toBe(1);
    expect(await call).toBe('cut');
  });

  it('does not wait when it is asked twice', async () => {
    const server = await startProcess([]);
    void slow(server.url, 20_000).catch(() => undefined);
    await inFlight(server.url, 1);
    const first = server.stop();
    await waitFor(() => {
      expect(server.logs.at(-1)).toMatchObject({ msg: 'stopping' });
    });
    expect(await server.stop('SIGINT')).toBe(1);
    await first;
  });

  it('is not held up by the open streams of sessions', async () => {
    const server = await startHere();
    const { client } = await connectClient(server.url, '2025-11-25');
    expect(await server.stop()).toBe(true);
    expect(server.logs.at(-1)).toMatchObject({ msg: 'stopped' });
    await client.close();
  });
});

describe('a worker tool in an endless loop, with every place taken', () => {
  it('does not keep metrics and probes from answering', async () => {
    const server = await startTestServer({
      limits: { concurrency: 2, queue: 2 },
      workers: { maxThreads: 2 },
      tools: { enabled: ['echo', 'spins'], settings: { spins: { timeoutSeconds: 60 } } },
    });
    const gone = new AbortController();
    const spinning = Array.from({ length: 4 }, () =>
      server.execute('spins', undefined, { signal: gone.signal }).catch(() => 'cancelled'),
    );
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'spins' })).toBe(4);
    });
    const samples = await server.scrape();
    expect(samples.value('mcp_worker_pool_busy')).toBe(2);
    expect(samples.value('mcp_worker_pool_waiting')).toBe(2);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect((await server.execute('echo', { text: 'hi' })).body.reason).toBe('overloaded');
    gone.abort();
    expect(await Promise.all(spinning)).toEqual(Array.from({ length: 4 }, () => 'cancelled'));
    await waitFor(async () => {
      const after = await server.scrape();
      expect(after.value('mcp_worker_pool_busy')).toBe(0);
      expect(after.value('mcp_worker_restarts_total', { reason: 'cancelled' })).toBe(2);
    });
    await server.stop();
  });
});
