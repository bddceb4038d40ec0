import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WatchPace } from '../../src/kubernetes/watch-pace.ts';
import { ServiceWatch, type ServiceWatchOptions } from '../../src/kubernetes/service-watch.ts';
import type { Service } from '../../src/kubernetes/service.ts';
import { KubernetesApi, LABEL } from '../support/kubernetes-api.ts';
import { waitFor } from '../support/wait.ts';

/** Lists again only when a test wants it to. */
const SLOW: Partial<WatchPace> = {
  resync: 3600,
  listAtLeast: 0,
  again: 0.05,
  againAtMost: 0.1,
  patience: 30,
};

let api: KubernetesApi;
let watch: ServiceWatch;
let told: (readonly Service[])[];
let failures: string[];

const names = (): string =>
  (told.at(-1) ?? []).map(({ namespace, name }) => `${namespace}/${name}`).join(' ');

function start(options: Partial<ServiceWatchOptions> = {}): void {
  watch = new ServiceWatch({
    kubeconfig: api.kubeconfig(),
    namespaces: [],
    labelSelector: 'nexus-mcp.io/upstream=true',
    annotations: ['nexus-mcp.io/path'],
    pace: SLOW,
    now: () => performance.now() / 1000,
    random: () => 0.5,
    changed: (services) => told.push(services),
    succeeded: () => undefined,
    failed: ({ reason, message }, _verb, namespace) => failures.push(`${namespace}: ${reason}: ${message}`),
    ...options,
  });
  watch.start();
}

beforeEach(async () => {
  api = new KubernetesApi();
  told = [];
  failures = [];
  await api.listen();
});

afterEach(async () => {
  await watch.stop();
  await api.close();
});

describe('the Services with the label', () => {
  it('are those of the own namespace, with what was asked of them', async () => {
    api.put({ name: 'weather', annotations: { 'nexus-mcp.io/path': '/', other: 'x'.repeat(100_000) } });
    api.put({ name: 'shop', labels: { app: 'shop' } });
    api.put({ name: 'elsewhere', namespace: 'others' });
    start();
    await waitFor(() => {
      expect(told).toEqual([
        [
          {
            namespace: 'tools',
            name: 'weather',
            createdAt: '2026-11-01T00:00:00Z',
            type: 'ClusterIP',
            clusterIP: '127.0.0.1',
            ports: [{ name: 'http', port: 8000, protocol: 'TCP', appProtocol: '' }],
            annotations: { 'nexus-mcp.io/path': '/' },
          },
        ],
      ]);
    });
    expect(api.asked[0]?.token).toBe('Bearer a-token');
  });

  it('come, change and go as they do in the cluster, without another list', async () => {
    start();
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    api.put({ name: 'weather' });
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    api.put({ name: 'weather', annotations: { 'nexus-mcp.io/path': '/new' } });
    await waitFor(() => {
      expect(told.at(-1)?.[0]?.annotations).toEqual({ 'nexus-mcp.io/path': '/new' });
    });
    api.put({ name: 'weather', labels: {} });
    await waitFor(() => {
      expect(names()).toBe('');
    });
    api.put({ name: 'maps' });
    await waitFor(() => {
      expect(names()).toBe('tools/maps');
    });
    api.remove('maps');
    await waitFor(() => {
      expect(names()).toBe('');
    });
    expect([api.count('list'), failures]).toEqual([1, []]);
  });

  it('are told of together, when all namespaces were looked in', async () => {
    api.put({ name: 'weather', namespace: 'a' });
    api.put({ name: 'maps', namespace: 'b' });
    start({ namespaces: ['a', 'b', 'a'] });
    await waitFor(() => {
      expect(names()).toBe('a/weather b/maps');
    });
    expect(told).toHaveLength(1);
    expect(api.count('list')).toBe(2);
  });

  it('are read page by page, and of five thousand others none is', async () => {
    for (let each = 0; each < 5000; each += 1) api.put({ name: `other-${each}`, labels: { app: 'x' } });
    for (let each = 0; each < 45; each += 1) api.put({ name: `ours-${each}` });
    start();
    await waitFor(() => {
      expect(told.at(-1)).toHaveLength(45);
    });
    expect(api.count('list')).toBe(3);
  });

  it('are all read where each page takes a while: none is waited for longer than the patience says', async () => {
    for (let each = 0; each < 60; each += 1) api.put({ name: `ours-${each}` });
    api.pageTakes = 800;
    start({ pace: { ...SLOW, patience: 2 } });
    await waitFor(() => {
      expect(told.at(-1)).toHaveLength(60);
    });
  });

  it('are told of once a second, however often a label comes and goes', async () => {
    start();
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    const before = told.length;
    const since = performance.now();
    for (let flip = 0; flip < 100; flip += 1)
      api.put({ name: 'weather', labels: flip % 2 === 0 ? { app: 'weather' } : LABEL });
    api.put({ name: 'maps' });
    await waitFor(() => {
      expect(names()).toBe('tools/weather tools/maps');
    });
    expect(told.length - before).toBeLessThanOrEqual(2 + (performance.now() - since) / 1000);
    expect(api.count('list')).toBe(1);
  });
});

describe('what was last known stays', () => {
  beforeEach(() => {
    api.put({ name: 'weather' });
  });

  it('while the API is away; then it is known anew', async () => {
    start();
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    await api.close();
    await waitFor(() => {
      expect(failures.length).toBeGreaterThan(3);
    });
    expect(failures.at(-1)).toMatch(/^: unreachable: it cannot be reached \(ECONNREFUSED\)$/);
    expect(names()).toBe('tools/weather');
    api.put({ name: 'maps' });
    await api.listen();
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    api.put({ name: 'late' });
    await waitFor(() => {
      expect(names()).toContain('tools/late');
    });
  });

  it('when the API says that the state is too old, in either way; then it is listed', async () => {
    start();
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    api.watchError = 410;
    api.silently(() => {
      api.put({ name: 'maps' });
    });
    api.endWatches();
    await waitFor(() => {
      expect(names()).toBe('tools/weather tools/maps');
    });
    expect(failures[0]).toBe(': gone: HTTP 410: the API says 410');
    api.watchError = undefined;
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    const lists = api.count('list');
    api.refuses.set('watch', 410);
    api.endWatches();
    await waitFor(() => {
      expect(api.count('list')).toBeGreaterThan(lists);
    });
    expect(names()).toBe('tools/weather tools/maps');
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [429, 'unavailable'],
    [503, 'unavailable'],
    [404, 'other'],
  ])('when it answers %s', async (status, reason) => {
    start({ pace: { ...SLOW, resync: 0.2 } });
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    api.refuses.set('list', status).set('watch', status);
    api.silently(() => {
      api.remove('weather');
    });
    api.endWatches();
    await waitFor(() => {
      expect(failures.at(-1)).toContain(`: ${reason}: `);
      expect(failures.at(-1)).toContain(`HTTP ${status}: the API says ${status}`);
    });
    expect(names()).toBe('tools/weather');
    expect(watch.age).toBeGreaterThan(0);
    api.refuses.clear();
    await waitFor(() => {
      expect(names()).toBe('');
    });
  });

  it('when a watch says nothing any more: the next list tells', async () => {
    start({ pace: { ...SLOW, resync: 0.5, patience: 1 } });
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    api.isMute = true;
    api.put({ name: 'maps' });
    await waitFor(() => {
      expect(names()).toBe('tools/weather tools/maps');
    });
    expect(failures).toEqual([]);
  });

  it('when more have the label than are kept', async () => {
    start({ pace: { ...SLOW, resync: 0.2 } });
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    for (let each = 0; each < 1000; each += 1) api.put({ name: `many-${each}` });
    await waitFor(() => {
      expect(failures.at(-1)).toBe(': other: more than 1000 Services of a namespace have the label');
    });
    expect(told.at(-1)?.length).toBeLessThanOrEqual(1000);
  });

  it('when its list has no end', async () => {
    start({ pace: { ...SLOW, resync: 0.2 } });
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    api.isEndless = true;
    const lists = api.count('list');
    await waitFor(() => {
      expect(failures[0]).toBe(': other: its list has more than 60 pages of 20');
    });
    expect(names()).toBe('tools/weather');
    api.isEndless = false;
    expect(api.count('list') - lists).toBeGreaterThanOrEqual(60);
  });

  it('when it sends what is none of Kubernetes', async () => {
    start();
    await waitFor(() => {
      expect(api.watchers).toBe(1);
    });
    api.say({ type: 'ADDED', object: { metadata: { name: 7 } } });
    api.say({ type: 'ADDED' });
    api.say(['what']);
    api.put({ name: 'maps' });
    await waitFor(() => {
      expect(names()).toBe('tools/weather tools/maps');
    });
    expect(failures).toEqual([]);
  });
});

describe('it', () => {
  it('has one connection for each request, and leaves none', async () => {
    start({ pace: { ...SLOW, resync: 0.1, patience: 0.1 } });
    await waitFor(() => {
      expect(api.count('list')).toBeGreaterThan(5);
    });
    await waitFor(async () => {
      expect(await api.connections()).toBeLessThanOrEqual(1);
    });
    await watch.stop();
    await waitFor(async () => {
      expect(await api.connections()).toBe(0);
    });
  });

  it('says that it has no credentials, and takes them when they come', async () => {
    const tokenFile = join(mkdtempSync(join(tmpdir(), 'token-')), 'token');
    api.put({ name: 'weather' });
    start({ kubeconfig: api.kubeconfig({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } }) });
    await waitFor(() => {
      expect(failures[0]).toBe(`: other: there are no credentials for it: ${tokenFile} (ENOENT)`);
    });
    writeFileSync(tokenFile, 'late-token');
    await waitFor(() => {
      expect(names()).toBe('tools/weather');
    });
    expect(api.asked[0]?.token).toBe('Bearer late-token');
  });

  it('takes the credentials that are there when those it had are refused: in the kubeconfig, and in a file that it names', async () => {
    const tokenFile = join(mkdtempSync(join(tmpdir(), 'token-')), 'token');
    writeFileSync(tokenFile, 'first');
    const users = [
      (token: string) => ({ token }),
      (token: string) => {
        writeFileSync(tokenFile, token);
        return { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
      },
    ];
    for (const userOf of users) {
      api.knows = 'first';
      const kubeconfig = api.kubeconfig(userOf('first'));
      start({ kubeconfig, pace: { ...SLOW, resync: 0.1 } });
      await waitFor(() => {
        expect(watch.age).toBeLessThan(Infinity);
      });
      api.knows = 'second';
      await waitFor(() => {
        expect(failures.at(-1)).toMatch(/unauthorized/);
      });
      api.kubeconfig(userOf('second'), 'tools', kubeconfig);
      api.put({ name: 'weather' });
      await waitFor(() => {
        expect(names()).toBe('tools/weather');
      });
      api.remove('weather');
      await watch.stop();
      told = [];
      failures = [];
    }
  });

  it('says what is forbidden where, and what to grant', async () => {
    api.put({ name: 'weather' });
    api.refuses.set('watch', 403);
    start({ namespaces: ['tools'] });
    await waitFor(() => {
      expect(failures[0]).toBe(
        'tools: forbidden: its account may not watch services in the namespace tools; ' +
          'grant list and watch on services there, by a Role and a RoleBinding (HTTP 403: the API says 403)',
      );
    });
    // What lists say is known all the same.
    expect(names()).toBe('tools/weather');
  });

  it.each([429, 503])(
    'is not asked for as long as it says with %i, if that is not too long',
    async (status) => {
      api.refuses.set('list', status);
      api.retryAfter = 1;
      start();
      await waitFor(() => {
        expect(api.count('list')).toBe(2);
      });
      const [first = 0, second = 0] = api.asked.map(({ at }) => at);
      expect(second - first).toBeGreaterThan(990);
      await watch.stop();
      api.retryAfter = 3600;
      start({ pace: { ...SLOW, retryAfterAtMost: 0.1 } });
      await waitFor(() => {
        expect(api.count('list')).toBeGreaterThan(4);
      });
    },
  );

  it('says where no API is named, and of a kubeconfig no content', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'kubeconfig-')), 'config');
    writeFileSync(path, 'users: [secret: {');
    start({ kubeconfig: path });
    await waitFor(() => {
      expect(failures[0]).toMatch(/^: other: the kubeconfig cannot be read \([^)]*\)$/);
    });
    expect(failures.join()).not.toContain('secret');
  });

  it('says that no namespace is named', async () => {
    start({ kubeconfig: api.kubeconfig({}, '') });
    await waitFor(() => {
      expect(failures[0]).toBe(': other: the namespace of this pod is not known: set discovery.namespaces');
    });
  });

  it('ends at once when it is stopped, whatever it waits for', async () => {
    await api.close();
    start({ pace: { ...SLOW, again: 3600, againAtMost: 3600 } });
    await waitFor(() => {
      expect(failures).toHaveLength(1);
    });
    await watch.stop();
    await api.listen();
  });

  it('tells of nothing after it was stopped, even by what it tells', async () => {
    let lists = 0;
    start({
      succeeded: () => {
        lists += 1;
        void watch.stop();
      },
    });
    await waitFor(() => {
      expect(lists).toBe(1);
    });
    await watch.stop();
    // The timer that would tell runs out at once.
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(told).toEqual([]);
  });

  it('tells of nothing after it was stopped while the end of a list was read', async () => {
    for (let each = 0; each < 100; each += 1) {
      const events: string[] = [];
      const sent = new Promise<void>((resolve) => {
        api.sent = resolve;
      });
      start({ succeeded: (verb) => events.push(verb), changed: () => events.push('changed') });
      await sent;
      for (let turn = 0; turn < each % 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const stopped = watch.stop();
      const before = [...events];
      await stopped;
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(events).toEqual(before);
    }
  });
});

it('what answers with something else than HTTP is told of, and asked again', async () => {
  const strange = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  strange.listen(0, '127.0.0.1');
  await once(strange, 'listening');
  const { port } = strange.address() as AddressInfo;
  const kubeconfig = api.kubeconfig();
  writeFileSync(
    kubeconfig,
    readFileSync(kubeconfig, 'utf8').replace(/http:\/\/127\.0\.0\.1:\d+/, `http://127.0.0.1:${port}`),
  );
  start({ kubeconfig });
  await waitFor(() => {
    expect(failures.length).toBeGreaterThan(1);
  });
  expect(failures[0]).toBe(': other: its answer is not HTTP');
  strange.close();
});
