import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ruleFile, ruleGroups } from '../../alerts/source/rules.ts';
import { documentedQueries, type DocumentedQuery } from '../alerts/documented-queries.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { FAULTS, healthyTraffic, type Fault } from './faults.ts';
import { Alertmanager, Prometheus, startWebhook } from './harness.ts';
import { HOST_NAME, LISTEN_ADDRESS } from './harness/host.ts';
import type { Webhook } from './harness/webhook.ts';
import { FIXTURE_TOOLS } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** One factor for every window, wait and interval of the rules: a minute becomes half a second. */
const TIME_SCALE = 1 / 120;
const INTERVAL_SECONDS = 0.5;

const RUNBOOKS = new URL('../../alerts/runbooks/', import.meta.url);
const EXAMPLE = new URL('../../alerts/alertmanager.example.yaml', import.meta.url);

/** Thresholds that are not times, so that no fault has to make a machine slow for everybody else. */
const PARAMETERS = {
  timeScale: TIME_SCALE,
  grafanaBaseUrl: 'http://grafana.example',
  toolLatencySeconds: 2,
  eventLoopLagSeconds: 0.1,
  eventLoopBlockedSeconds: 0.12,
  // A busy machine is late by seconds, which stand for minutes here; and a slow call is longer than the window of a stuck one.
  alerts: {
    NexusMCPCallsStuck: { forSeconds: 1800 },
    NexusMCPDown: { forSeconds: 480 },
    NexusMCPEventLoopBlocked: { forSeconds: 480 },
  },
};

/** Those that the faults need: scraping others twice a second is work that only makes the machine late. */
const TOOLS = ['echo', 'fails', 'throws', 'slow', 'blocks', 'exits'];

interface Patient {
  readonly fault: Fault;
  readonly job: string;
  server: ServerProcess;
}

let patients: Patient[];
let prometheus: Prometheus;
let alertmanager: Alertmanager;
let webhook: Webhook;
let stops: readonly (() => Promise<void>)[] = [];

async function start(fault: Fault, port = 0): Promise<ServerProcess> {
  const server = await startServer({
    args: [
      ...['--server.host', LISTEN_ADDRESS, '--server.port', String(port), '--server.allowedHosts', HOST_NAME],
      ...['--tools.modules', FIXTURE_TOOLS, '--tools.enabled', TOOLS.join(',')],
      ...['--limits.callsPerSecond', String(fault.callsPerSecond ?? 0)],
      ...(fault.args ?? []),
    ],
  });
  // Windows are shortened and a start is not: what it blocks would look like a fault.
  await waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${server.url}/metrics`)).text());
    expect(samples.value('nodejs_eventloop_lag_p99_seconds')).toBeLessThan(0.05);
  }, 60_000);
  return server;
}

beforeAll(async () => {
  patients = await Promise.all(
    FAULTS.map(async (fault) => ({ fault, job: `${fault.name}-nexus-mcp`, server: await start(fault) })),
  );
  webhook = await startWebhook();
  alertmanager = await Alertmanager.start(notifyingAtOnce(readFileSync(EXAMPLE, 'utf8'), webhook.url));
  prometheus = await Prometheus.start({
    intervalSeconds: INTERVAL_SECONDS,
    alertmanagers: [alertmanager.target],
    ruleFiles: { 'nexus-mcp.yaml': ruleFile(ruleGroups(PARAMETERS), TIME_SCALE) },
    scrapeConfigs: stringify(
      patients.map(({ job, server }) => ({
        job_name: job,
        static_configs: [{ targets: [`${HOST_NAME}:${server.port}`] }],
      })),
    ),
  });
  await prometheus.catchUp();
}, 180_000);

afterAll(async () => {
  await Promise.all([
    ...patients.map(({ server }) => server.stop('SIGKILL')),
    prometheus.stop(),
    alertmanager.stop(),
  ]);
  await webhook.stop();
});

/** The example configuration, with the webhook behind every receiver and no time spent on grouping. */
function notifyingAtOnce(example: string, url: string): string {
  const config = parse(example) as { route: Route; receivers: { name: string }[] };
  const hurry = (route: Route): Route => ({
    ...route,
    group_wait: '0s',
    group_interval: '1s',
    ...(route.routes && { routes: route.routes.map(hurry) }),
  });
  const receivers = config.receivers.map(({ name }) => ({
    name,
    webhook_configs: [{ url, send_resolved: true }],
  }));
  return stringify({ ...config, global: { resolve_timeout: '5s' }, route: hurry(config.route), receivers });
}

interface Route {
  readonly routes?: readonly Route[];
  readonly [key: string]: unknown;
}

/** `name severity` of the alerts that reached the webhook for a job, whatever became of them. */
const notified = (job: string): ReadonlySet<string> =>
  new Set(
    webhook.notifications
      .flatMap(({ alerts }) => alerts)
      .filter(({ labels }) => labels['job'] === job)
      .map(({ labels }) => `${labels['alertname'] ?? ''} ${labels['severity'] ?? ''}`),
  );

const BUDGET_SPENT = 'NexusMCPErrorBudgetExhausted info';

/** What reached the webhook for a job and is no alert of its fault. */
const unexpected = (): readonly string[] =>
  patients.flatMap(({ job, fault }) => {
    const spent = fault.spendsBudget ? [BUDGET_SPENT] : [];
    const allowed = new Set([...fault.notifies, ...(fault.mayNotify ?? []), ...spent]);
    return [...notified(job)].filter((name) => !allowed.has(name)).map((name) => `${job}: ${name}`);
  });

const RESTART = 'asks about a restart, which comes with recovery';

/** Why a query of the documents may answer nothing here. */
const SILENT: readonly (readonly [RegExp, string])[] = [
  [/ offset 1d/, 'asks about yesterday'],
  [/^min_over_time\(mcp_tool_calls_in_flight\{.*\[10m\]\) > 0$/, 'answers only after ten minutes'],
  [/^changes\(process_start_time_seconds/, RESTART],
  [/^predict_linear\(/, 'answers only when the heap will be full within an hour'],
  [/^mcp_worker_pool_waiting\{.*> 0$/, 'answers only when all workers are busy'],
];
const reasonForSilence = (query: string): string | undefined =>
  SILENT.find(([pattern]) => pattern.test(query))?.[1];

let unanswered = documentedQueries();

async function withoutAnswer(queries: readonly DocumentedQuery[]): Promise<readonly DocumentedQuery[]> {
  const answers = await Promise.all(queries.map(({ query }) => prometheus.query(query)));
  return queries.filter((_query, index) => answers[index]?.length === 0);
}

const firing = async (): Promise<readonly string[]> =>
  (await prometheus.alerts())
    // A spent budget stays spent for 30 days, and says so to nobody.
    .filter(({ state, labels }) => state === 'firing' && labels['severity'] !== 'info')
    .map(({ labels }) => `${labels['job'] ?? ''}: ${labels['alertname'] ?? ''} ${labels['severity'] ?? ''}`);

describe(`injected faults, with all windows shortened by ${1 / TIME_SCALE}`, () => {
  it('reach the pager under exactly the names of their alerts, with links that lead somewhere', async () => {
    stops = await Promise.all(patients.map(({ fault, server }) => fault.inject(server)));
    await waitFor(
      () => {
        for (const { job, fault } of patients) {
          expect([...notified(job)].sort(), job).toEqual(expect.arrayContaining([...fault.notifies].sort()));
        }
      },
      { timeout: 90_000, interval: 500 },
    );
    expect(unexpected()).toEqual([]);
    for (const { annotations, labels } of webhook.notifications.flatMap(({ alerts }) => alerts)) {
      expect(basename(annotations['runbook_url'] ?? '')).toBe(`${labels['alertname'] ?? ''}.md`);
      expect(readFileSync(new URL(basename(annotations['runbook_url'] ?? ''), RUNBOOKS), 'utf8')).toContain(
        '## Diagnosis',
      );
      const dashboard = new URL(annotations['dashboard_url'] ?? '');
      expect(dashboard.searchParams.get('var-job')).toBe(labels['job']);
      expect(annotations['description']).toMatch(/\d.*First: /s);
      expect(annotations['description']).not.toMatch(/<error|<no value|%!/);
    }
  }, 150_000);

  it('give every documented query something to answer', async () => {
    await waitFor(
      async () => {
        unanswered = await withoutAnswer(unanswered);
        expect(unanswered.filter(({ query }) => reasonForSilence(query) === undefined)).toEqual([]);
      },
      { timeout: 60_000, interval: 2000 },
    );
    const questionable = await Promise.all(
      documentedQueries().map(async ({ place, query }) => ({
        place,
        remarks: await prometheus.annotations(query),
      })),
    );
    expect(questionable.filter(({ remarks }) => remarks.length > 0)).toEqual([]);
  }, 90_000);

  it('clear after recovery', async () => {
    await Promise.all(stops.map((stop) => stop()));
    for (const patient of patients) {
      if (!patient.fault.kills) continue;
      patient.server = await start(patient.fault, patient.server.port);
    }
    const traffic = await Promise.all(patients.map(({ server }) => healthyTraffic(server)));
    await waitFor(
      async () => {
        expect(await firing()).toEqual([]);
      },
      { timeout: 400_000, interval: 1000 },
    );
    await waitFor(
      async () => {
        const active = await alertmanager.alerts();
        const audible = active.filter(({ labels }) => labels['severity'] !== 'info');
        expect(audible.map(({ labels }) => `${labels['job'] ?? ''} ${labels['alertname'] ?? ''}`)).toEqual(
          [],
        );
      },
      { timeout: 60_000, interval: 1000 },
    );
    await Promise.all(traffic.map((stop) => stop()));
    expect(unexpected()).toEqual([]);
    const spent = patients.filter(({ job }) => notified(job).has(BUDGET_SPENT));
    expect(spent.map(({ fault }) => fault.name)).toEqual(
      FAULTS.filter(({ spendsBudget }) => spendsBudget).map(({ name }) => name),
    );
  }, 500_000);

  it('leave no documented query without an answer but those that have a reason', async () => {
    unanswered = await withoutAnswer(unanswered);
    expect(unanswered.map(({ query }) => reasonForSilence(query))).not.toContain(RESTART);
  });
});
