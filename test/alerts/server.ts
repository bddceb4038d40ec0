import { DURATION_BUCKETS } from '../../src/monitoring/metrics/bounds.ts';
import type { MetricName } from '../../src/monitoring/metrics/metrics.ts';
import {
  CONNECTION_CUT_REASONS,
  PEER_MESSAGES,
  PEER_OUTCOMES,
  SESSION_NOT_FOUND_REASONS,
  type ConnectionCutReason,
  type PeerOutcome,
  type SessionNotFoundReason,
} from '../../src/monitoring/metrics/labels.ts';
import { AUTH_FAILURE_REASONS, type KeyRefreshOutcome } from '../../src/authorization/labels.ts';
import { DROP_REASONS, type DropReason } from '../../src/upstream/labels.ts';
import { REASONS, UNKNOWN_TOOL, WORKER_RESTART_REASONS, type ErrorReason } from '../../src/tools/reasons.ts';
import {
  counter,
  gauge,
  round,
  secondsOf,
  sum,
  type Grid,
  type Sample,
  type Series,
  type Time,
  type Values,
} from './series.ts';

/** Calls of a tool that end alike and take equally long. */
export interface Calls {
  readonly outcome: 'success' | ErrorReason;
  readonly seconds: number;
  readonly counts: Values;
}

export interface Tool {
  readonly name: string;
  readonly calls: readonly Calls[];
  readonly inFlight: Values;
}

/** Reasons of calls that never reach the tool's code, so that no duration is observed. */
const NOT_RUN: ReadonlySet<string> = new Set([
  'invalid_arguments',
  'unknown_tool',
  'denied',
  'overloaded',
  'rate_limited',
]);

export const calls = (outcome: Calls['outcome'], counts: Values, seconds = 0.02): Calls => ({
  outcome,
  seconds,
  counts,
});

export const tool = (name: string, ...all: readonly Calls[]): Tool => ({
  name,
  calls: all,
  inFlight: gauge({ is: 0 }),
});

const NOTHING = counter({ perSecond: 0 });
const add = (all: readonly Calls[]): Values => sum(NOTHING, ...all.map(({ counts }) => counts));

/** The seconds that calls took, added up. */
const timeOf =
  ({ counts, seconds }: Calls): Values =>
  (grid) =>
    counts(grid).map((sample) => (typeof sample === 'number' ? sample * seconds : sample));

/** The series of a tool, as one scrape of the server has them: whatever is bounded exists from the start. */
function toolSeries(
  { name: tool_name, calls: all, inFlight }: Tool,
  durationBuckets: readonly number[],
): readonly Series[] {
  const labels = { tool_name };
  const ran = all.filter(({ outcome }) => !NOT_RUN.has(outcome));
  const reasons = tool_name === UNKNOWN_TOOL ? (['unknown_tool'] as const) : REASONS;
  const count = (name: string, more: Record<string, string>, values: Values): Series => ({
    name,
    labels: { ...labels, ...more },
    kind: 'counter',
    values,
  });
  const outcomes = [
    count('mcp_tool_calls_total', { status: 'error' }, add(all.filter((some) => some.outcome !== 'success'))),
    ...reasons.map((reason) =>
      count('mcp_tool_errors_total', { reason }, add(all.filter(({ outcome }) => outcome === reason))),
    ),
  ];
  if (tool_name === UNKNOWN_TOOL) return outcomes;
  const bounds = [...DURATION_BUCKETS, ...durationBuckets, Infinity];
  return [
    ...outcomes,
    count(
      'mcp_tool_calls_total',
      { status: 'success' },
      add(all.filter((some) => some.outcome === 'success')),
    ),
    ...bounds.map((bound) =>
      count(
        'mcp_tool_duration_seconds_bucket',
        { le: bound === Infinity ? '+Inf' : String(bound) },
        add(ran.filter(({ seconds }) => seconds <= bound)),
      ),
    ),
    count('mcp_tool_duration_seconds_count', {}, add(ran)),
    count('mcp_tool_duration_seconds_sum', {}, sum(NOTHING, ...ran.map(timeOf))),
    { name: 'mcp_tool_calls_in_flight', labels, kind: 'gauge', values: inFlight },
  ];
}

type GaugeName =
  | Extract<
      MetricName,
      | 'mcp_active_sessions'
      | 'mcp_sessions_limit'
      | 'mcp_active_subscriptions'
      | 'mcp_subscriptions_limit'
      | 'mcp_token_file_current'
      | 'mcp_build_info'
      | 'nodejs_eventloop_utilization'
      | 'nodejs_heap_size_limit_bytes'
    >
  | 'nodejs_eventloop_lag_p99_seconds'
  | 'nodejs_heap_size_used_bytes'
  | 'process_max_fds'
  | 'process_open_fds'
  | 'scrape_samples_post_metric_relabeling'
  | 'scrape_samples_scraped'
  | 'up';

const HEALTHY: Readonly<Record<GaugeName, number>> = {
  up: 1,
  scrape_samples_scraped: 1200,
  scrape_samples_post_metric_relabeling: 1200,
  mcp_build_info: 1,
  mcp_token_file_current: 1,
  mcp_active_sessions: 3,
  mcp_sessions_limit: 1000,
  mcp_active_subscriptions: 0,
  mcp_subscriptions_limit: 1000,
  nodejs_eventloop_utilization: 0.1,
  nodejs_eventloop_lag_p99_seconds: 0.012,
  nodejs_heap_size_used_bytes: 60e6,
  nodejs_heap_size_limit_bytes: 500e6,
  process_open_fds: 40,
  process_max_fds: 1024,
};

/** Another MCP server, as one process sees it. What is not said of it is healthy, and idle. */
export interface Upstream {
  /** Whether it is up; where it is not, it is down. */
  readonly up?: Values;
  /** Calls sent to it, by their `error_type`; `success` for those that did not fail. */
  readonly calls?: Readonly<Record<string, Values>>;
  readonly dropped?: Readonly<Partial<Record<DropReason, Values>>>;
  readonly definitionChanges?: Values;
}

/** A process of the server under one target. What is not said of it is healthy, and idle. */
interface Server {
  readonly instance?: string;
  readonly tools?: readonly Tool[];
  /** The buckets that it has for slow tools. */
  readonly durationBuckets?: readonly number[];
  readonly gauges?: Readonly<Partial<Record<GaugeName, Values>>>;
  readonly notFound?: Readonly<Partial<Record<SessionNotFoundReason, Values>>>;
  /** Requests of MCP that were answered with 503; while there was none there is no series. */
  readonly turnedAway?: Values;
  readonly evicted?: Values;
  readonly resumed?: Values;
  /** Cancellations that were passed to other replicas. */
  readonly cancellations?: Readonly<Partial<Record<PeerOutcome, Values>>>;
  readonly authFailures?: Readonly<Partial<Record<(typeof AUTH_FAILURE_REASONS)[number], Values>>>;
  readonly connectionsCut?: Readonly<Partial<Record<ConnectionCutReason, Values>>>;
  readonly workerRestarts?: Readonly<Partial<Record<(typeof WORKER_RESTART_REASONS)[number], Values>>>;
  readonly upstreams?: Readonly<Record<string, Upstream>>;
  /** When issuers give no keys, by issuer. */
  readonly issuers?: Readonly<Record<string, Outage>>;
  /** Audit events that were lost, and writes of them that failed; left out where none are written. */
  readonly audit?: { readonly lost?: Values; readonly failed?: Values };
  /** When Services were last listed to find upstreams; left out where none are looked for. */
  readonly listedServices?: Values;
  /** Metrics it does not expose. */
  readonly without?: readonly string[];
  /** When the target appears: its counters start then. */
  readonly from?: Time;
  /** When the target is gone. */
  readonly until?: Time;
  /** When the process starts again under the same target. */
  readonly restarts?: readonly Time[];
  /** Scrapes that fail. */
  readonly failedScrapes?: readonly Time[];
}

/** What Prometheus stores of a target whose scrape has failed. */
const OF_TARGET = new Set(['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling']);

const target = (instance: string) => ({ instance: `${instance}:9999`, pod: `nexus-mcp-${instance}` });

/** The labels that Prometheus gives to all series of a target. */
export const on = target;

/** What is counted of sessions: by their one transport here, HTTP, and of what closes them, what rules read. */
function sessionSeries({ turnedAway, evicted, resumed, cancellations = {} }: Server): readonly Series[] {
  const count = (name: string, labels: Record<string, string>, values: Values = NOTHING): Series => ({
    name,
    labels,
    kind: 'counter',
    values,
  });
  const refusal = { http_route: '/mcp', http_request_method: 'POST', http_response_status_code: '503' };
  return [
    ...(turnedAway ? [count('http_server_request_duration_seconds_count', refusal, turnedAway)] : []),
    count('mcp_sessions_closed_total', { transport: 'http', reason: 'evicted' }, evicted),
    count('mcp_sessions_resumed_total', { transport: 'http' }, resumed),
    ...PEER_MESSAGES.flatMap((kind) =>
      PEER_OUTCOMES.map((outcome) =>
        count(
          'mcp_peer_messages_total',
          { kind, outcome },
          kind === 'cancellation' ? cancellations[outcome] : NOTHING,
        ),
      ),
    ),
  ];
}

const LISTED = 'mcp_discovery_last_sync_timestamp_seconds';

const discoverySeries = ({ listedServices }: Server): readonly Series[] =>
  listedServices ? [{ name: LISTED, labels: {}, kind: 'gauge', values: listedServices }] : [];

/** A time in which nothing succeeds; from the start, if it begins at 0. */
interface Outage {
  readonly from: Time;
  readonly until: Time;
}

const isWithin = (now: number, { from, until }: Outage): boolean =>
  now >= secondsOf(from) && now < secondsOf(until);

/** What succeeds so often, in seconds, but for an outage: `told` says a sample, by now and when it last did. */
const succeeding =
  (every: number, told: (now: number, last: number) => number) =>
  (outage: Outage): Values =>
  ({ samples, scrapeSeconds }) =>
    Array.from({ length: samples }, (_, index) => {
      const now = index * scrapeSeconds;
      const last = isWithin(now, outage) ? secondsOf(outage.from) : now;
      return told(now, Math.floor(last / every) * every);
    });

/** When Services were last listed, each minute but for an outage. */
export const listing = succeeding(60, (_now, last) => last);

/** The age of keys that are had every ten minutes, but for an outage. */
const keysAge = succeeding(600, (now, last) => now - last);

/** How often an issuer was asked for its keys every so many seconds, in its outage or else. */
const asked =
  (every: number, outage: Outage, isOut: boolean): Values =>
  ({ samples, scrapeSeconds }) =>
    Array.from(
      { length: samples },
      (_, index) =>
        Array.from(
          { length: Math.floor((index * scrapeSeconds) / every) + 1 },
          (_answer, k) => k * every,
        ).filter((moment) => isWithin(moment, outage) === isOut).length,
    );

const issuerSeries = ({ issuers = {} }: Server): readonly Series[] =>
  Object.entries(issuers).flatMap(([issuer, outage]): readonly Series[] => {
    const refreshes = (outcome: KeyRefreshOutcome, values: Values): Series => ({
      name: 'mcp_auth_key_refreshes_total',
      labels: { issuer, outcome },
      kind: 'counter',
      values,
    });
    return [
      {
        name: 'mcp_auth_keys_age_seconds',
        labels: { issuer },
        kind: 'gauge',
        values: keysAge(outage),
      },
      refreshes('success', asked(600, outage, false)),
      // As seldom as ever after failures.
      refreshes('unreachable', asked(300, outage, true)),
      refreshes('empty', NOTHING),
    ];
  });

const auditSeries = ({ audit }: Server): readonly Series[] =>
  audit
    ? [
        {
          name: 'mcp_audit_events_total',
          labels: { outcome: 'lost' },
          kind: 'counter',
          values: audit.lost ?? NOTHING,
        },
        {
          name: 'mcp_audit_write_errors_total',
          labels: {},
          kind: 'counter',
          values: audit.failed ?? NOTHING,
        },
      ]
    : [];

/** What rules read of upstreams. */
const upstreamSeries = ({ upstreams = {} }: Server): readonly Series[] =>
  Object.entries(upstreams).flatMap(
    ([upstream, { up, calls: sent = {}, dropped = {}, definitionChanges }]) => [
      {
        name: 'mcp_upstream_state',
        labels: { upstream, state: 'up' },
        kind: 'gauge',
        values: up ?? gauge({ is: 1 }),
      },
      ...DROP_REASONS.map((reason): Series => {
        const values = dropped[reason] ?? gauge({ is: 0 });
        return { name: 'mcp_upstream_tools_dropped', labels: { upstream, reason }, kind: 'gauge', values };
      }),
      {
        name: 'mcp_upstream_definition_changes_total',
        labels: { upstream },
        kind: 'counter',
        values: definitionChanges ?? NOTHING,
      },
      ...Object.entries(sent).map(([type, values]): Series => ({
        name: 'mcp_client_operation_duration_seconds_count',
        labels: {
          upstream,
          mcp_method_name: 'tools/call',
          ...(type !== 'success' && { error_type: type }),
        },
        kind: 'counter',
        values,
        onUse: true,
      })),
    ],
  );

export function server(about: Server = {}): readonly Series[] {
  const { tools = [tool('echo')], gauges = {}, restarts = [], without = [] } = about;
  const { durationBuckets = [] } = about;
  const reasoned = (
    name: string,
    reasons: readonly string[],
    values: Readonly<Record<string, Values | undefined>>,
  ): readonly Series[] =>
    reasons.map((reason) => ({
      name,
      labels: { reason },
      kind: 'counter',
      values: values[reason] ?? NOTHING,
    }));
  const started: Values = ({ samples, scrapeSeconds }) =>
    Array.from({ length: samples }, (_, index) =>
      Math.max(0, ...restarts.map(secondsOf).filter((start) => start <= index * scrapeSeconds)),
    );
  const all: readonly Series[] = [
    ...Object.entries(HEALTHY).map(([name, is]): Series => {
      const values = gauges[name as GaugeName] ?? gauge({ is });
      return { name, labels: {}, kind: 'gauge', values };
    }),
    { name: 'process_start_time_seconds', labels: {}, kind: 'gauge', values: started },
    ...tools.flatMap((each) => toolSeries(each, durationBuckets)),
    ...sessionSeries(about),
    ...upstreamSeries(about),
    ...discoverySeries(about),
    ...issuerSeries(about),
    ...auditSeries(about),
    ...reasoned('mcp_session_not_found_total', SESSION_NOT_FOUND_REASONS, about.notFound ?? {}),
    ...reasoned('mcp_auth_failures_total', AUTH_FAILURE_REASONS, about.authFailures ?? {}),
    ...reasoned('http_server_connections_cut_total', CONNECTION_CUT_REASONS, about.connectionsCut ?? {}),
    ...reasoned('mcp_worker_restarts_total', WORKER_RESTART_REASONS, about.workerRestarts ?? {}),
  ];
  return all
    .filter(({ name }) => !without.includes(name))
    .map((series) => ({
      ...series,
      labels: { ...target(about.instance ?? 'a'), ...series.labels },
      values: (grid) => live(series, about, grid),
    }));
}

/** What Prometheus stores of a series, given when its target was there, restarted and could be scraped. */
function live(series: Series, life: Server, grid: Grid): readonly Sample[] {
  const samples = scraped(series, life, grid);
  if (!series.onUse) return samples;
  return samples.map((sample, at) => {
    if (sample !== 0) return sample;
    return typeof samples[at - 1] === 'number' && samples[at - 1] !== 0 ? 'stale' : '_';
  });
}

function scraped({ name, kind, values }: Series, life: Server, grid: Grid): readonly Sample[] {
  const samples = values(grid);
  const index = (time: Time): number => Math.ceil(secondsOf(time) / grid.scrapeSeconds);
  const first = index(life.from ?? '0s');
  const end = life.until === undefined ? Infinity : index(life.until);
  const starts = [first, ...(life.restarts ?? []).map(index)];
  const failed = new Set((life.failedScrapes ?? []).map(index));
  return samples.map((sample, at) => {
    if (at < first || at > end) return '_';
    if (at === end) return 'stale';
    if (failed.has(at)) return OF_TARGET.has(name) ? 0 : 'stale';
    if (kind === 'gauge') return sample;
    const startedAt = Math.max(...starts.filter((start) => start <= at));
    // What was counted before the first scrape of all is kept.
    return startedAt === 0 ? sample : round(Number(sample) - Number(samples[startedAt]));
  });
}
