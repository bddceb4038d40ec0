import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { ruleFile, ruleGroups, type Rule, type RuleGroup } from '../../alerts/source/rules.ts';
import { documentedQueries, type DocumentedQuery } from '../alerts/documented-queries.ts';
import { secondsOf } from '../alerts/series.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { FIXTURE_TOOLS } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { FAULTS, healthyCalls, type Fault, type Ongoing } from './faults.ts';
import { Alertmanager, Prometheus, startWebhook } from './harness.ts';
import { Recording } from './harness/recording.ts';
import type { Webhook } from './harness/webhook.ts';
import { SaidTimes, STALE_DISCOVERY } from './stale-discovery.ts';
import { UPSTREAM_FAULTS } from './upstream-faults.ts';

const MINUTE = 60;
const HOUR = 3600;

/**
 * When, in seconds since the epoch, things are said to have happened, as far as Prometheus knows: it is given scrapes
 * of the real servers with these times. The budget adds up what was recorded by full hours, so one is within the fault.
 */
const FULL_HOUR = (Math.floor(Date.now() / 1000 / HOUR) - 9) * HOUR;
const FAULT = { from: FULL_HOUR - 20 * MINUTE, to: FULL_HOUR + 10 * MINUTE, step: MINUTE };
/** When servers that were killed are back. */
const BACK = { from: FAULT.to + 2 * MINUTE, to: FAULT.to + 2 * MINUTE, step: MINUTE };
/** So long after it that the fault has left every short window. */
const RECOVERY = { from: FULL_HOUR + 7 * HOUR, to: FULL_HOUR + 7 * HOUR + 42 * MINUTE, step: 2 * MINUTE };
/** Where rules look. Minutes later nothing has changed yet, however late this machine is. */
const BEFORE_FULL_HOUR = FULL_HOUR - 4 * MINUTE;
const DURING = FULL_HOUR + 1;
/** When people ask: what was recorded in the five minutes before is found. */
const ASKED = DURING + 5 * MINUTE;
const AFTER = RECOVERY.to - 10 * MINUTE;

/** What rules wait is shortened by this, as they look at moments: what they look back on is not. */
const WAIT_SCALE = 1 / 600;

const RUNBOOKS = new URL('../../alerts/runbooks/', import.meta.url);
const EXAMPLE = new URL('../../alerts/alertmanager.example.yaml', import.meta.url);

/** Blocking for half a second will do; calls that are slow only because this machine is are not as slow as this. */
const PARAMETERS = {
  grafanaBaseUrl: 'http://grafana.example',
  latency: { thresholdSeconds: 5 },
  toolLatencySeconds: 5,
  eventLoopBlockedSeconds: 0.5,
  // Where rules begin to look at another moment, what they record comes a few evaluations later.
  alerts: { NexusMCPRecordsMissing: { forSeconds: 86_400 } },
};

/** Those that the faults need. */
const TOOLS = ['echo', 'fails', 'throws', 'hangs', 'slow', 'blocks', 'exits'];

interface Patient {
  readonly fault: Fault;
  readonly job: string;
  server: ServerProcess;
}

let patients: Patient[];
let prometheus: Prometheus;
let alertmanager: Alertmanager;
let webhook: Webhook;
const saidTimes = new SaidTimes();

/** The same for all, whatever their deadlines are: some queries add them up. */
const BUCKETS = [30, 60];

/** The upstream of a fault, as settings name it. Whatever waits for it waits as long as it likes. */
const named = async ({ name, start: begin }: NonNullable<Fault['upstream']>) => ({
  name,
  url: await begin(),
  timeoutSeconds: 3600,
});

const start = async (fault: Fault, port = 0): Promise<ServerProcess> =>
  fault.start?.({
    tools: { enabled: TOOLS },
    limits: { callsPerSecond: 0 },
    metrics: { durationBuckets: BUCKETS },
  }) ??
  startServer({
    args: [
      ...['--server.port', String(port), '--tools.modules', FIXTURE_TOOLS, '--tools.enabled', TOOLS.join()],
      ...['--limits.callsPerSecond', '0', ...(fault.args ?? [])],
      ...(fault.upstream ? ['--upstreams', JSON.stringify([await named(fault.upstream)])] : []),
      ...['--metrics.durationBuckets', BUCKETS.join()],
    ],
  });

/** Scrapes all servers at the times of a phase, and before each scrape lets happen what does. */
async function record(
  recording: Recording,
  { from, to, step }: typeof FAULT,
  happens: (patient: Patient, index: number) => Promise<unknown>,
): Promise<void> {
  for (let time = from; time <= to; time += step) {
    saidTimes.note(time);
    await Promise.all(
      patients.map(async (patient, index) => {
        await happens(patient, index);
        const { url, port } = patient.server;
        const metrics = await fetch(`${url}/metrics`).then(
          async (response) => saidTimes.inMetrics(await response.text()),
          () => undefined,
        );
        recording.add({ job: patient.job, instance: `127.0.0.1:${port}` }, time, metrics);
      }),
    );
  }
}

/** What becomes of the servers before, during and after their faults. */
async function recordFaults(): Promise<Recording> {
  const recording = new Recording();
  const before = { ...FAULT, from: FAULT.from - MINUTE, to: FAULT.from - MINUTE };
  await record(recording, before, () => Promise.resolve());
  const begin = async ({ fault, server }: Patient): Promise<Ongoing> => fault.begin(server);
  const ongoing = await Promise.all(patients.map(begin));
  await record(recording, FAULT, async (_patient, index) => ongoing[index]?.step());
  await Promise.all(ongoing.map(async ({ end }) => end?.()));
  for (const patient of patients) {
    if (patient.fault.kills) patient.server = await start(patient.fault, patient.server.port);
  }
  const isCalm = ({ fault: { calm = healthyCalls }, server }: Patient): Promise<unknown> => calm(server);
  await record(recording, BACK, isCalm);
  await record(recording, RECOVERY, isCalm);
  return recording;
}

beforeAll(async () => {
  patients = await Promise.all(
    [...FAULTS, ...UPSTREAM_FAULTS, STALE_DISCOVERY].map(async (fault) => ({
      fault,
      job: `${fault.name}-nexus-mcp`,
      server: await start(fault),
    })),
  );
  const recording = await recordFaults();
  await Promise.all(patients.map(({ server }) => server.stop('SIGKILL')));
  await Promise.all(patients.map(async ({ fault }) => fault.upstream?.stop()));
  webhook = await startWebhook();
  alertmanager = await Alertmanager.start(notifyingAtOnce(readFileSync(EXAMPLE, 'utf8'), webhook.url));
  prometheus = await Prometheus.start({
    history: recording.openMetrics(),
    moment: BEFORE_FULL_HOUR,
    alertmanagers: [alertmanager.target],
    ruleFiles: { 'nexus-mcp.yaml': ruleFile(ruleGroups(PARAMETERS).map(inHaste)) },
  });
  await waitFor(async () => {
    expect(await prometheus.query('nexus_mcp:tool_call_errors:increase1h', FULL_HOUR)).not.toEqual([]);
  }, 60_000);
  await prometheus.lookAt(DURING);
}, 1_200_000);

afterAll(async () => {
  await Promise.all([prometheus.stop(), alertmanager.stop(), webhook.stop()]);
});

/** A group that is evaluated every second, with waits that are as short in proportion. */
function inHaste({ name, rules }: RuleGroup): RuleGroup {
  const shortened = (wait: string): string => `${Math.ceil(secondsOf(wait) * WAIT_SCALE * 1000)}ms`;
  const hurry = ({ for: pending, keep_firing_for: kept, ...rule }: Rule): Rule => ({
    ...rule,
    ...(pending !== undefined && { for: shortened(pending) }),
    ...(kept !== undefined && { keep_firing_for: shortened(kept) }),
  });
  return { name, interval: '1s', rules: rules.map(hurry) };
}

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
  return stringify({ ...config, route: hurry(config.route), receivers });
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

/** What must reach the webhook for a fault. */
const expected = ({ notifies, spendsBudget }: Fault): readonly string[] => [
  ...notifies,
  ...(spendsBudget ? [BUDGET_SPENT] : []),
];

/** What reached the webhook for a job and is no alert of its fault. */
const unexpected = (): readonly string[] =>
  patients.flatMap(({ job, fault }) => {
    const allowed = new Set([...expected(fault), ...(fault.mayNotify ?? [])]);
    return [...notified(job)].filter((name) => !allowed.has(name)).map((name) => `${job}: ${name}`);
  });

const RESTART = 'asks about a restart, which comes with recovery';

/** Why a query of the documents may answer nothing here. */
const SILENT: readonly (readonly [RegExp, string])[] = [
  [/ offset 1d/, 'asks about yesterday'],
  [/^changes\(process_start_time_seconds/, RESTART],
  [/^predict_linear\(/, 'answers only when the heap will be full within an hour'],
  [/^mcp_token_file_current\{/, 'asks about a token file, which no server here has'],
  [/mcp_audit_/, 'asks about audit events, which no server here writes'],
  [/mcp_auth_key/, 'asks about issuers of access tokens, which no server here has'],
  [/reason="keys_unavailable"/, 'asks about issuers of access tokens, which no server here has'],
  [
    /http_server_connections_cut_total\{/,
    'asks about connections that were cut, and no client here is hostile',
  ],
  [/mcp_peer_messages_total\{.*> 0$/, 'asks about messages between replicas, and every server here is alone'],
  [/^scrape_samples_scraped\{.*and up/, 'asks about scrapes that are dropped, and every limit here is wide'],
  [/^mcp_worker_pool_waiting\{.*> 0$/, 'answers only when all workers are busy'],
];
const reasonForSilence = (query: string): string | undefined =>
  SILENT.find(([pattern]) => pattern.test(query))?.[1];

async function withoutAnswer(
  queries: readonly DocumentedQuery[],
  moment: number,
): Promise<readonly DocumentedQuery[]> {
  const answers = await Promise.all(queries.map(({ query }) => prometheus.query(query, moment)));
  return queries.filter((_query, index) => answers[index]?.length === 0);
}

const PATIENCE = { timeout: 300_000, interval: 500 };

describe('injected faults, scraped at times that the test says,', () => {
  let unanswered = documentedQueries();

  it('reach the pager under exactly the names of their alerts, with links that lead somewhere', async () => {
    await waitFor(() => {
      for (const { job, fault } of patients) {
        expect([...notified(job)], job).toEqual(expect.arrayContaining([...expected(fault)]));
      }
    }, PATIENCE);
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
  }, 310_000);

  it('give every documented query something to answer', async () => {
    unanswered = await withoutAnswer(unanswered, ASKED);
    expect(unanswered.filter(({ query }) => reasonForSilence(query) === undefined)).toEqual([]);
    const questionable = await Promise.all(
      documentedQueries().map(async ({ place, query }) => ({
        place,
        remarks: await prometheus.annotations(query, ASKED),
      })),
    );
    expect(questionable.filter(({ remarks }) => remarks.length > 0)).toEqual([]);
  });

  it('clear after recovery', async () => {
    await prometheus.lookAt(AFTER);
    // A spent budget stays spent for 30 days, and says so to nobody.
    const ends = ({ alertname, severity }: Readonly<Record<string, string>>): boolean =>
      `${alertname ?? ''} ${severity ?? ''}` !== BUDGET_SPENT;
    const named = (alerts: readonly { labels: Readonly<Record<string, string>> }[]): readonly string[] =>
      alerts
        .filter(({ labels }) => ends(labels))
        .map(({ labels }) => `${labels['job'] ?? ''} ${labels['alertname'] ?? ''}`);
    await waitFor(async () => {
      expect(named(await prometheus.alerts())).toEqual([]);
      expect(named(await alertmanager.alerts())).toEqual([]);
    }, PATIENCE);
    // Alertmanager forgets an alert before it tells the webhook that it is over.
    await waitFor(() => {
      for (const { job, fault } of patients) {
        const last = new Map(
          webhook.notifications
            .flatMap(({ alerts }) => alerts)
            .filter(({ labels }) => labels['job'] === job && ends(labels))
            .map(({ labels, status }) => [
              `${labels['alertname'] ?? ''} ${labels['severity'] ?? ''}`,
              status,
            ]),
        );
        for (const name of fault.notifies) expect(last.get(name), `${job}: ${name}`).toBe('resolved');
      }
    }, PATIENCE);
    expect(unexpected()).toEqual([]);
  }, 310_000);

  it('leave no documented query without an answer but those that have a reason', async () => {
    unanswered = await withoutAnswer(unanswered, BACK.to);
    expect(unanswered.map(({ query }) => reasonForSilence(query))).not.toContain(RESTART);
  });
});
