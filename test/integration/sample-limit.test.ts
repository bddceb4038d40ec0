import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SAMPLE_LIMIT } from '../../alerts/source/parameters.ts';
import { expose } from '../../src/monitoring/metrics/exposition.ts';
import { PROTOCOL_VERSIONS } from '../../src/monitoring/metrics/labels.ts';
import { metricsHandler } from '../../src/monitoring/metrics/metrics-handler.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { recordOf } from '../support/call-records.ts';
import { waitUntil } from '../support/wait.ts';
import { Prometheus } from './harness.ts';
import { HOST_NAME, LISTEN_ADDRESS } from './harness/host.ts';

/** The metrics of 500 tools that were called in every revision with every outcome. */
let server: Server;
let prometheus: Prometheus;

const OUTCOMES = [
  { isError: false },
  { isError: true },
  { isError: false, errorCode: -32_603 },
  { isError: false, errorCode: -32_000 },
];

beforeAll(async () => {
  const { metrics, registry } = createMetrics();
  const names = Array.from({ length: 500 }, (_, index) => `tool-${index}`);
  const recorder = new Recorder(metrics);
  for (const name of names) recorder.addTool({ name, toolset: 'shop', source: 'module', isolation: 'none' });
  for (const tool of names)
    for (const protocolVersion of PROTOCOL_VERSIONS)
      for (const outcome of OUTCOMES) {
        recorder.started(tool, 0);
        recorder.finished(recordOf(tool, 1, outcome.isError ? 'tool_error' : undefined));
        recorder.operation({
          ...{ method: 'tools/call', protocolVersion, transport: 'http', tool, seconds: 1 },
          ...outcome,
        });
      }
  const handler = metricsHandler((format) => expose(registry, format, () => performance.now() / 1000));
  server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, LISTEN_ADDRESS, resolve));
  const { port } = server.address() as AddressInfo;
  const scrape = (job: string, limit: number): string =>
    `- { job_name: ${job}, sample_limit: ${limit}, scrape_interval: 5s, static_configs: [{ targets: ['${HOST_NAME}:${port}'] }] }`;
  prometheus = await Prometheus.start({
    scrapeConfigs: [scrape('wide', SAMPLE_LIMIT), scrape('narrow', 1000)].join('\n'),
    intervalSeconds: 5,
  });
});
afterAll(async () => {
  await prometheus.stop();
  server.close();
});

it('a scrape of 500 tools has the samples that were foretold, below the limit', async () => {
  const now = (query: string) => prometheus.value(query, Date.now() / 1000);
  await waitUntil(async () => (await now('up{job="wide"}')) === 1, { timeout: 60_000 });
  const samples = await now('scrape_samples_post_metric_relabeling{job="wide"}');
  expect(samples).toBe(await now('mcp_metrics_samples{job="wide"}'));
  // 41 from the start and 68 with use, of each tool.
  expect(samples).toBeGreaterThan(500 * 109);
  expect(samples).toBeLessThan((await now('mcp_metrics_samples_limit{job="wide"}')) ?? 0);
});

it('a scrape beyond the limit is dropped as a whole, and looks like an instance that is down', async () => {
  const now = (query: string) => prometheus.value(query, Date.now() / 1000);
  await waitUntil(async () => (await now('up{job="narrow"}')) === 0, { timeout: 60_000 });
  expect(await now('mcp_metrics_samples{job="narrow"}')).toBeUndefined();
  const narrow = (await prometheus.targets()).find(({ labels }) => labels['job'] === 'narrow');
  expect(narrow?.lastError).toContain('sample limit exceeded');
  // What was answered is still counted; the page about instances that are down reads it.
  expect(await now('scrape_samples_scraped{job="narrow"}')).toBeGreaterThan(500 * 109);
});
