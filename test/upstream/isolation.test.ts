import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { startUpstreamProcess, type UpstreamProcess } from '../support/upstream-process.ts';
import { waitFor } from '../support/wait.ts';

/** Whether they are there, calls alone tell: nothing else is asked of them. */
const BY_CALLS = { silence: 3600, silenceIfIll: 3600, answer: 60 };
const BY_LOOKS = { silence: 0.5, silenceIfIll: 0.1, answer: 1, calm: 0.1 };

const refuses = new RawUpstream();
const resets = new RawUpstream();
const healthy = new RawUpstream();
let stopped: UpstreamProcess;
let server: TestServer;

const isIn = (at: TestServer, upstream: string, ...states: readonly string[]): Promise<void> =>
  waitFor(async () => {
    const samples = await at.scrape();
    const found = samples.select('mcp_upstream_state', { upstream }).find(({ value }) => value === 1);
    expect(states).toContain(found?.labels['state']);
  });

beforeAll(async () => {
  stopped = await startUpstreamProcess();
  const upstreams = [
    { name: 'stopped', url: stopped.url, timeoutSeconds: 3600 },
    { name: 'refuses', url: await refuses.listen() },
    { name: 'resets', url: await resets.listen() },
    { name: 'healthy', url: await healthy.listen() },
  ];
  const settings = { limits: { callsPerSecond: 0 }, tools: { enabled: ['add'] }, upstreams };
  server = await startTestServer(settings, undefined, BY_CALLS);
  for (const { name } of upstreams) await isIn(server, name, 'up');
});

afterAll(async () => {
  stopped.end();
  await server.stop();
  await Promise.all([refuses, resets, healthy].map((upstream) => upstream.close()));
});

describe('upstreams that are stopped, refuse and reset', () => {
  it('make nobody wait who does not call them, and lists ask no upstream', async () => {
    await server.execute('stopped_write', { line: 'w' });
    stopped.pause();
    await refuses.close();
    resets.behaviour = { any: (_message, response) => response.writeHead(200).destroy() };
    const gone = new AbortController();
    const waiting = server.execute('stopped_write', { line: 'x' }, { signal: gone.signal });
    const left = waiting.catch(() => 'left');
    for (const tool of ['refuses_works', 'resets_works'])
      expect((await server.execute(tool)).body.reason).toBe('unavailable');

    const before = healthy.received.length;
    for (const era of ERAS) {
      const { client } = await connectClient(server.url, era);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['stopped_write', 'refuses_works', 'resets_works', 'healthy_works']),
      );
      await client.close();
    }
    expect(healthy.received.length).toBe(before);
    expect((await server.execute('healthy_works')).body.status).toBe('success');
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    // Nobody has waited for its end: it has none.
    gone.abort();
    expect(await left).toBe('left');
  });

  it('end calls at once as soon as it is known of them, and come back by themselves', async () => {
    stopped.resume();
    const upstreams = [{ name: 'stopped', url: stopped.url, timeoutSeconds: 3600 }];
    const looking = await startTestServer({ tools: { enabled: ['add'] }, upstreams }, undefined, BY_LOOKS);
    await isIn(looking, 'stopped', 'up');
    stopped.pause();
    await isIn(looking, 'stopped', 'down');
    // A call that waited for an answer would have an hour.
    const { body } = await looking.execute('stopped_write', { line: 'y' });
    expect(body).toMatchObject({ reason: 'unavailable' });
    stopped.resume();
    await isIn(looking, 'stopped', 'up');
    expect((await looking.execute('stopped_write', { line: 'z' })).body.status).toBe('success');
    await looking.stop();
  });
});
