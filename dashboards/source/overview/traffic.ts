import type { Panel } from '../dashboard.ts';
import { PAGE, PARAMETERS, TICKET, ticketFrom } from '../limits.ts';
import { increase, quantile, series, sum, TOOL_CHOSEN } from '../queries.ts';
import { callsByStatus, callsByTool, durationQuantiles, durations } from '../tool-panels.ts';

const { latency } = PARAMETERS;

/** How many calls there are, and how long they take. */
export const traffic: readonly Panel[] = [
  callsByStatus({
    title: 'How many calls succeed?',
    description:
      'Calls a second by how they end. Good: green, and what is usual at this hour. A sudden end of all calls is a client or network that is gone.',
  }),
  {
    ...callsByTool({
      title: 'Which tools are used?',
      description:
        'Calls a second by tool. Good: what is usual. One that multiplies is an agent in a loop. Click a line to look at its tool alone.',
    }),
    stacked: true,
  },
  {
    kind: 'timeseries',
    title: 'Is it full?',
    description: `Calls refused as overloaded within 10 minutes, and calls in flight, by tool. Good: none refused. Otherwise the tool with most in flight holds the places: see the alert's runbook before raising limits.`,
    queries: [
      {
        expr: sum(increase('mcp_tool_errors_total', 600, 'reason="overloaded"'), 'job', 'namespace'),
        legend: '{{job}} {{namespace}} refused in 10 minutes',
        color: PAGE,
      },
      {
        expr: `${sum(series('mcp_tool_calls_in_flight', TOOL_CHOSEN), 'tool_name')} > 0`,
        legend: '{{tool_name}} in flight',
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.overloadedCalls)],
    alerts: ['NexusMCPOverloaded'],
  },
];

export const latencies: readonly Panel[] = [
  durations({
    title: 'How long do calls take?',
    description:
      'Calls a second by how long the tool ran. Good: a band that stays where it is. A second band is some calls that wait for something; a rising one is load. Points are exemplars: click one for its trace.',
  }),
  {
    ...durationQuantiles({
      title: 'Has latency moved?',
      description: `What half, 95 % and 99 % of the calls take less than. Good: 95 % below ${latency.thresholdSeconds} s, the dashed line. Only the 99th up: a few calls; all up: load, or something all tools share.`,
    }),
    limits: [ticketFrom(latency.thresholdSeconds)],
    alerts: ['NexusMCPLatencyBudgetBurn'],
  },
  {
    kind: 'timeseries',
    title: 'Which tools are slow?',
    description: `What 95 % of the calls of each tool take less than. Good: below ${PARAMETERS.toolLatencySeconds} s, and where it was yesterday. Click a line to look at its tool alone.`,
    queries: [
      {
        expr: quantile(0.95, 'mcp_tool_duration_seconds_bucket', {
          by: ['tool_name'],
          matching: TOOL_CHOSEN,
        }),
        legend: '{{tool_name}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No calls in the time shown',
    limits: [ticketFrom(PARAMETERS.toolLatencySeconds)],
    alerts: ['NexusMCPToolLatencyHigh'],
    leadsToTool: true,
  },
];

/** Who is connected. */
export const clients: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How many sessions?',
    description:
      'Sessions of 2025-era clients, and the limit of all instances together. Good: well below the limit, and falling at night. One that only rises is clients that never end theirs.',
    queries: [
      { expr: sum(series('mcp_active_sessions')), legend: 'sessions' },
      { expr: sum(series('mcp_sessions_limit')), legend: 'limit', color: TICKET },
    ],
    unit: 'short',
    noValue: 'No data',
    width: 12,
    height: 7,
  },
  {
    kind: 'timeseries',
    title: 'How many subscriptions?',
    description:
      'Open streams of 2026-era clients, and the limit of all instances together. Good: well below the limit.',
    queries: [
      { expr: sum(series('mcp_active_subscriptions')), legend: 'subscriptions' },
      { expr: sum(series('mcp_subscriptions_limit')), legend: 'limit', color: TICKET },
    ],
    unit: 'short',
    noValue: 'No data',
    width: 12,
    height: 7,
  },
];
