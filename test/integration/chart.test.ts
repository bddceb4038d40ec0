import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, one, render, type Manifest } from '../chart/helm.ts';
import { FIXTURE_TOOLS } from '../support/test-server.ts';
import { runPod, startPod, type Cluster, type RunningPod } from './harness/pod.ts';
import { scrapeConfigs } from './harness/service-monitor.ts';
import { Prometheus } from './harness.ts';
import { execute } from './traffic.ts';

const RELEASE = { release: 'agents', namespace: 'tools' } as const;
const TOKEN = 'a-token-of-the-tests-1234';
const VALUES = {
  toolModules: { files: { 'fixture-tools.ts': readFileSync(FIXTURE_TOOLS, 'utf8') } },
  config: { limits: { callsPerSecond: 0 } },
  monitoring: { monitor: { interval: '1s', scrapeTimeout: '1s' } },
};

/** The pod of a Deployment, a Pod or a CronJob. */
const templateOf = (manifests: readonly Manifest[], kind: 'Deployment' | 'Pod' | 'CronJob'): unknown => {
  const manifest = one(manifests, kind);
  const paths = { Deployment: 'spec.template', CronJob: 'spec.jobTemplate.spec.template' };
  return kind === 'Pod' ? manifest : at(manifest, paths[kind]);
};

describe('a release without values', () => {
  let manifests: readonly Manifest[];
  let pod: RunningPod;
  let prometheus: Prometheus;

  beforeAll(async () => {
    manifests = await render({ ...RELEASE, values: VALUES });
    pod = await startPod(templateOf(manifests, 'Deployment'), { manifests });
    const rules = stringify(one(manifests, 'PrometheusRule')['spec']);
    prometheus = await Prometheus.start({
      scrapeConfigs: scrapeConfigs(manifests, pod.ip),
      ruleFiles: { 'rules.yaml': rules.replaceAll(/interval: (30s|3m)$/gm, 'interval: 1s') },
    });
    await prometheus.catchUp();
  });

  afterAll(async () => {
    await prometheus.stop();
  });

  it('runs under the security context of the chart', async () => {
    const { stdout } = await pod.exec(['cat', '/proc/1/status']);
    for (const line of [
      'Uid:\t65532\t65532',
      'Gid:\t65532\t65532',
      'CapEff:\t0000000000000000',
      'NoNewPrivs:\t1',
    ]) {
      expect(stdout).toContain(line);
    }
    const write =
      'try { fs.writeFileSync("/app/x", "") } catch ({ code }) { console.log(code) } fs.writeFileSync("/tmp/x", "")';
    expect(await pod.exec(['node', '-e', write])).toMatchObject({ exitCode: 0, stdout: 'EROFS\n' });
  });

  it('has the heap that its memory leaves', async () => {
    const metrics = await (await fetch(`${pod.url('metrics')}/metrics`)).text();
    const heap = Number(/^nodejs_heap_size_limit_bytes (\S+)$/m.exec(metrics)?.[1]) / 1024 / 1024;
    // Three quarters of 1 GiB, without the heaps of two worker threads.
    expect(heap).toBe(512);
  });

  it('runs the tools of the module that the values hold', async () => {
    expect(await execute(pod.url('http'), 'slow', { milliseconds: 1 })).toBe(200);
  });

  it('keeps probes and metrics off the port of the clients', async () => {
    for (const path of ['/metrics', '/readyz']) {
      expect((await fetch(`${pod.url('http')}${path}`)).status).toBe(404);
      expect((await fetch(`${pod.url('metrics')}${path}`)).status).toBe(200);
    }
  });

  it('is found and scraped by its ServiceMonitor, under the labels that its rules select', async () => {
    const time = await prometheus.catchUp();
    await expect
      .poll(async () => (await prometheus.targets()).map(({ lastError }) => lastError))
      .toEqual(['']);
    const value = (query: string): Promise<number | undefined> => prometheus.value(query, time);
    const labels = 'job="agents-nexus-mcp", namespace="tools"';
    expect(await value(`up{${labels}}`)).toBe(1);
    expect(await value(`count(mcp_tool_calls_total{${labels}}) > 0`)).toBeGreaterThan(50);
    expect(await value('scrape_samples_post_metric_relabeling')).toBeLessThan(50_000);
  });

  it('has rules that Prometheus evaluates without an error', async () => {
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(40);
    await expect
      .poll(async () =>
        (await prometheus.rules()).filter(({ health }) => health !== 'ok').map(({ name }) => name),
      )
      .toEqual([]);
    await execute(pod.url('http'), 'slow', { milliseconds: 1 });
    await expect
      .poll(() => prometheus.value('nexus_mcp:tool_call_errors:ratio_rate5m{job="agents-nexus-mcp"}'))
      .toBe(0);
  });

  it('passes helm test, with the very command of its pod', async () => {
    const names = {
      'agents-nexus-mcp.tools.svc': pod.ip,
      'agents-nexus-mcp-metrics.tools.svc': pod.ip,
    };
    const { exitCode, lines } = await runPod(templateOf(manifests, 'Pod'), { manifests, names });
    expect(exitCode).toBe(0);
    await expect.poll(() => lines.at(-1)).toMatch(/^ok {4}counted/);
    expect(lines.filter((line) => !line.startsWith('ok'))).toEqual([]);
  });

  it('finishes a call within the grace period when it is told to stop', async () => {
    const slow = execute(pod.url('http'), 'slow', { milliseconds: 6000 });
    const metrics = async (): Promise<string> => (await fetch(`${pod.url('metrics')}/metrics`)).text();
    await expect.poll(metrics).toContain('mcp_tool_calls_in_flight{tool_name="slow"} 1');
    expect(await pod.stop()).toBe(0);
    expect(await slow).toBe(200);
  });
});

describe('a release with bearer tokens', () => {
  it('reads the Secrets it names, and its canary has the token it needs', async () => {
    const manifests = await render({
      ...RELEASE,
      values: {
        ...VALUES,
        auth: { tokensSecret: { name: 'tokens' } },
        stateKeySecret: { name: 'state' },
        probe: { tokenSecret: { name: 'probe' } },
        canary: { enabled: true },
      },
    });
    const secrets = {
      tokens: { 'tokens.yaml': stringify([{ name: 'probe', token: TOKEN }]) },
      state: { 'state-key': 'x'.repeat(48) },
      probe: { token: TOKEN },
    };
    const cluster: Cluster = { manifests, secrets };
    const pod = await startPod(templateOf(manifests, 'Deployment'), cluster);
    try {
      expect(await execute(pod.url('http'), 'add', { a: 1, b: 2 })).toBe(401);
      const names = { 'agents-nexus-mcp.tools.svc': pod.ip, 'agents-nexus-mcp-metrics.tools.svc': pod.ip };
      const canary = templateOf(manifests, 'CronJob');
      expect(await runPod(canary, { ...cluster, names })).toMatchObject({ exitCode: 0 });
      const wrong = {
        ...cluster,
        names,
        secrets: { ...secrets, probe: { token: 'not-the-token-of-tests' } },
      };
      const refused = await runPod(canary, wrong);
      expect(refused.exitCode).toBe(1);
      await expect.poll(() => refused.lines.join('\n')).toMatch(/FAIL.*401/);
    } finally {
      await pod.stop();
    }
  });
});

describe('a release with a PodMonitor', () => {
  it('is found by it as by a ServiceMonitor', async () => {
    const monitor = { kind: 'PodMonitor', interval: '1s', scrapeTimeout: '1s' };
    const manifests = await render({ ...RELEASE, values: { ...VALUES, monitoring: { monitor } } });
    const pod = await startPod(templateOf(manifests, 'Deployment'), { manifests });
    const prometheus = await Prometheus.start({ scrapeConfigs: scrapeConfigs(manifests, pod.ip) });
    try {
      const time = await prometheus.catchUp();
      expect(await prometheus.value('up{job="agents-nexus-mcp", namespace="tools"}', time)).toBe(1);
    } finally {
      await Promise.all([prometheus.stop(), pod.stop()]);
    }
  });
});
