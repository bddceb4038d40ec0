import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../scripts/stand-in-images/run.ts';
import { REASONS } from '../../src/tools/reasons.ts';
import { PrometheusApi } from './harness/prometheus-api.ts';
import { waitUntil } from '../support/wait.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 300_000;

const project = `nexus-mcp-demo-test-${process.pid}`;
/** Free ports, so that a demonstration that someone looks at is left alone. */
const PORTS = { NEXUS_PORT: '0', PROMETHEUS_PORT: '0', ALERTMANAGER_PORT: '0', GRAFANA_PORT: '0' };

/** What a person may have exported for a project of their own. */
const FOREIGN = { COMPOSE_PROJECT_NAME: `foreign-${process.pid}`, COMPOSE_FILE: '/nonexistent/compose.yaml' };

const startDemo = (project: string): ChildProcess =>
  spawn(process.execPath, ['scripts/demo.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...PORTS, ...FOREIGN, DEMO_PROJECT: project },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

let demo: ChildProcess;
const lines: string[] = [];
let ended: Promise<[number | null]>;
const addressOf = (what: string): string => {
  const line = lines.find((said) => said.startsWith(`${what} `)) ?? '';
  return line.slice(what.length).trim();
};

beforeAll(async () => {
  demo = startDemo(project);
  ended = once(demo, 'close') as Promise<[number | null]>;
  for (const stream of [demo.stdout, demo.stderr])
    if (stream) createInterface(stream).on('line', (line) => lines.push(line));
  await waitUntil(() => demo.exitCode !== null || lines.some((line) => line.includes('Ctrl-C')), {
    timeout: START_MS,
    interval: 200,
  });
  expect(demo.exitCode, lines.join('\n')).toBeNull();
}, START_MS);

afterAll(async () => {
  demo.kill('SIGTERM');
  await ended;
}, 60_000);

it('says where everything is, and in one line if it does without Grafana', async () => {
  expect(await (await fetch(`${addressOf('Server')}/`)).json()).toMatchObject({ ready: true });
  const grafana = lines.filter((line) => line.includes('Grafana'));
  expect(grafana).toHaveLength(1);
  expect(grafana[0]).toMatch(/^(Grafana +http:|Without Grafana, because its image cannot be had: .)/);
});

it('is a project of its own, whatever Compose finds in the environment', async () => {
  const running = (name: string): Promise<string> =>
    run('docker', ['ps', '--quiet', '--filter', `label=com.docker.compose.project=${name}`]);
  expect(await running(project)).not.toBe('');
  expect(await running(FOREIGN.COMPOSE_PROJECT_NAME)).toBe('');
});

it('has calls of every outcome in Prometheus, by clients of both eras and of REST', async () => {
  const prometheus = new PrometheusApi(addressOf('Prometheus'));
  const positive = async (query: string, label: string): Promise<string[]> =>
    (await prometheus.query(`${query} > 0`)).map(({ labels }) => labels[label] ?? '').sort();
  await expect
    .poll(() => positive('sum by (reason) (mcp_tool_errors_total)', 'reason'), { timeout: 90_000 })
    .toEqual([...REASONS].sort());
  expect(await positive('sum by (status) (mcp_tool_calls_total)', 'status')).toEqual(['error', 'success']);
  const versions = await positive('sum by (protocol_version) (mcp_requests_total)', 'protocol_version');
  expect(versions).toEqual(['2025-11-25', '2026-07-28']);
  expect(
    await positive('sum by (http_route) (http_server_request_duration_seconds_count)', 'http_route'),
  ).toContain('/execute');
  expect(await positive('mcp_active_sessions', 'job')).toEqual(['nexus-mcp']);
}, 120_000);

it('evaluates our rules, and has an Alertmanager to tell', async () => {
  const prometheus = new PrometheusApi(addressOf('Prometheus'));
  await expect
    .poll(async () => new Set((await prometheus.rules()).map(({ health }) => health)))
    .toContain('ok');
  // What is evaluated every few minutes may still be unknown.
  const rules = await prometheus.rules();
  expect(rules.filter(({ health }) => health === 'err')).toEqual([]);
  expect(rules.filter(({ type }) => type === 'alerting').length).toBeGreaterThan(10);
  const answer = await fetch(`${prometheus.url}/api/v1/alertmanagers`);
  const { data } = (await answer.json()) as { data: { activeAlertmanagers: unknown[] } };
  expect(data.activeAlertmanagers).toHaveLength(1);
  expect((await fetch(`${addressOf('Alertmanager')}/-/ready`)).ok).toBe(true);
}, 60_000);

it('stops at Ctrl-C, and leaves no container, network or volume', async () => {
  demo.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  const label = `label=com.docker.compose.project=${project}`;
  for (const what of [
    ['ps', '--all', '--quiet'],
    ['network', 'ls', '--quiet'],
    ['volume', 'ls', '--quiet'],
  ])
    expect(await run('docker', [...what, '--filter', label]), what[0]).toBe('');
}, 60_000);

it(
  'stops in order when its terminal is closed, too',
  async () => {
    const other = startDemo(`${project}-closed`);
    const said: string[] = [];
    if (other.stdout) createInterface(other.stdout).on('line', (line) => said.push(line));
    const closed = once(other, 'close');
    await waitUntil(() => said.length > 0 || other.exitCode !== null, { timeout: START_MS });
    other.kill('SIGHUP');
    expect(await closed).toEqual([0, null]);
    expect(said.at(-1)).toBe('Stopping');
  },
  START_MS,
);
