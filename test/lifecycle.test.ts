import { afterEach, describe, expect, it } from 'vitest';
import { connectClient } from './support/clients.ts';
import { parseMetrics } from './support/metrics-text.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { FIXTURE_TOOLS, startTestServer } from './support/test-server.ts';
import { waitFor } from './support/wait.ts';

const withTools = ['--tools.modules', FIXTURE_TOOLS];
const JSON_HEADERS = { 'content-type': 'application/json' };

let server: ServerProcess;
afterEach(async () => {
  await server.stop('SIGKILL');
});

interface Answer {
  readonly status: number;
  readonly body: { readonly result?: unknown; readonly reason?: string };
}

async function slow(milliseconds: number, url = server.url): Promise<Answer> {
  const body = JSON.stringify({ tool_name: 'slow', arguments: { milliseconds } });
  const response = await fetch(`${url}/execute`, { method: 'POST', headers: JSON_HEADERS, body });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const inFlight = (count: number, url = server.url): Promise<void> =>
  waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text());
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(count);
  });

const opsPort = (): number => Number(server.logs.find(({ msg }) => msg === 'ready')?.['ops_port']);

describe('SIGTERM under load', () => {
  it('loses no accepted call: 200 in flight get their result, later ones a retryable error or no connection', async () => {
    server = await startServer({
      args: [...withTools, '--limits.toolConcurrency', '300', '--ops.port', '0'],
    });
    const eras = await Promise.all([
      connectClient(server.url, '2026-07-28'),
      connectClient(server.url, '2025-11-25'),
    ]);
    const call = { name: 'slow', arguments: { milliseconds: 6000 } };
    const overMcp = eras.flatMap(({ client }) =>
      Array.from({ length: 50 }, async () => (await client.callTool(call)).content),
    );
    const overRest = Array.from({ length: 100 }, () => slow(6000));
    await inFlight(200, `http://127.0.0.1:${opsPort()}`);

    const stopped = server.stop();
    const late: (Answer | 'no connection')[] = [];
    const knocker = { running: true };
    const knocking = (async () => {
      while (knocker.running) late.push(await slow(1).catch(() => 'no connection' as const));
    })();
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
    expect(answered.some(({ status }) => status === 503)).toBe(true);
    await Promise.all(eras.map(({ client }) => client.close()));
  }, 60_000);
});

describe('stopping', () => {
  it('sends the answer of the last call, when that is one of a session', async () => {
    server = await startServer({ args: withTools });
    const { client } = await connectClient(server.url, '2025-11-25');
    const call = client.callTool({ name: 'slow', arguments: { milliseconds: 3000 } });
    await inFlight(1);
    expect(await server.stop()).toBe(0);
    expect((await call).content).toEqual([{ type: 'text', text: 'done' }]);
    await client.close();
  });

  it('turns not ready first, keeps answering meanwhile, and serves metrics to the end', async () => {
    server = await startServer({ args: [...withTools, '--shutdown.delaySeconds', '3', '--ops.port', '0'] });
    const ops = `http://127.0.0.1:${opsPort()}`;
    expect((await fetch(`${ops}/readyz`)).status).toBe(200);
    const call = slow(9000);
    await inFlight(1, ops);
    const stopped = server.stop();
    await waitFor(async () => {
      const response = await fetch(`${ops}/readyz`);
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({ status: 'not ready', failing: ['draining'] });
    });
    expect((await fetch(`${ops}/livez`)).status).toBe(200);
    expect((await slow(1)).status).toBe(200);
    const refused = async (): Promise<void> => {
      expect((await slow(1)).body.reason).toBe('overloaded');
    };
    await waitFor(refused);
    expect((await fetch(`${ops}/metrics`)).status).toBe(200);
    expect((await call).body.result).toBe('done');
    expect(await stopped).toBe(0);
  }, 60_000);

  it('cuts at its deadline what does not end, says what that was, and exits with 1', async () => {
    server = await startServer({ args: [...withTools, '--shutdown.deadlineSeconds', '0.3'] });
    const call = slow(8000).catch(() => 'cut');
    await inFlight(1);
    expect(await server.stop()).toBe(1);
    expect(await call).toBe('cut');
    expect(server.logs.find(({ level }) => level === 'error')).toMatchObject({
      msg: 'stopped by force at the deadline',
      step: 'finish calls',
      calls: [{ tool: 'slow', request_id: expect.any(String) as string }],
      connections: expect.any(Number) as number,
    });
  });

  it('does not wait when it is asked twice', async () => {
    server = await startServer({ args: withTools });
    void slow(8000).catch(() => undefined);
    await inFlight(1);
    const first = server.stop();
    await waitFor(() => {
      expect(server.logs.at(-1)).toMatchObject({ msg: 'stopping' });
    });
    expect(await server.stop('SIGINT')).toBe(1);
    await first;
  });

  it('is not held up by the open streams of sessions', async () => {
    server = await startServer();
    const { client } = await connectClient(server.url, '2025-11-25');
    expect(await server.stop()).toBe(0);
    expect(server.logs.at(-1)).toMatchObject({ msg: 'stopped' });
    await client.close();
  });
});

describe('a worker tool in an endless loop, with every place taken', () => {
  it('does not keep metrics and probes from answering', async () => {
    const here = await startTestServer({
      limits: { concurrency: 2, queue: 2 },
      workers: { maxThreads: 2 },
      tools: { settings: { spins: { timeoutSeconds: 3 } } },
    });
    const spinning = Array.from({ length: 4 }, () => here.execute('spins'));
    await waitFor(async () => {
      expect((await here.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'spins' })).toBe(4);
    });
    const samples = await here.scrape();
    expect(samples.value('mcp_worker_pool_busy')).toBe(2);
    expect(samples.value('mcp_worker_pool_waiting')).toBe(2);
    expect((await fetch(`${here.url}/livez`)).status).toBe(200);
    expect((await here.execute('echo', { text: 'hi' })).body.reason).toBe('overloaded');
    for (const { body } of await Promise.all(spinning)) expect(body.reason).toBe('timeout');
    const after = await here.scrape();
    expect(after.value('mcp_worker_restarts_total', { reason: 'timeout' })).toBe(4);
    expect(after.value('mcp_worker_pool_busy')).toBe(0);
    await here.stop();
    server = { stop: () => Promise.resolve(0) } as unknown as ServerProcess;
  });
});
