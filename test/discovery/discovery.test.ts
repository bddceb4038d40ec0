import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpstreamReport, DiscoveryReport } from '../../src/upstream/labels.ts';
import { KubernetesApi } from '../support/kubernetes-api.ts';
import { call, initialize, post } from '../support/raw-session.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { V1Upstream } from '../support/v1-upstream.ts';
import { waitFor } from '../support/wait.ts';

/** Lists when a test wants it to. */
const DISCOVERY_PACE = { resync: 1, listAtLeast: 0, again: 0.05, againAtMost: 0.2, patience: 20 };

const api = new KubernetesApi();
const notebook = new V1Upstream();
let port: number;
let server: TestServer;

const toolNames = async (): Promise<readonly string[]> => {
  const listed = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] };
  return listed.tools.map(({ name }) => name);
};
const status = async () =>
  (await (await fetch(server.url, { headers: { accept: 'application/json' } })).json()) as {
    readonly upstreams: readonly UpstreamReport[];
    readonly discovery: DiscoveryReport;
    readonly verdict: { readonly headline: string };
  };
const outcomes = async (): Promise<Readonly<Record<string, number>>> => {
  const counted = (await server.scrape()).select('mcp_discovery_services').filter(({ value }) => value > 0);
  const entries = counted.map(({ labels, value }) => [labels['outcome'] ?? '', value] as const);
  return Object.fromEntries(entries) as Record<string, number>;
};

/** A Service behind which the notebook answers. */
const put = (name: string, further: object = {}): void => {
  api.put({ name, spec: { ports: [{ name: 'mcp', port }] }, ...further });
};

beforeAll(async () => {
  await api.listen();
  port = Number(new URL(await notebook.listen()).port);
  server = await startTestServer(
    {
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'static', url: `http://127.0.0.1:${port}/mcp` }],
      discovery: {
        enabled: true,
        kubeconfig: api.kubeconfig(),
        namespaces: ['tools', 'others'],
        labelSelector: 'nexus-mcp.io/upstream=true',
        resyncSeconds: 30,
        maxUpstreams: 2,
        timeoutSeconds: 20,
        maxConcurrency: 3,
      },
    },
    undefined,
    {},
    DISCOVERY_PACE,
  );
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await api.close();
  notebook.close();
});

describe('upstreams that are found in Kubernetes', () => {
  it('are offered beside those of the settings, and gone when the label is', async () => {
    put('weather');
    await waitFor(async () => {
      expect(await toolNames()).toEqual(expect.arrayContaining(['add', 'static_write', 'weather_write']));
    });
    const { status: answered, body } = await server.execute('weather_write', { line: 'a' });
    expect([answered, body.result]).toEqual([200, 'a']);
    const samples = await server.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'weather', state: 'up' })).toBe(1);
    expect(samples.value('mcp_upstream_transitions_total', { upstream: 'weather', state: 'down' })).toBe(0);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'weather_write', status: 'success' })).toBe(1);
    expect(await outcomes()).toEqual({ upstream: 1 });
    // Its calls may take longer than any other.
    expect(samples.select('mcp_tool_duration_seconds_bucket', { tool_name: 'add', le: '20' })).toHaveLength(
      1,
    );

    put('weather', { labels: {} });
    await waitFor(async () => {
      expect(await toolNames()).not.toContain('weather_write');
    });
    expect(await toolNames()).toContain('static_write');
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).not.toContain('weather');
    expect(text).toContain('mcp_upstream_state{upstream="static",state="up"} 1');
  });

  it('are asked at their cluster IP by the names of their Services', async () => {
    const raw = new RawUpstream();
    const asked: (readonly [string | undefined, string | undefined])[] = [];
    raw.behaviour['any'] = (message, response, { headers: { host } }) => {
      asked.push([message.method, host]);
      return raw.usual(message, response);
    };
    await raw.listen();
    api.put({ name: 'raw', spec: { ports: [{ name: 'mcp', port: raw.port }] } });
    await waitFor(async () => {
      expect(await toolNames()).toContain('raw_works');
    });
    const answered = [(await server.execute('raw_works')).status];
    for (const message of [initialize(), call(2, 'works')])
      answered.push((await post(`${server.url}/servers/raw`, message)).status);
    api.remove('raw');
    await waitFor(async () => {
      expect(await toolNames()).not.toContain('raw_works');
    });
    const name = `raw.tools.svc:${raw.port}`;
    await raw.close();
    expect(answered).toEqual([200, 200, 200]);
    const methods = asked.map(([method]) => method);
    expect(methods).toEqual(expect.arrayContaining(['server/discover', 'initialize', 'tools/list']));
    expect(methods.filter((method) => method === 'tools/call')).toHaveLength(2);
    for (const [method, host] of asked) expect([method, host]).toEqual([method, name]);
  });

  it('leave no series behind, however many come and go', async () => {
    const limit = (await server.scrape()).value('mcp_metrics_samples_limit');
    for (let each = 0; each < 5; each += 1) {
      put(`passing-${each}`);
      await waitFor(async () => {
        expect(await toolNames()).toContain(`passing-${each}_write`);
      });
      const samples = await server.scrape();
      expect(samples.value('mcp_metrics_samples')).toBeLessThan(
        samples.value('mcp_metrics_samples_limit') ?? 0,
      );
      api.remove(`passing-${each}`);
    }
    await waitFor(async () => {
      expect(await (await fetch(`${server.url}/metrics`)).text()).not.toContain('passing');
    });
    expect((await server.scrape()).value('mcp_metrics_samples_limit')).toBe(limit);
  });

  it('leave no lists, sessions or series behind when a label has come and gone a hundred times', async () => {
    /** What is open: a watch for each namespace, and the session with the upstream of the settings. */
    const isSettled = async (): Promise<void> => {
      expect([api.watchers, await api.connections(), notebook.sessions]).toEqual([2, 2, 1]);
    };
    await waitFor(isSettled);
    const [lists, opened, since] = [api.count('list'), notebook.notebooks.length, performance.now()];
    for (let flip = 0; flip < 100; flip += 1) {
      put('flipping', flip % 2 === 0 ? {} : { labels: {} });
      // Some are heard of before others come.
      if (flip % 5 === 0) await toolNames();
    }
    put('flipping');
    await waitFor(async () => {
      expect(await toolNames()).toContain('flipping_write');
    });
    put('flipping', { labels: {} });
    await waitFor(async () => {
      expect(await toolNames()).not.toContain('flipping_write');
      expect(await (await fetch(`${server.url}/metrics`)).text()).not.toContain('flipping');
      await isSettled();
    });
    const seconds = (performance.now() - since) / 1000;
    // For each namespace, those that are due anyway.
    expect(api.count('list') - lists).toBeLessThanOrEqual(2 * (2 + seconds / (0.9 * DISCOVERY_PACE.resync)));
    // It may come once a second, and is asked for its era in a session of its own.
    expect(notebook.notebooks.length - opened).toBeLessThanOrEqual(2 * (2 + seconds));
    api.remove('flipping');
  });

  it('are told of where they are refused: in the log, in metrics and at /', async () => {
    put('weather', { createdAt: '2026-11-02T00:00:00Z' });
    put('weather', { namespace: 'others', createdAt: '2026-11-01T00:00:00Z' });
    put('static');
    put('maps');
    put('news', { createdAt: '2026-11-03T00:00:00Z' });
    api.put({ name: 'headless', spec: { clusterIP: 'None' } });
    await waitFor(async () => {
      expect(await outcomes()).toEqual({ upstream: 2, name_taken: 2, limit: 1, address: 1 });
    });
    const { discovery, upstreams } = await status();
    expect(upstreams.map(({ name }) => name).toSorted()).toEqual(['maps', 'static', 'weather']);
    expect(discovery).toMatchObject({ upstreams: 2, refused_count: 4, why: '' });
    expect(discovery.refused.map(({ service }) => service).toSorted()).toEqual([
      'tools/headless',
      'tools/news',
      'tools/static',
      'tools/weather',
    ]);
    expect(server.logs).toContainEqual(
      expect.objectContaining({
        service: 'tools/weather',
        outcome: 'name_taken',
        why: 'others/weather, which is older, is weather',
        msg: 'a Service with the label is no upstream',
      }),
    );
    for (const name of ['maps', 'static', 'headless', 'news', 'weather']) api.remove(name);
    api.remove('weather', 'others');
    await waitFor(async () => {
      expect(await outcomes()).toEqual({});
    });
  });

  it('fill no log, however many are refused and however often why changes', async () => {
    const before = server.logs.length;
    const since = performance.now();
    for (let each = 0; each < 60; each += 1)
      api.put({ name: `headless-${each}`, spec: { clusterIP: 'None' } });
    await waitFor(async () => {
      expect(await outcomes()).toEqual({ address: 60 });
    });
    for (let each = 0; each < 60; each += 1) api.put({ name: `headless-${each}`, spec: { ports: [] } });
    await waitFor(async () => {
      expect(await outcomes()).toEqual({ port: 60 });
    });
    const told = server.logs.slice(before).filter(({ msg }) => String(msg).includes('with the label'));
    const spans = 1 + Math.floor((performance.now() - since) / 10_000);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(21 * (spans + 1));
    expect(told.some(({ more }) => Number(more) > 0)).toBe(true);
    for (let each = 0; each < 60; each += 1) api.remove(`headless-${each}`);
    await waitFor(async () => {
      expect(await outcomes()).toEqual({});
    });
  });

  it('stay when a role is taken away: metrics and / say since when, and why', async () => {
    put('weather');
    await waitFor(async () => {
      expect(await toolNames()).toContain('weather_write');
    });
    api.refuses.set('list', 403).set('watch', 403);
    api.endWatches();
    await waitFor(async () => {
      const samples = await server.scrape();
      expect(samples.value('mcp_discovery_errors_total', { reason: 'forbidden' })).toBeGreaterThan(2);
      expect((await status()).discovery).toMatchObject({
        upstreams: 1,
        why: expect.stringMatching(/may not list services in the namespace \w+; grant .*HTTP 403/) as string,
      });
      expect((await status()).discovery.age_seconds).toBeGreaterThan(1.5);
    });
    expect(await toolNames()).toContain('weather_write');
    const since = (await server.scrape()).value('mcp_discovery_last_sync_timestamp_seconds') ?? 0;
    expect(Date.now() / 1000 - since).toBeGreaterThan(1.5);
    expect(Date.now() / 1000 - since).toBeLessThan(120);
    // Of one namespace it may be known sooner than of the other.
    await waitFor(() => {
      const told = server.logs.filter(({ msg }) =>
        String(msg).startsWith('the Kubernetes API does not list'),
      );
      expect(told.map(({ namespace, reason }) => [namespace, reason].join(' ')).toSorted()).toEqual([
        'others forbidden',
        'tools forbidden',
      ]);
    });
    api.refuses.clear();
    await waitFor(async () => {
      expect((await status()).discovery).toMatchObject({ why: '' });
    });
    expect((await server.scrape()).value('mcp_discovery_last_sync_timestamp_seconds')).toBeGreaterThan(since);
    expect(server.logs).toContainEqual(
      expect.objectContaining({ msg: 'the Kubernetes API lists the Services again' }),
    );
  });

  it('are known though watches are forbidden: the log says what to grant, once, and when that is done', async () => {
    const lines = (start: string): readonly unknown[] =>
      server.logs
        .filter(({ msg }) => String(msg).startsWith(start))
        .map(({ why, namespace }) => why ?? namespace);
    const ofTools = (): number =>
      lines('the Kubernetes API does not report changes').filter((why) =>
        String(why).includes('in the namespace tools;'),
      ).length;
    const [before, toldBefore] = [
      lines('the Kubernetes API reports changes of Services again').length,
      ofTools(),
    ];
    api.refuses.set('watch', 403);
    api.endWatches();
    const lists = api.count('list');
    await waitFor(() => {
      // Lists that succeed are no end of it.
      expect(api.count('list')).toBeGreaterThan(lists + 6);
    });
    expect((await status()).discovery.why).toMatch(
      /may not watch services in the namespace \w+; grant list and watch/,
    );
    expect(ofTools()).toBe(toldBefore + 1);
    api.refuses.clear();
    await waitFor(() => {
      expect(lines('the Kubernetes API reports changes of Services again').length).toBeGreaterThan(before);
    });
    await waitFor(async () => {
      expect((await status()).discovery.why).toBe('');
    });
  });
});

it('a server starts while the Kubernetes API is away, and finds upstreams when it is there', async () => {
  const away = new KubernetesApi();
  await away.listen();
  const kubeconfig = away.kubeconfig();
  await away.close();
  away.put({ name: 'weather', spec: { ports: [{ name: 'mcp', port }] } });
  const started = await startTestServer(
    { discovery: { enabled: true, kubeconfig } },
    undefined,
    {},
    DISCOVERY_PACE,
  );
  expect((await fetch(`${started.url}/readyz`)).status).toBe(200);
  await away.listen();
  await waitFor(async () => {
    const samples = await started.scrape();
    expect(samples.value('mcp_upstream_state', { upstream: 'weather', state: 'up' })).toBe(1);
  });
  expect(await started.stop()).toBe(true);
  await away.close();
});

it('a token may have rights to upstreams that are yet to be found', async () => {
  const found = new KubernetesApi();
  await found.listen();
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  const tokens = [
    { name: 'ci', token: 'a-token-0123456789', tools: ['weather', 'maps_write'] },
    { name: 'other', token: 'another-token-0123456789', tools: ['add'] },
  ];
  writeFileSync(tokensFile, JSON.stringify(tokens));
  const started = await startTestServer(
    { discovery: { enabled: true, kubeconfig: found.kubeconfig() }, auth: { tokensFile } },
    undefined,
    {},
    DISCOVERY_PACE,
  );
  found.put({ name: 'weather', spec: { ports: [{ name: 'mcp', port }] } });
  found.put({ name: 'maps', spec: { ports: [{ name: 'mcp', port }] } });
  const seenBy = async ({ token }: { readonly token: string }): Promise<readonly string[]> => {
    const headers = { authorization: `Bearer ${token}` };
    const listed = (await (await fetch(`${started.url}/tools`, { headers })).json()) as {
      tools: { name: string }[];
    };
    return listed.tools.map(({ name }) => name).toSorted();
  };
  const [ci, other] = tokens;
  await waitFor(async () => {
    expect(ci && (await seenBy(ci))).toEqual([
      'maps_write',
      'weather_asks',
      'weather_fails',
      'weather_write',
    ]);
  });
  expect(other && (await seenBy(other))).toEqual(['add']);
  expect(await started.stop()).toBe(true);
  await found.close();
});

it('a kubeconfig that cannot be read is told at the start', async () => {
  await expect(
    startTestServer({ discovery: { enabled: true, kubeconfig: '/nowhere/config' } }),
  ).rejects.toThrow(/^discovery\.kubeconfig: \/nowhere\/config: cannot be read/);
});
