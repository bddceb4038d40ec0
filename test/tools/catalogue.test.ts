import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createApplication, type Application } from '../../src/application.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { createLogger } from '../../src/monitoring/logging.ts';
import { createLane } from '../../src/tools/admission.ts';
import { offerToolsets, type OfferedTool } from '../../src/tools/offered-tool.ts';
import type { ToolDefinition } from '../../src/tools/tool.ts';
import { serve } from '../../src/serve.ts';
import { callOf } from '../support/call-records.ts';
import { connectClient } from '../support/clients.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { CALM, ROOMY } from '../support/test-server.ts';
import { waitUntil } from '../support/wait.ts';

const noWorkers = { run: () => Promise.reject(new Error('no tool here is isolated')), lane: createLane(1) };

/** A tool that runs until it is let go. */
function held(name: string, maxConcurrency = 64): OfferedTool & { readonly release: () => void } {
  const waiting: (() => void)[] = [];
  const tool: ToolDefinition = {
    name,
    title: name,
    description: 'Runs until it is let go.',
    input: z.strictObject({}),
    output: z.strictObject({ name: z.string() }),
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    handler: async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { name };
    },
  };
  const toolset = { name: 'held', source: 'module', moduleUrl: 'file:///held.ts', tools: [tool] } as const;
  const offered = offerToolsets([toolset], noWorkers, {
    defaults: { timeoutSeconds: 60, maxConcurrency },
  });
  if (!offered.ok || !offered.tools[0]) throw new Error('the tool cannot be offered');
  return Object.assign(offered.tools[0], {
    release: () => {
      for (const go of waiting.splice(0)) go();
    },
  });
}

const environment = {
  logger: createLogger('silent', { write: () => undefined }),
  now: () => performance.now() / 1000,
  unixTime: () => Date.now() / 1000,
  version: '0.0.0',
  revision: 'test',
  env: {},
  eventLoop: () => CALM,
  heap: () => ROOMY,
};

async function createServer(overrides: Record<string, unknown> = {}) {
  const settings = settingsSchema.parse({
    server: { port: 0 },
    tools: { enabled: ['add'] },
    limits: { callsPerSecond: 0 },
    ...overrides,
  });
  const created = await createApplication(settings, process.cwd(), environment);
  if (!created.ok) throw new Error(created.problems.join('\n'));
  const { application } = created;
  const serving = await serve(application, settings, environment);
  onTestFinished(async () => {
    await serving.stop();
  });
  return { application, url: `http://127.0.0.1:${serving.port}` };
}

const scrape = async ({ expose }: Application): Promise<Samples> =>
  parseMetrics(String((await expose?.('prometheus')) ?? ''));

/** A sequence of numbers from 0 to below 1 that looks random and is the same every time. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

describe('tools that come and go during calls', () => {
  it.each([1, 2, 3])('lose no call, and leave exactly the series of those there are (%i)', async (seed) => {
    const { application } = await createServer();
    const { catalogue, executor } = application;
    const random = pseudoRandom(seed);
    const names = ['a', 'b', 'c', 'd'];
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const everyTool = new Set<ReturnType<typeof held>>();
    const calls: Promise<{ readonly name: string; readonly known: boolean; readonly status: string }>[] = [];
    for (let step = 0; step < 300; step += 1) {
      const name = pick(names);
      const offered = catalogue.get(name);
      const what = random();
      if (what < 0.25) {
        const tool = held(name);
        everyTool.add(tool);
        catalogue.change({ remove: offered ? [name] : [], add: [tool] });
      } else if (what < 0.4 && offered) catalogue.change({ remove: [name] });
      else if (what < 0.8) {
        const known = offered !== undefined;
        calls.push(executor.execute(callOf(name)).then(({ status }) => ({ name, known, status })));
      } else for (const tool of everyTool) if (random() < 0.3) tool.release();
      // Lets handlers begin and outcomes arrive, in an order that the seed decides.
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitUntil(() => {
      for (const tool of everyTool) tool.release();
      return executor.inFlight.length === 0;
    });
    for (const { known, status } of await Promise.all(calls))
      expect(status).toBe(known ? 'success' : 'error');

    const samples = await scrape(application);
    const offeredNow = catalogue.tools.map(({ name }) => name).sort();
    for (const metric of ['mcp_tool_info', 'mcp_tool_calls_in_flight', 'mcp_tool_duration_seconds_count'])
      expect(
        samples.select(metric).map(({ labels }) => labels['tool_name']).sort(), // oxfmt-ignore
        metric,
      ).toEqual(offeredNow);
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
    const unknown = (await Promise.all(calls)).filter(({ known }) => !known).length;
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'unknown' })).toBe(unknown);
  });

  it('keep the limits of their own when they are added later', async () => {
    const { application } = await createServer({ limits: { queue: 0, callsPerSecond: 0 } });
    const { catalogue, executor } = application;
    const tool = held('late', 1);
    catalogue.change({ add: [tool] });
    const first = executor.execute(callOf('late'));
    expect(await executor.execute(callOf('late'))).toMatchObject({ reason: 'overloaded' });
    tool.release();
    expect(await first).toMatchObject({ status: 'success' });
  });

  it('are for callers who may use all tools, and shown on the status page', async () => {
    const { application, url } = await createServer();
    const tool = held('late');
    application.catalogue.change({ add: [tool] });
    const call = fetch(`${url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tool_name: 'late' }),
    });
    await waitUntil(() => application.executor.inFlight.length === 1);
    tool.release();
    expect(await (await call).json()).toMatchObject({ status: 'success', result: { name: 'late' } });
    const status = (await (await fetch(url, { headers: { accept: 'application/json' } })).json()) as {
      readonly activity: { readonly tools: readonly object[] };
    };
    expect(status.activity.tools).toContainEqual(expect.objectContaining({ name: 'late', calls: 1 }));
  });

  it.each(['2026-07-28', '2025-11-25'] as const)(
    'answer with their structured content though they are gone (%s)',
    async (era) => {
      const { application, url } = await createServer();
      const tool = held('leaving');
      application.catalogue.change({ add: [tool] });
      const { client } = await connectClient(url, era);
      const call = client.callTool({ name: 'leaving', arguments: {} });
      await waitUntil(() => application.executor.inFlight.length === 1);
      application.catalogue.change({ remove: ['leaving'] });
      tool.release();
      expect(await call).toMatchObject({ structuredContent: { name: 'leaving' } });
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['add']);
      await client.close();
    },
  );
});

it.each([true, false])(
  'a tool that takes the place of another keeps its counts (in flight: %s)',
  async (inFlight) => {
    const { application } = await createServer();
    const { catalogue, executor } = application;
    const [first, second] = [held('same'), held('same')];
    catalogue.change({ add: [first] });
    const calls = [executor.execute(callOf('same'))];
    await waitUntil(() => executor.inFlight.length === 1);
    first.release();
    await calls[0];
    if (inFlight) {
      calls.push(executor.execute(callOf('same')));
      await waitUntil(() => executor.inFlight.length === 1);
    }
    catalogue.change({ remove: ['same'], add: [second] });
    await waitUntil(() => {
      first.release();
      return executor.inFlight.length === 0;
    });
    await Promise.all(calls);
    const samples = await scrape(application);
    const succeeded = { tool_name: 'same', status: 'success' };
    expect(samples.value('mcp_tool_calls_total', succeeded)).toBe(calls.length);
  },
);

it('a name is offered once: adding it again changes nothing, and throws', async () => {
  const { application } = await createServer();
  const { catalogue } = application;
  const before = catalogue.tools;
  expect(() => {
    catalogue.change({ remove: ['add'], add: [held('x'), held('x')] });
  }).toThrow('the tool x is offered already');
  expect(catalogue.tools).toBe(before);
});
