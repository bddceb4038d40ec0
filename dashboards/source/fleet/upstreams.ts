import type { Panel } from '../dashboard.ts';
import { GOOD, TICKET } from '../limits.ts';
import { count, increase, ours, quantile, series, sum } from '../queries.ts';
import { SERVICE_COLUMNS, SERVICE_LEGEND } from '../words.ts';
import { maxBy, SERVICE } from '../../../alerts/source/promql.ts';

const UPSTREAM = `${SERVICE}, upstream`;
const FIVE_MINUTES = 300;
const NONE = 'There are no upstreams, or no data: see How many instances?';

/** The other MCP servers whose tools are offered. */
export const upstreams: readonly Panel[] = [
  {
    kind: 'state-timeline',
    title: 'Which upstreams are up?',
    description:
      'Upstreams, as the instance sees them that reaches them worst. Good: green. Not up: its tools stay listed and their calls fail as `unavailable`; the panel beside says in which state it is, the status page and the log why.',
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
    title: 'In which state are upstreams?',
    description:
      'Upstreams by state, and how many instances see them so. Good: all `up`. `down`: not found; `open`: calls fail; `unauthorized`: it refuses our credentials; `degraded`: some calls fail, or its list cannot be read.',
    queries: [
      {
        expr: count(`${ours(series('mcp_upstream_state'))} == 1`, UPSTREAM, 'state'),
        legend: 'Instances',
      },
    ],
    labels: { upstream: 'Upstream', ...SERVICE_COLUMNS, state: 'State' },
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
