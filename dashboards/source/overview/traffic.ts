import { SERVICE } from '../../../alerts/source/promql.ts';
import type { Panel } from '../dashboard.ts';
import { PAGE, PARAMETERS, percent, TICKET, ticketFrom } from '../limits.ts';
import { increase, series, sum, TOOL_CHOSEN } from '../queries.ts';
import { callsByStatus, callsByTool, durationQuantiles, durations, slowTools } from '../tool-panels.ts';
import { SERVICE_LEGEND } from '../words.ts';

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
    description: `Calls refused as overloaded within 5 minutes by service, and calls in flight by tool. Good: none refused. More than ${PARAMETERS.overloadedCalls}, and more than ${percent(PARAMETERS.overloadedRatio)} of the calls: a ticket comes. The tool with most in flight holds the places: see the alert's runbook before raising limits.`,
    queries: [
      {
        expr: sum(increase('mcp_tool_errors_total', 300, 'reason="overloaded"'), SERVICE),
        legend: `${SERVICE_LEGEND} refused in 5 minutes`,
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
  slowTools({
    title: 'Which tools are slow?',
    description: `What 95 % of the calls within 15 minutes took less than, by tool. Good: below ${PARAMETERS.toolLatencySeconds} s, and where it was yesterday. Click a line to look at its tool alone.`,
  }),
];

/** Who is connected. */
export const clients: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How many sessions?',
    description:
      'Sessions of 2025-era clients that the instances hold, and how many all together can. One that several instances serve is held by each of them, so this is not the number of clients. Good: below the limit, and falling at night. At the limit those that are not in use give way.',
    queries: [
      { expr: sum(series('mcp_active_sessions')), legend: 'sessions held' },
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
