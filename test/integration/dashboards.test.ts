import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ruleFile, ruleGroups } from '../../alerts/source/rules.ts';
import { TURNED_AWAY } from '../../alerts/source/sessions.ts';
import { REASONS } from '../../src/tools/reasons.ts';
import { COMMITTED, labelValuesOf, type Committed, type Target } from '../dashboards/committed.ts';
import { interpolate, type Choice } from '../dashboards/interpolate.ts';
import { connectClient } from '../support/clients.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { answer, RawUpstream, refuse } from '../support/raw-upstream.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { FIXTURE_TOOLS } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { Prometheus } from './harness.ts';
import { HOST_NAME, LISTEN_ADDRESS } from './harness/host.ts';
import type { Sample } from './harness/prometheus-api.ts';
import { execute, makeCalls } from './traffic.ts';

/** One factor for every window, wait and interval of the rules: a minute becomes half a second. */
const TIME_SCALE = 1 / 120;
const INTERVAL_SECONDS = 0.5;

const TOKEN = 'a-token-that-may-use-few-tools';
const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
writeFileSync(tokensFile, `- {name: narrow, token: ${TOKEN}, tools: [echo]}\n`);

interface Service {
  readonly labels: { readonly job: string; readonly cluster?: string; readonly namespace?: string };
  readonly args: readonly string[];
}

/** Where services of the same job, with the same instances, are elsewhere. */
const ELSEWHERE = [{ cluster: 'us(2)' }, { namespace: 'others' }] as const;

/** One whose labels have characters that mean something in expressions, and two without some labels. */
const SERVICES = {
  busy: {
    labels: { job: 'busy.nexus-mcp', cluster: 'eu(1)', namespace: 'agents+tools' },
    args: ['--limits.callsPerSecond', '0', '--tools.settings', '{slow: {timeoutSeconds: 6}}'],
  },
  guarded: {
    labels: { job: 'guarded.nexus-mcp', namespace: 'guards' },
    args: ['--auth.tokensFile', tokensFile, '--limits.callsPerSecond', '0.01', '--limits.burst', '2'],
  },
  crowded: {
    labels: { job: 'crowded.nexus-mcp' },
    args: ['--limits.callsPerSecond', '0', '--limits.concurrency', '1', '--limits.queue', '0'],
  },
} satisfies Record<string, Service>;
type ServiceName = keyof typeof SERVICES;

/** Its calls fail in turn, and one of its tools is left out. */
const upstream = new RawUpstream();
upstream.tools = ['works', 'works'];
upstream.behaviour['tools/call'] = (message, response) =>
  upstream.count('tools/call') % 2 === 0
    ? answer(response, message, { content: [] })
    : refuse(response, message, -32_603);

const servers = {} as Record<ServiceName, ServerProcess>;
let prometheus: Prometheus;
/** When everything had been done and scraped. */
let time: number;
let stopFailing: () => Promise<void> = () => Promise.resolve();

const targetOf = (name: ServiceName): string => `${HOST_NAME}:${servers[name].port}`;

beforeAll(async () => {
  const upstreams = JSON.stringify([{ name: 'notebook', url: await upstream.listen() }]);
  await Promise.all(
    Object.entries(SERVICES).map(async ([name, { args }]) => {
      const network = ['--server.host', LISTEN_ADDRESS, '--server.allowedHosts', HOST_NAME];
      servers[name as ServiceName] = await startServer({
        args: [
          ...network,
          '--tools.modules',
          FIXTURE_TOOLS,
          ...args,
          ...(name === 'busy' ? ['--upstreams', upstreams] : []),
        ],
      });
    }),
  );
  prometheus = await Prometheus.start({
    intervalSeconds: INTERVAL_SECONDS,
    ruleFiles: { 'nexus-mcp.yaml': ruleFile(ruleGroups({ timeScale: TIME_SCALE }), TIME_SCALE) },
    scrapeConfigs: stringify([
      ...Object.entries(SERVICES).map(
        ([
          name,
          {
            labels: { job, ...labels },
          },
        ]) => ({
          job_name: job,
          static_configs: [{}, ...(name === 'busy' ? ELSEWHERE : [])].map((elsewhere) => ({
            targets: [targetOf(name as ServiceName)],
            labels: { ...labels, ...elsewhere },
          })),
        }),
      ),
      // A program that is not ours, with metrics of the same names.
      { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] },
    ]),
  });
  await prometheus.catchUp();
  await makeCalls(servers.busy.url);
  // Series that begin above 0 have risen only when they are scraped and rise again.
  await prometheus.catchUp();
  await makeCalls(servers.busy.url);
  await Promise.all([failInEveryWay(), keepConnections()]);
  stopFailing = keepFailing();
  await waitFor(
    async () => {
      const firing = await prometheus.query('ALERTS{alertname="NexusMCPOutage", alertstate="firing"}');
      const recorded = await prometheus.query('nexus_mcp:error_budget:remaining_ratio30d');
      expect({ firing: firing.length, recorded: recorded.length }).toEqual({
        firing: 1 + ELSEWHERE.length,
        recorded: 3 + ELSEWHERE.length,
      });
    },
    { timeout: 300_000, interval: 500 },
  );
  let scraped = false;
  const keepInFlight = async (): Promise<void> => {
    while (!scraped) await execute(servers.busy.url, 'slow', { milliseconds: 2000 });
  };
  const calling = Promise.all(Array.from({ length: 4 }, keepInFlight));
  await slowInFlight(4);
  time = await prometheus.catchUp();
  scraped = true;
  await calling;
}, 600_000);

afterAll(async () => {
  await stopFailing();
  await Promise.all([...Object.values(servers).map((server) => server.stop('SIGKILL')), prometheus.stop()]);
  await upstream.close();
});

/** Waits until as many calls of `slow` are in flight. */
const slowInFlight = (count: number): Promise<void> =>
  waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${servers.busy.url}/metrics`)).text());
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(count);
  });

/** Makes calls that end in every reason there is, and requests that are refused before they become calls. */
async function failInEveryWay(): Promise<void> {
  const { busy, guarded, crowded } = servers;
  const call = (server: ServerProcess, tool: string, args = {}, init: RequestInit = {}): Promise<unknown> =>
    fetch(`${server.url}/execute`, {
      method: 'POST',
      body: JSON.stringify({ tool_name: tool, arguments: args }),
      ...init,
      headers: {
        'content-type': 'application/json',
        ...(init.headers as Record<string, string> | undefined),
      },
    }).then((response) => response.arrayBuffer());
  const headers = { authorization: `Bearer ${TOKEN}` };
  const gone = new AbortController();
  await Promise.all([
    slowInFlight(2).then(() => {
      gone.abort();
    }),
    ...['fails', 'breaks_schema', 'hangs', 'unreachable', 'spins', 'exits'].map((tool) => call(busy, tool)),
    call(busy, 'slow', { milliseconds: 60_000 }),
    call(busy, 'slow', { milliseconds: 5500 }, { signal: gone.signal }).catch(() => undefined),
    // Two take all of the quota.
    call(guarded, 'add', { a: 1, b: 2 }, { headers })
      .then(() => call(guarded, 'echo', { text: 'hi' }, { headers }))
      .then(() => call(guarded, 'echo', { text: 'hi' }, { headers })),
    call(guarded, 'echo', { text: 'hi' }, { headers: { authorization: 'Bearer guessed' } }),
    call(crowded, 'slow', { milliseconds: 1000 }),
    call(crowded, 'slow', { milliseconds: 1000 }),
    fetch(`${busy.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': 'a-session-that-ended',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    }),
  ]);
}

/** Lets a tool fail again and again, until told to stop. */
function keepFailing(): () => Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  const failing = Promise.all(
    [1, 2].map(async () => {
      while (!signal.aborted) {
        await execute(servers.busy.url, 'throws', {});
        await execute(servers.busy.url, 'notebook_works', {});
        await sleep(100, undefined, { signal }).catch(() => undefined);
      }
    }),
  );
  return async () => {
    abort.abort();
    await failing;
  };
}

/** A session and a subscription that stay. */
async function keepConnections(): Promise<void> {
  await connectClient(servers.busy.url, '2025-11-25');
  const { client } = await connectClient(servers.busy.url, '2026-07-28');
  await client.listen({ toolsListChanged: true });
}

/** What people choose at the top. */
const CHOICES: Readonly<Record<string, () => Readonly<Record<string, Choice>>>> = {
  nothing: () => ({ cluster: [], namespace: [], job: [], instance: [], tool_name: [] }),
  all: () => ({}),
  'one of each': () => ({
    cluster: [SERVICES.busy.labels.cluster],
    namespace: [SERVICES.busy.labels.namespace],
    job: [SERVICES.busy.labels.job],
    instance: [targetOf('busy')],
    tool_name: ['slow'],
  }),
  'several of each': () => ({
    namespace: [SERVICES.busy.labels.namespace, SERVICES.guarded.labels.namespace],
    job: [SERVICES.busy.labels.job, SERVICES.guarded.labels.job],
    instance: [targetOf('busy'), targetOf('guarded')],
    tool_name: ['slow', 'throws'],
  }),
};

/** What is compared with the day before is asked of the second before. */
const withoutHistory = (expr: string): string => expr.replaceAll('offset 1d', 'offset 1s');

const ask = (
  expr: string,
  { variables }: Pick<Committed, 'variables'>,
  choices: Readonly<Record<string, Choice>> = {},
  rateInterval?: string,
): Promise<Sample[]> =>
  prometheus.query(withoutHistory(interpolate(expr, variables, choices, rateInterval)), time);

/** What there is nothing of to show here, and why. */
const SILENT: ReadonlyMap<string, string> = new Map([
  [TURNED_AWAY, 'no server here is full of sessions that are in use'],
  ['mcp_discovery_', 'no server here looks for upstreams'],
  ['mcp_audit_', 'no server here writes audit events'],
  ['mcp_auth_key', 'no server here has issuers of access tokens'],
  ['mcp_upstream_transitions_total', 'the only upstream was up before Prometheus looked'],
  [
    'mcp_label_values_folded_total',
    'only requests with methods or revisions that nobody knows have values folded',
  ],
]);
const isSilent = (expr: string): boolean => [...SILENT.keys()].some((part) => expr.includes(part));

const hasData = (samples: readonly Sample[]): boolean => samples.some(({ value }) => !Number.isNaN(value));

describe.each(COMMITTED)('$uid, after calls that ended in every way', (dashboard) => {
  const { targets, variables } = dashboard;

  it.each(Object.keys(CHOICES))('has data in every panel with %s chosen', async (choice) => {
    const choices = CHOICES[choice]?.() ?? {};
    const empty: string[] = [];
    for (const { expr, place } of targets) {
      // The one that is chosen then has no token file.
      if (choice === 'one of each' && expr.includes('mcp_token_file_current')) continue;
      if (!isSilent(expr) && !hasData(await ask(expr, dashboard, choices))) empty.push(`${place}: ${expr}`);
    }
    expect(empty).toEqual([]);
  });

  it('has data over four scrapes, the least that Grafana looks at, in every panel that leaves nothing out', async () => {
    const empty: string[] = [];
    for (const { expr, place } of targets) {
      if (!expr.includes('$__rate_interval') || / >=? 0(?!\))/.test(expr)) continue;
      if (!hasData(await ask(expr, dashboard, {}, `${INTERVAL_SECONDS * 4 * 1000}ms`))) empty.push(place);
    }
    expect(empty).toEqual([]);
  });

  it('gives Prometheus nothing to remark on', async () => {
    for (const { expr, place } of targets) {
      expect(await prometheus.annotations(interpolate(expr, variables), time), place).toEqual([]);
    }
  });

  it('shows nothing of other programs', async () => {
    const others = await Promise.all(
      targets.map(async ({ expr, place }) => {
        const samples = await ask(expr, dashboard, { job: ['prometheus'] });
        return samples.some(({ value }) => value !== 0) ? [place] : [];
      }),
    );
    expect(others.flat()).toEqual([]);
    const all = await Promise.all(targets.map(({ expr }) => ask(expr, dashboard)));
    expect(all.flat().filter(({ labels }) => labels['job'] === 'prometheus')).toEqual([]);
  });

  it('offers values to choose in every variable', async () => {
    for (const variable of variables.slice(1)) {
      const { selector, label } = labelValuesOf(variable);
      const series = await prometheus.series(interpolate(selector, variables));
      const values = new Set(series.flatMap(({ [label]: value }) => value ?? []));
      expect(values.size, variable.name).toBeGreaterThan(0);
    }
  });

  it('gives every series a name of its own', async () => {
    for (const { expr, legendFormat = '', place, panel } of targets) {
      if (panel.type !== 'timeseries' && panel.type !== 'state-timeline') continue;
      const names = (await ask(expr, dashboard)).map(({ labels }) =>
        legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => labels[label] ?? ''),
      );
      expect(new Set(names).size, `${place}: ${names.join()}`).toBe(names.length);
    }
  });

  it('marks what happened, when it happened', async () => {
    for (const { name, target, useValueForTime = false } of dashboard.dashboard.annotations.list ?? []) {
      const samples = await ask((target as unknown as Target).expr, dashboard);
      expect(hasData(samples), name).toBe(true);
      // Of the minutes before, in milliseconds.
      for (const { value } of useValueForTime ? samples : []) {
        expect(value / 1000, name).toBeGreaterThan(time - 300);
        expect(value / 1000, name).toBeLessThan(time);
      }
    }
  });
});

describe('a person who opens the overview during a fault', () => {
  const [overview, tools] = COMMITTED as readonly [Committed, Committed, ...Committed[]];

  /** The answers to a panel's queries. */
  const panel = (dashboard: Committed, title: string, choices: Readonly<Record<string, Choice>> = {}) =>
    Promise.all(
      dashboard.targets
        .filter((target) => target.panel.title === title)
        .map(({ expr }) => ask(expr, dashboard, choices)),
    );

  it('sees that somebody is hurt', async () => {
    const [[failing]] = (await panel(overview, 'Is anyone hurt?')) as [Sample[]];
    expect(failing?.value).toBeGreaterThan(0.1);
  });

  it('sees which tool fails, and why', async () => {
    const [failed = [], shares = []] = await panel(overview, 'Which tool fails, and why?');
    const rows = failed
      .sort((a, b) => b.value - a.value)
      .map(({ labels }) => `${labels['tool_name'] ?? ''}: ${labels['reason'] ?? ''}`);
    expect(rows[0]).toBe('throws: exception');
    expect(rows).toEqual(
      expect.arrayContaining([
        'unreachable: unavailable',
        'hangs: timeout',
        'spins: timeout',
        'slow: timeout',
        'slow: overloaded',
        'add: denied',
        'echo: rate_limited',
        'unknown: unknown_tool',
      ]),
    );
    expect(new Set(failed.map(({ labels }) => labels['reason']))).toEqual(new Set(REASONS));
    const throws = shares.find(({ labels }) => labels['tool_name'] === 'throws');
    expect(throws?.value).toBeCloseTo(1);
  });

  it('sees which alerts fire', async () => {
    const [states = []] = await panel(overview, 'Which alerts fire?');
    const firing = states.filter(({ value }) => value === 2).map(({ labels }) => labels['alertname']);
    expect(firing).toContain('NexusMCPOutage');
    const [[pages]] = (await panel(overview, 'What fires now?')) as [Sample[]];
    expect(pages?.value).toBeGreaterThanOrEqual(1);
  });

  it('sees the tool alone after a click', async () => {
    const [reasons = []] = await panel(tools, 'Why do its calls fail?', { tool_name: ['throws'] });
    expect(reasons.map(({ labels }) => labels['reason'])).toEqual(['exception']);
    const [shares = []] = await panel(tools, 'How large a share fails?', { tool_name: ['throws'] });
    expect(new Set(shares.map(({ labels }) => labels['tool_name']))).toEqual(new Set(['throws']));
    // By service: others of the same job are elsewhere.
    expect(shares.length).toBe(1 + ELSEWHERE.length);
  });

  it('sees every tool in the table of all tools, with each of its columns', async () => {
    const [rates = [], bad = [], all = [], p95 = [], sizes = [], inFlight = []] = await panel(
      tools,
      'How is each tool?',
    );
    const names = (samples: readonly Sample[]) => samples.map(({ labels }) => labels['tool_name']);
    expect(names(rates)).toEqual(expect.arrayContaining(['add', 'throws', 'slow', 'json_format', 'unknown']));
    expect(names(inFlight).sort()).toEqual(
      names(rates)
        .filter((name) => name !== 'unknown')
        .sort(),
    );
    for (const column of [bad, all, p95]) expect(names(column)).toContain('throws');
    expect(names(sizes)).toContain('json_format');
  });
});
