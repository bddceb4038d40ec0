import { expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import { KubernetesApi } from '../support/kubernetes-api.ts';
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

it('metrics, status page, log, list of tools and readiness say the same of upstreams, whatever happens to them', async () => {
  const random = randomFrom(42);
  const upstreams = [new RawUpstream(), new RawUpstream(), new RawUpstream()];
  const [a, b] = await Promise.all(upstreams.map((upstream) => upstream.listen()));
  const api = new KubernetesApi();
  await api.listen();
  /** The third, whose Service comes and goes. */
  const there = new Set<string>();
  const flip = (): void => {
    if (there.delete('c')) {
      api.remove('c');
      return;
    }
    there.add('c');
    api.put({ name: 'c', spec: { ports: [{ name: 'mcp', port: upstreams[2]?.port }] } });
  };
  flip();
  const server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'a', url: a, timeoutSeconds: 0.2 },
        { name: 'b', url: b, timeoutSeconds: 0.2 },
      ],
      discovery: { enabled: true, kubeconfig: api.kubeconfig(), timeoutSeconds: 0.2 },
    },
    undefined,
    PACE,
  );
  /** All that was said of it: what is so for a moment only counts, too. */
  const readiness = new Set<number>();
  const agree = async (): Promise<void> => {
    const [samples, status, listed, ready] = await Promise.all([
      server.scrape(),
      fetch(server.url, { headers: { accept: 'application/json' } }),
      fetch(`${server.url}/tools`),
      fetch(`${server.url}/readyz`),
    ]);
    const { upstreams: shown = [] } = (await status.json()) as Status;
    const { tools } = (await listed.json()) as { tools: readonly { name: string; toolset: string }[] };
    readiness.add(ready.status);
    const names = ['a', 'b', ...there];
    expect(shown.map(({ name }) => name)).toEqual(names);
    const known = samples.select('mcp_upstream_state').map(({ labels }) => labels['upstream']);
    expect([...new Set(known)].sort()).toEqual(names);
    expect(['calculator', ...names]).toEqual(expect.arrayContaining(tools.map(({ toolset }) => toolset)));
    if (!there.has('c')) expect(linesOf('c').at(-1)?.['msg'] ?? 'upstream removed').toBe('upstream removed');
    for (const { name: upstream, state, tools: offered, dropped, why } of shown) {
      const inMetrics = samples.select('mcp_upstream_state', { upstream }).filter(({ value }) => value === 1);
      expect(inMetrics.map(({ labels }) => labels['state'])).toEqual([state]);
      const lines = linesOf(upstream);
      const inLog = lines
        .slice(lines.findLastIndex(({ msg }) => msg === 'upstream removed') + 1)
        .filter((line) => line['state'] !== undefined);
      expect(inLog.at(-1)?.['state'] ?? 'connecting').toBe(state);
      const entered = samples.value('mcp_upstream_transitions_total', { upstream });
      expect(entered).toBe(inLog.length);
      expect(samples.value('mcp_upstream_tools', { upstream })).toBe(offered);
      const offeredNames = tools.filter(({ toolset }) => toolset === upstream).map(({ name }) => name);
      expect(offeredNames).toHaveLength(offered);
      const counted = samples.select('mcp_tool_info', { toolset: upstream });
      expect(counted.map(({ labels }) => labels['tool_name']).sort()).toEqual(offeredNames.toSorted());
      for (const name of offeredNames) expect(name).toMatch(new RegExp(`^${upstream}_(works|x{10})`));
      const left = samples.value('mcp_upstream_tools_dropped', { upstream }) ?? 0;
      expect(left).toBe(Object.values(dropped).reduce((sum, count) => sum + count, 0));
      const faults = samples.select('mcp_upstream_fault', { upstream }).filter(({ value }) => value === 1);
      const isWell = state === 'up' || state === 'connecting';
      expect(faults.length).toBe(isWell ? 0 : 1);
      expect(why === '').toBe(isWell);
    }
  };
  const linesOf = (upstream: string) => server.logs.filter((line) => line['upstream'] === upstream);
  const callAll = () => Promise.all(['a_works', 'b_works', 'c_works'].map((tool) => server.execute(tool)));
  for (let step = 0; step < 30; step += 1) {
    const upstream = oneOf(upstreams, random);
    upstream.behaviour = random() < 0.4 ? {} : { [oneOf(METHODS, random)]: oneOf(FAULTS, random) };
    upstream.tools = ['works', 'works', 'x'.repeat(300)].slice(0, 1 + Math.floor(random() * 3));
    // What is found is told of once a second.
    if (step % 10 === 9) flip();
    await callAll();
    // What is asked for at a time may be answered before and after a change.
    await waitFor(agree);
  }
  if (!there.has('c')) flip();
  const [gone, failing, refused] = [FAULTS[0], FAULTS[1], FAULTS[2]] as const;
  for (const [state, behaviour] of [
    ['up', {}],
    ['degraded', { 'tools/list': failing }],
    ['unauthorized', { any: refused }],
    ['down', { any: gone }],
    ['up', {}],
    ['open', { 'tools/call': failing, 'server/discover': failing }],
  ] as const) {
    for (const upstream of upstreams) upstream.behaviour = behaviour;
    await waitFor(async () => {
      if (state === 'open') await callAll();
      await agree();
      expect((await server.scrape()).value('mcp_upstream_state', { state })).toBe(upstreams.length);
    });
  }
  flip();
  await waitFor(agree);
  expect([...readiness]).toEqual([200]);
  expect(await server.stop()).toBe(true);
  await Promise.all([api.close(), ...upstreams.map((upstream) => upstream.close())]);
});
