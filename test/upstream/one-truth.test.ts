import { expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import { RawUpstream, answer, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { oneOf, randomFrom } from './random.ts';

const PACE = {
  silence: 0.1,
  silenceIfIll: 0.02,
  answer: 0.5,
  listAtLeast: 0,
  listAtMost: 0.1,
  again: 0.05,
  calm: 0.05,
};

const FAULTS: readonly Behaviour[] = [
  (_message, response) => response.destroy(),
  (_message, response) => response.writeHead(500).end(),
  (_message, response) => response.writeHead(401).end(),
  (_message, response) => response.writeHead(429).end(),
  (message, response) => answer(response, message, { nonsense: true }),
  () => undefined,
];
const METHODS = ['any', 'initialize', 'tools/list', 'tools/call', 'ping'] as const;

it('metrics, status page, log and list of tools say the same of upstreams, whatever happens to them', async () => {
  const random = randomFrom(42);
  const upstreams = [new RawUpstream(), new RawUpstream()];
  const server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'a', url: await upstreams[0]?.listen(), timeoutSeconds: 0.2 },
        { name: 'b', url: await upstreams[1]?.listen(), timeoutSeconds: 0.2 },
      ],
    },
    undefined,
    PACE,
  );
  const agree = async (): Promise<void> => {
    const [samples, status, listed] = await Promise.all([
      server.scrape(),
      fetch(server.url, { headers: { accept: 'application/json' } }),
      fetch(`${server.url}/tools`),
    ]);
    const { upstreams: shown = [] } = (await status.json()) as Status;
    const { tools } = (await listed.json()) as { tools: readonly { toolset: string }[] };
    expect(shown.map(({ name }) => name)).toEqual(['a', 'b']);
    for (const { name: upstream, state, tools: offered, dropped, why } of shown) {
      const inMetrics = samples.select('mcp_upstream_state', { upstream }).filter(({ value }) => value === 1);
      expect(inMetrics.map(({ labels }) => labels['state'])).toEqual([state]);
      const inLog = server.logs.filter(
        (line) => line['upstream'] === upstream && line['state'] !== undefined,
      );
      expect(inLog.at(-1)?.['state'] ?? 'connecting').toBe(state);
      const entered = samples.value('mcp_upstream_transitions_total', { upstream });
      expect(entered).toBe(inLog.length);
      expect(samples.value('mcp_upstream_tools', { upstream })).toBe(offered);
      expect(tools.filter(({ toolset }) => toolset === upstream).length).toBe(offered);
      const left = samples.value('mcp_upstream_tools_dropped', { upstream }) ?? 0;
      expect(left).toBe(Object.values(dropped).reduce((sum, count) => sum + count, 0));
      const faults = samples.select('mcp_upstream_fault', { upstream }).filter(({ value }) => value === 1);
      const isWell = state === 'up' || state === 'connecting';
      expect(faults.length).toBe(isWell ? 0 : 1);
      expect(why === '').toBe(isWell);
    }
  };
  for (let step = 0; step < 30; step += 1) {
    const upstream = oneOf(upstreams, random);
    upstream.behaviour = random() < 0.4 ? {} : { [oneOf(METHODS, random)]: oneOf(FAULTS, random) };
    upstream.tools = ['works', 'works', 'x'.repeat(300)].slice(0, 1 + Math.floor(random() * 3));
    await Promise.all(['a_works', 'b_works'].map((tool) => server.execute(tool)));
    // What is asked for at a time may be answered before and after a change.
    await waitFor(agree);
  }
  const [gone, unlisted] = [FAULTS[0], FAULTS[1]] as const;
  for (const [state, behaviour] of [
    ['up', {}],
    ['degraded', { 'tools/list': unlisted }],
    ['down', { any: gone }],
    ['up', {}],
  ] as const) {
    for (const upstream of upstreams) upstream.behaviour = behaviour;
    await waitFor(async () => {
      await agree();
      expect((await server.scrape()).value('mcp_upstream_state', { state })).toBe(2);
    });
  }
  await server.stop();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});
