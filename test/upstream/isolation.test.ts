import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const PACE = { silence: 0.5, silenceIfIll: 0.1, answer: 1, listAtMost: 3600, calm: 0.1 };
const PROCESS = fileURLToPath(new URL('../support/v1-upstream-process.ts', import.meta.url));

const refuses = new RawUpstream();
const resets = new RawUpstream();
const healthy = new RawUpstream();
let child: ChildProcess;
let server: TestServer;

const isIn = (upstream: string, ...states: readonly string[]): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    const found = samples.select('mcp_upstream_state', { upstream }).find(({ value }) => value === 1);
    expect(states).toContain(found?.labels['state']);
  });

beforeAll(async () => {
  child = spawn(process.execPath, [PROCESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = child.stdout;
  if (!output) throw new Error('the process has no output');
  const [url] = (await once(createInterface({ input: output }), 'line')) as [string];
  const upstreams = [
    { name: 'stopped', url, timeoutSeconds: 3600 },
    { name: 'refuses', url: await refuses.listen() },
    { name: 'resets', url: await resets.listen() },
    { name: 'healthy', url: await healthy.listen() },
  ];
  const settings = { limits: { callsPerSecond: 0 }, tools: { enabled: ['add'] }, upstreams };
  server = await startTestServer(settings, undefined, PACE);
  for (const { name } of upstreams) await isIn(name, 'up');
});

afterAll(async () => {
  child.kill('SIGCONT');
  child.kill();
  await server.stop();
  await Promise.all([refuses, resets, healthy].map((upstream) => upstream.close()));
});

/** What the healthy one was asked, besides whether it is there. */
const asked = (): number => healthy.received.length - healthy.count('ping');

describe('upstreams that are stopped, refuse and reset', () => {
  it('make nobody wait who does not call them, and lists ask no upstream', async () => {
    await server.execute('stopped_write', { line: 'w' });
    child.kill('SIGSTOP');
    await refuses.close();
    resets.behaviour = { any: (_message, response) => response.writeHead(200).destroy() };
    const gone = new AbortController();
    const waiting = server.execute('stopped_write', { line: 'x' }, { signal: gone.signal });
    const left = waiting.catch(() => 'left');
    for (const tool of ['refuses_works', 'resets_works'])
      expect((await server.execute(tool)).body.reason).toBe('unavailable');

    const before = asked();
    for (const era of ERAS) {
      const { client } = await connectClient(server.url, era);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['stopped_write', 'refuses_works', 'resets_works', 'healthy_works']),
      );
      await client.close();
    }
    expect(asked()).toBe(before);
    expect((await server.execute('healthy_works')).body.status).toBe('success');
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    // Nobody has waited for its end: it has none.
    gone.abort();
    expect(await left).toBe('left');
  });

  it('end calls at once as soon as it is known of them, and come back by themselves', async () => {
    await isIn('stopped', 'down', 'open');
    const { body } = await server.execute('stopped_write', { line: 'y' });
    expect(body).toMatchObject({ reason: 'unavailable' });
    child.kill('SIGCONT');
    await isIn('stopped', 'up');
    expect((await server.execute('stopped_write', { line: 'z' })).body.status).toBe('success');
    expect((await server.scrape()).value('mcp_upstream_state', { upstream: 'healthy', state: 'up' })).toBe(1);
  });
});
