import { CLIENT_FAULTS } from '../../src/monitoring/metrics/upstream-metrics.ts';
import { lastLines, mostOf, OF_SERVICE, statusOf, TEXT, type Alert } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { all, matchers, maxBy, oneOf, PromQL, SERVICE, sumBy } from './promql.ts';

const MINUTE = 60;
const HOUR = 3600;

export const UPSTREAM = `${SERVICE}, upstream`;

/** Calls that were sent to upstreams; and those of them that failed through no fault of who made them. */
export const CALLS = 'mcp_method_name="tools/call"';
export const FAILED_CALLS = matchers(CALLS, oneOf('error_type', CLIENT_FAULTS));

/** What upstreams list and is left out, though nobody wants that. */
export const UNWANTED = 'reason!="excluded"';

/** Selects the lines of the log that are about the upstream of the alert. */
const OF_UPSTREAM = `grep '"upstream":"{{ $labels.upstream }}"'`;

/** What the status page has of the alert's upstream; an answer without upstreams, such as that it wants a token, as it is. */
const STATE_OF_UPSTREAM =
  'if .upstreams then .upstreams[] | select(.name == "{{ $labels.upstream }}") else . end';

/** The other MCP servers whose tools are offered. */
export function upstreamAlerts(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  return [down(promql), failing(promql, parameters), dropped(promql), definitionChanged(promql)];
}

/** The share of five minutes that each is up, as the instance sees it that reaches it worst; it is too low. */
function isDown(promql: PromQL): string {
  // The share of the time: one that comes and goes is not well either.
  const isUp = promql.series('mcp_upstream_state', 'state="up"');
  const inTime = `avg_over_time(${isUp}[${promql.duration(5 * MINUTE)}])`;
  return `min by (${UPSTREAM}) (\n${promql.ofTargets(inTime)}\n) < 0.5`;
}

function down(promql: PromQL): Alert {
  return {
    name: 'NexusMCPUpstreamDown',
    severity: 'warning',
    expr: isDown(promql),
    forSeconds: 180,
    keepFiringForSeconds: 300,
    summary: 'An upstream is not up.',
    description: `Upstream {{ $labels.upstream }} of ${TEXT.service} was up for only ${TEXT.percent} of the last 5 minutes, as seen by the instance with the worst connection. Its tools stay listed, if it ever was up, and their calls fail as unavailable or timeout. The server says in which state it is, and why. First: ${statusOf(STATE_OF_UPSTREAM, ...mostOf(`1 - avg_over_time(mcp_upstream_state{${OF_SERVICE}, upstream=%q, state="up"}[5m])`, '$labels.upstream'))}`,
    dashboard: 'fleet',
  };
}

function failing(promql: PromQL, { upstreamErrorRatio, minimumBadCalls }: Parameters): Alert {
  const count = (which: string): string =>
    sumBy(UPSTREAM, promql.increase('mcp_client_operation_duration_seconds_count', 15 * MINUTE, which));
  const failed = count(FAILED_CALLS);
  const condition = all(
    `${failed} / (${count(CALLS)} > 0) > ${upstreamErrorRatio}`,
    `${failed} >= ${minimumBadCalls}`,
  );
  return {
    name: 'NexusMCPUpstreamFailing',
    severity: 'warning',
    threshold: 'upstreamErrorRatio',
    expr: `(\n${condition}\n)\nunless\n${isDown(promql)}`,
    forSeconds: 300,
    keepFiringForSeconds: 600,
    summary: 'Many calls to an upstream fail, although it is up.',
    description: `${TEXT.percent} of the calls that ${TEXT.service} sent to upstream {{ $labels.upstream }} in the last 15 minutes timed out, got no answer, or ended in an internal error of the upstream. Agents that need its tools are stuck. First: ${TEXT.logs} | grep upstream | grep '{{ $labels.upstream }}' | ${lastLines('time, msg, tool, reason, why, error: (.err.message? // .err)')}`,
    dashboard: 'fleet',
  };
}

function dropped(promql: PromQL): Alert {
  const always = `min_over_time(${promql.series('mcp_upstream_tools_dropped', UNWANTED)}[${promql.duration(5 * MINUTE)}])`;
  return {
    name: 'NexusMCPUpstreamToolsDropped',
    severity: 'warning',
    expr: `${maxBy(`${UPSTREAM}, reason`, `\n${promql.ofTargets(always)}\n`)} > 0`,
    forSeconds: 900,
    keepFiringForSeconds: 600,
    summary: 'Tools that an upstream lists are not offered.',
    description: `For 5 minutes or more ${TEXT.service} has left out tools that upstream {{ $labels.upstream }} lists: ${TEXT.number} for the reason {{ $labels.reason }}. Agents do not see them. First: ${TEXT.allLogs} | grep 'tools that are not offered' | ${OF_UPSTREAM} | ${lastLines('time, dropped, left_out')}`,
    dashboard: 'fleet',
  };
}

/** The most of all instances: each of them sees the same changes. */
function definitionChanged(promql: PromQL): Alert {
  const changes = promql.increase('mcp_upstream_definition_changes_total', HOUR);
  return {
    name: 'NexusMCPUpstreamDefinitionChanged',
    severity: 'info',
    expr: `round(${maxBy(UPSTREAM, changes)}) > 0`,
    forSeconds: 60,
    summary: 'An upstream has changed the description of a tool.',
    description: `Upstream {{ $labels.upstream }} of ${TEXT.service} changed the descriptions, schemas or annotations of ${TEXT.number} tools within an hour. Models act on what they read there; whoever approved these tools approved the former text. First: ${TEXT.allLogs} | grep 'changed the descriptions' | ${OF_UPSTREAM} | ${lastLines('time, changed_tools')}`,
    dashboard: 'fleet',
  };
}
