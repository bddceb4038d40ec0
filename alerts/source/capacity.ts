import {
  answerOf,
  countedLines,
  HERE,
  mostOf,
  IN_FLIGHT,
  lastLines,
  metricsHere,
  OF_SERVICE,
  statusOf,
  TEXT,
  type Alert,
} from './alert.ts';
import type { Parameters } from './parameters.ts';
import type { AuthFailureReason } from '../../src/authorization/labels.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { all, any, INSTANCE, maxBy, PromQL, SERVICE, sumBy } from './promql.ts';

const FIVE_MINUTES = 300;
const QUARTER = 900;
const HOUR = 3600;
const DAY = 86_400;

/** Why a request is refused whose token nobody can verify. */
const NO_KEYS = 'keys_unavailable' satisfies AuthFailureReason;

/** Clients are turned away, or soon will be. */
export function capacityAlerts(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  const samples = promql.over('max', 'scrape_samples_scraped', 3600);
  // The service's, not the instance's: after a deploy no instance is a day old.
  const yesterday = maxBy(SERVICE, promql.over('max', 'scrape_samples_scraped', 3600, DAY));
  // Longer than the window: a burst that is over, such as the end of a pod, tells nobody anything.
  const waits = { forSeconds: 600, keepFiringForSeconds: 600 } as const;
  const refused = (reason: ErrorReason): string =>
    sumBy(SERVICE, promql.increase('mcp_tool_errors_total', FIVE_MINUTES, `reason="${reason}"`));
  return [
    {
      ...waits,
      name: 'NexusMCPOverloaded',
      severity: 'warning',
      threshold: 'overloadedCalls',
      expr: all(
        `${refused('overloaded')} > ${parameters.overloadedCalls}`,
        `${refused('overloaded')} / (${promql.accepted('increase', SERVICE, FIVE_MINUTES)} > 0) > ${parameters.overloadedRatio}`,
      ),
      summary: 'The server refuses calls because it is full.',
      description: `${TEXT.service} refused ${TEXT.number} calls as overloaded in 5 minutes, and this goes on: all places or worker threads are taken, and calls that wait get no place in time. First: ${statusOf(IN_FLIGHT, ...mostOf(`sum by (instance, pod) (rate(mcp_tool_errors_total{${OF_SERVICE}, reason="overloaded"}[5m]))`))}`,
      dashboard: 'overview',
    },
    {
      ...waits,
      name: 'NexusMCPClientsRateLimited',
      severity: 'warning',
      threshold: 'rateLimitedCalls',
      expr: `${refused('rate_limited')} > ${parameters.rateLimitedCalls}`,
      summary: 'Clients exceed their quota.',
      description: `${TEXT.service} refused ${TEXT.number} calls in 5 minutes from clients over their quota, and this goes on: an agent loops, many clients share one address, or the quota is too small. First: ${countedLines('.reason == "rate_limited" and .event == null', '.tool, .caller, .client_name')}`,
      dashboard: 'fleet',
    },
    {
      ...waits,
      name: 'NexusMCPAuthFailures',
      severity: 'warning',
      threshold: 'authFailures',
      // Without keys it is the fault of the issuer, and NexusMCPAuthKeysStale says so.
      expr: `${sumBy(`${SERVICE}, reason`, promql.increase('mcp_auth_failures_total', FIVE_MINUTES, `reason!="${NO_KEYS}"`))} > ${parameters.authFailures}`,
      summary: 'Many requests have bad credentials.',
      description: `${TEXT.service} refused ${TEXT.number} requests in 5 minutes for their credentials (reason {{ $labels.reason }}), and this goes on: a token was rotated on one side only, or somebody guesses tokens. The audit events say from where, in the log or in audit.file, if audit.enabled is set; if not, the access log of the proxy in front does. First: ${countedLines('.auth_failure', '.auth_failure, .address, .path, .caller')}`,
      dashboard: 'fleet',
    },
    {
      ...waits,
      name: 'NexusMCPConnectionsCut',
      severity: 'warning',
      threshold: 'connectionsCut',
      expr: `${sumBy(`${SERVICE}, reason`, promql.increase('http_server_connections_cut_total', FIVE_MINUTES))} > ${parameters.connectionsCut}`,
      summary: 'Connections of clients are cut or refused.',
      description: `${TEXT.service} cut or refused ${TEXT.number} connections in 5 minutes (reason {{ $labels.reason }}), and this goes on: clients do not read their answers, or open more connections than the server allows. First: ${countedLines('.address and .reason == "{{ $labels.reason }}"', '.reason, .address')}`,
      dashboard: 'fleet',
    },
    {
      name: 'NexusMCPTokenFileStale',
      severity: 'warning',
      // The most of some minutes, so that a scrape that fails does not begin them anew.
      expr: promql.ofTargets(`${promql.over('max', 'mcp_token_file_current', 300)} == 0`),
      forSeconds: 300,
      keepFiringForSeconds: 300,
      summary: 'The token file has changed and cannot be read.',
      description: `For 5 minutes or more {{ $labels.instance }} of ${TEXT.service} has used old tokens, because it cannot read its changed token file: new tokens are refused, and removed tokens still work. The log says once what is wrong with it; step 2 of the runbook has it said again. First: ${statusOf('.token_file // .', ...HERE)}`,
      dashboard: 'fleet',
    },
    keysStale(promql),
    {
      name: 'NexusMCPAuditEventsLost',
      severity: 'warning',
      // A write that failed once is tried again, and costs nothing.
      expr: any(
        `${sumBy(SERVICE, promql.increase('mcp_audit_events_total', QUARTER, 'outcome="lost"'))} > 0`,
        `${sumBy(SERVICE, promql.increase('mcp_audit_write_errors_total', FIVE_MINUTES))} > 0`,
      ),
      forSeconds: 300,
      keepFiringForSeconds: 300,
      summary: 'Audit events were lost, or cannot be written.',
      description: `${TEXT.service} has lost audit events in the last 15 minutes, or has not been able to write any for 5. Where audit.file is set, its disk is full, gone or too slow. Where it is not, nobody reads the log. 4 MiB of events wait to be written; those after them are lost. Calls go on. First: ${TEXT.allLogs} | grep 'audit events' | ${lastLines('time, msg, error: (.err.message? // .err)')}`,
      dashboard: 'fleet',
    },
    {
      name: 'NexusMCPSeriesGrowing',
      severity: 'warning',
      expr: promql.ofTargets(
        all(`${samples} > on (${SERVICE}) group_left () 2 * ${yesterday}`, `${samples} > 3000`),
      ),
      forSeconds: 1800,
      keepFiringForSeconds: 1800,
      summary: 'A scrape has become twice as large.',
      description: `{{ $labels.instance }} of ${TEXT.service} exposes ${TEXT.number} series, more than twice as many as any instance a day ago. Either there are new tools, or a label has too many values. First: ${answerOf('/metrics', `grep -v '^#' | sed '/^[{]/!s/[{ ].*//' | sort | uniq -c | sort -rn | head`, HERE)}`,
      dashboard: 'fleet',
    },
    {
      name: 'NexusMCPSamplesNearLimit',
      severity: 'warning',
      threshold: 'sampleRatio',
      expr: promql.ofTargets(
        `${promql.over('max', 'scrape_samples_post_metric_relabeling', FIVE_MINUTES)} / ${parameters.sampleLimit} > ${parameters.sampleRatio}`,
      ),
      forSeconds: 600,
      keepFiringForSeconds: 600,
      summary: 'A scrape is nearly as large as Prometheus accepts.',
      description: `A scrape of {{ $labels.instance }} of ${TEXT.service} has had ${TEXT.percent} of the samples that Prometheus accepts in one scrape, within the last 5 minutes. Above the limit Prometheus drops the whole scrape: the instance looks down, and no alert works for it. The server says how many samples there are now and can be at most; raise the limit (sample_limit; in the chart monitoring.monitor.sampleLimit) above the most. First: ${metricsHere('mcp_metrics_samples')}`,
      dashboard: 'fleet',
    },
  ];
}

/** Tokens of an issuer are refused, or will be. */
function keysStale(promql: PromQL): Alert {
  const ofIssuers = (condition: string): string =>
    maxBy(`${SERVICE}, issuer`, `\n${promql.ofTargets(condition)}\n`);
  const fetched = (which: string): string =>
    sumBy(`${INSTANCE}, issuer`, promql.increase('mcp_auth_key_refreshes_total', 2 * FIVE_MINUTES, which));
  const refused = promql.increase('mcp_auth_failures_total', FIVE_MINUTES, `reason="${NO_KEYS}"`);
  // An instance that gets keys refuses no more, whatever the window still has.
  const failures = `${fetched('outcome!="success"')}\nunless\n${fetched('outcome="success"')} > 0\nand on (${INSTANCE})\n${refused} > 0`;
  return {
    name: 'NexusMCPAuthKeysStale',
    severity: 'warning',
    expr: any(
      `${ofIssuers(failures)} > 0`,
      // The least of some minutes, so that a scrape that fails does not begin them anew, and one good answer ends it.
      `${ofIssuers(promql.over('min', 'mcp_auth_keys_age_seconds', FIVE_MINUTES))} > ${HOUR}`,
    ),
    // With the scrape that first sees a refusal, about five minutes.
    forSeconds: 240,
    keepFiringForSeconds: 300,
    summary: 'The keys of an issuer of access tokens cannot be fetched.',
    // Where tokens are refused the value is of a few failures, and otherwise an age.
    description: `{{ if gt $value ${HOUR}.0 }}An instance of ${TEXT.service} last got the keys of {{ $labels.issuer }} ${TEXT.duration} ago; it asks every few minutes. Old keys are used for auth.keysKeptSeconds (default: a day), then every token of this issuer is refused; an instance that starts meanwhile refuses them at once{{ else }}Tokens of {{ $labels.issuer }} are refused now, with 503: an instance of ${TEXT.service} has no keys to verify them with, and has fetched none within 10 minutes{{ end }}. First: ${TEXT.allLogs} | grep 'issuer does not give' | ${lastLines('time, issuer, outcome, why')}`,
    dashboard: 'fleet',
  };
}
