import { INSTANCE, maxBy, SERVICE } from '../../../alerts/source/promql.ts';
import { CALLS, FAILED_CALLS, UNWANTED, UPSTREAM } from '../../../alerts/source/upstreams.ts';
import type { Panel } from '../dashboard.ts';
import { GOOD, PARAMETERS, percent, TICKET, ticketFrom } from '../limits.ts';
import { count, increase, ours, over, quantile, rate, series, share, sum } from '../queries.ts';
import { NO_FAILURES, SERVICE_COLUMNS, SERVICE_LEGEND } from '../words.ts';

const FIVE_MINUTES = 300;
const QUARTER = 900;
const HOUR = 3600;
const IN_STATE = `${UPSTREAM}, state, fault`;

/** The state that each instance sees an upstream in, and why where it is not up. */
const STATE = `${ours(series('mcp_upstream_state'))} == 1`;
const FAULT = `${series('mcp_upstream_fault')} == 1`;
const NOW = `(${STATE}) * on (${INSTANCE}, upstream) group_left (fault) (${FAULT}) or on (${INSTANCE}, upstream) (${STATE})`;

/** Something of each upstream, with the state that it is in, and the most of all instances that see it so. */
const inState = (expression: string): string =>
  maxBy(IN_STATE, `${expression} * on (${INSTANCE}, upstream) group_left (state, fault) (${NOW})`);

const callsThat = (which: string): string =>
  sum(increase('mcp_client_operation_duration_seconds_count', QUARTER, which), UPSTREAM);

const NONE = 'There are no upstreams, or no data: see How many instances?';

/** The other MCP servers whose tools are offered. */
export const upstreams: readonly Panel[] = [
  {
    kind: 'state-timeline',
    title: 'Which upstreams are up?',
    description:
      'Upstreams, as the instance sees them that reaches them worst. Good: green. Not up: its tools stay listed and their calls fail as `unavailable`; the panel beside says in which state it is, since when and why; the status page and the log say why in words.',
    queries: [
      {
        expr: `min by (${UPSTREAM}) (${ours(series('mcp_upstream_state', 'state="up"'))})`,
        legend: `{{upstream}} ${SERVICE_LEGEND}`,
      },
    ],
    states: { 0: { text: 'not up', color: TICKET }, 1: { text: 'up', color: GOOD } },
    unit: 'none',
    noValue: NONE,
    alerts: ['NexusMCPUpstreamDown'],
    width: 10,
  },
  {
    kind: 'table',
    title: 'How is each upstream?',
    description:
      'Upstreams by state and why: how many instances see them so, for how long the first of them, and how many of its tools are offered and left out, without those that nobody wants. Good: all `up`, none left out. `down`: not found; `open`: calls fail; `unauthorized`: it refuses our credentials; `degraded`: some calls fail, or its list cannot be read. Why: `connection`, `timeout`, `server` (5xx), `broken` (no MCP), `refused` (4xx) and `unauthorized` (401, 403).',
    queries: [
      { expr: count(NOW, IN_STATE), legend: 'Instances' },
      {
        expr: inState(`(time() - ${series('mcp_upstream_last_transition_timestamp_seconds')})`),
        legend: 'For',
        unit: 's',
      },
      { expr: inState(series('mcp_upstream_tools')), legend: 'Tools offered' },
      {
        expr: inState(`sum by (${INSTANCE}, upstream) (${series('mcp_upstream_tools_dropped', UNWANTED)})`),
        legend: 'Left out',
      },
    ],
    labels: { upstream: 'Upstream', ...SERVICE_COLUMNS, state: 'State', fault: 'Why' },
    sortBy: 'Instances',
    unit: 'none',
    noValue: NONE,
    width: 14,
  },
  {
    kind: 'timeseries',
    title: 'Do upstreams come and go?',
    description:
      'How often upstreams came into a state within 5 minutes. Good: nothing after a deploy. One that goes up and down is restarted, overloaded, or behind a proxy that cuts connections.',
    queries: [
      {
        expr: `${sum(increase('mcp_upstream_transitions_total', FIVE_MINUTES), UPSTREAM, 'state')} > 0`,
        legend: `{{upstream}} {{state}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'None, or no data: see How many instances?',
  },
  {
    kind: 'timeseries',
    title: 'Which upstreams fail?',
    description: `The share of the calls sent to each upstream within 15 minutes that failed through its fault: not answered in time, not answered at all, or with an internal error. Good: 0. Above ${percent(PARAMETERS.upstreamErrorRatio)}, from ${PARAMETERS.minimumBadCalls} failed calls on: a ticket comes, unless the upstream is not up at all. Calls that are kept from it are not sent, and do not count.`,
    queries: [
      { expr: share(callsThat(FAILED_CALLS), callsThat(CALLS)), legend: `{{upstream}} ${SERVICE_LEGEND}` },
    ],
    unit: 'percentunit',
    max: 1,
    noValue: 'No calls sent to upstreams in 15 minutes failed, or no data: see How many instances?',
    limits: [ticketFrom(PARAMETERS.upstreamErrorRatio)],
    alerts: ['NexusMCPUpstreamFailing'],
  },
  {
    kind: 'timeseries',
    title: 'Why do requests to upstreams fail?',
    description:
      'Requests to upstreams a second that failed, by why. Good: none, or `tool_error`, which is what a tool says. `timeout`: not answered in time; `unavailable`: no connection, an error of HTTP, or no MCP; `-32603`: an internal error there; `_OTHER`: what it refuses, and what its caller gave up. The log says it in words.',
    queries: [
      {
        expr: `${sum(ours(rate('mcp_client_operation_duration_seconds_count', 'error_type!=""')), UPSTREAM, 'mcp_method_name', 'error_type')} > 0`,
        legend: `{{upstream}} {{mcp_method_name}} {{error_type}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'reqps',
    noValue: NO_FAILURES,
    alerts: ['NexusMCPUpstreamFailing'],
  },
  {
    kind: 'timeseries',
    title: 'How many tools do upstreams have, and how many are left out?',
    description:
      'Tools of each upstream that are offered, and those that it lists and are not, by why. Good: as many as it has, and none left out but `excluded`. `collision`: another tool has the name; `limit`: raise limits.upstreamTools; `schema`, `name`: clients would refuse them.',
    queries: [
      { expr: maxBy(UPSTREAM, series('mcp_upstream_tools')), legend: `{{upstream}} ${SERVICE_LEGEND}` },
      {
        expr: `${maxBy(`${UPSTREAM}, reason`, series('mcp_upstream_tools_dropped'))} > 0`,
        legend: `{{upstream}} left out: {{reason}} ${SERVICE_LEGEND}`,
        color: TICKET,
      },
    ],
    unit: 'none',
    noValue: NONE,
    alerts: ['NexusMCPUpstreamToolsDropped'],
  },
  {
    kind: 'timeseries',
    title: 'Do upstreams change what they say of their tools?',
    description:
      'Tools of each upstream whose description, schemas or annotations were others within an hour than when it last listed them. Good: none but when it was deployed. Models read these words and act on them: the log names the tools, and their owner knows whether that was meant.',
    queries: [
      {
        expr: maxBy(UPSTREAM, increase('mcp_upstream_definition_changes_total', HOUR)),
        legend: `{{upstream}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: NONE,
    alerts: ['NexusMCPUpstreamDefinitionChanged'],
  },
  {
    kind: 'timeseries',
    title: 'For how long is it not known which upstreams there are?',
    description:
      'Where upstreams are found in Kubernetes: how long ago Services were last listed, at the instance where that is longest ago. Good: under two minutes. Above the line those that were found stay, and what has changed since is not seen; the panel beside says why.',
    queries: [
      {
        expr: maxBy(
          SERVICE,
          `time() - ${over('max', 'mcp_discovery_last_sync_timestamp_seconds', FIVE_MINUTES)}`,
        ),
        legend: SERVICE_LEGEND,
      },
    ],
    limits: [ticketFrom(FIVE_MINUTES)],
    unit: 's',
    noValue: 'No upstreams are looked for in Kubernetes, or no data',
    alerts: ['NexusMCPDiscoveryStale'],
  },
  {
    kind: 'timeseries',
    title: 'Which Services are refused, and what does the Kubernetes API?',
    description:
      'Services with the label that are no upstreams, by why, at the instance that has most; and requests that the Kubernetes API did not answer within 5 minutes, by why. Good: none. The log names them; `gone` alone does no harm.',
    queries: [
      {
        expr: `${maxBy(`${SERVICE}, outcome`, series('mcp_discovery_services', 'outcome!="upstream"'))} > 0`,
        legend: `refused: {{outcome}} ${SERVICE_LEGEND}`,
      },
      {
        expr: `${sum(increase('mcp_discovery_errors_total', FIVE_MINUTES), SERVICE, 'reason')} > 0`,
        legend: `not answered: {{reason}} ${SERVICE_LEGEND}`,
        color: TICKET,
      },
    ],
    unit: 'short',
    noValue: 'None, or no upstreams are looked for in Kubernetes',
  },
  {
    kind: 'timeseries',
    title: 'How long do upstreams take?',
    description:
      'What 95 % of the requests to each upstream take less than, by method. Good: `tools/call` as slow as its tools, the rest a few milliseconds. What the server adds is the difference to the duration of the calls themselves.',
    queries: [
      {
        expr: quantile(0.95, 'mcp_client_operation_duration_seconds_bucket', {
          by: ['upstream', 'mcp_method_name'],
          of: ours,
        }),
        legend: '{{upstream}} {{mcp_method_name}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No requests to upstreams in the time shown, or the metric is switched off',
  },
];
