import {
  BUDGET_REMAINING,
  CALLS_HOURLY,
  errorRatio,
  promqlName,
  slowRatio,
} from '../../alerts/source/records.ts';
import type { BurnWindow } from '../../alerts/source/parameters.ts';
import { REASON_COLORS, REASON_MEANINGS, STATUS_COLORS } from './colors.ts';
import type { Dashboard, Panel, TimeSeries } from './dashboard.ts';
import {
  burnLimits,
  ERROR_BUDGET,
  GOOD,
  PAGE,
  pageFrom,
  PARAMETERS,
  SLOW_BUDGET,
  TICKET,
  ticketFrom,
  type Objective,
} from './limits.ts';
import {
  BAD,
  burn,
  count,
  increase,
  matchers,
  ofOurServices,
  ofService,
  quantile,
  rate,
  series,
  share,
  sum,
  TOOL_CHOSEN,
} from './queries.ts';

const { availability, latency } = PARAMETERS;
const QUARTER = 900;

const calls = sum(rate('mcp_tool_calls_total', TOOL_CHOSEN));
const bad = sum(rate('mcp_tool_errors_total', matchers(BAD, TOOL_CHOSEN)));
const firing = 'alertname=~"NexusMCP.+", alertstate="firing"';

const glance: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Is anyone hurt?',
    description: `The share of calls that fail through the server's fault, now. Good: below ${percent(ERROR_BUDGET)}, what the objective allows. Otherwise look below for the tool and the reason.`,
    queries: [{ expr: share(bad, calls), legend: 'failing' }],
    unit: 'percentunit',
    noValue: 'No calls',
    limits: [ticketFrom(ERROR_BUDGET), pageFrom(PARAMETERS.outageRatio)],
    alerts: ['NexusMCPOutage'],
    width: 4,
    height: 4,
  },
  {
    kind: 'stat',
    title: 'How many calls?',
    description:
      'Calls a second, whatever becomes of them. Good: what is usual at this hour. None at all: are the clients there, and does anything else serve them?',
    queries: [{ expr: calls, legend: 'calls' }],
    unit: 'reqps',
    noValue: 'No data',
    width: 4,
    height: 4,
  },
  {
    kind: 'stat',
    title: 'How slow?',
    description: `What 95 % of the calls take less than, now. Good: below ${latency.thresholdSeconds} s. Otherwise find the tool under Latency.`,
    queries: [
      {
        expr: quantile(0.95, 'mcp_tool_duration_seconds_bucket', { matching: TOOL_CHOSEN }),
        legend: '95th percentile',
      },
    ],
    unit: 's',
    noValue: 'No calls',
    limits: [ticketFrom(latency.thresholdSeconds)],
    alerts: ['NexusMCPLatencyBudgetBurn'],
    width: 4,
    height: 4,
  },
  {
    kind: 'stat',
    title: 'Error budget left',
    description: `What is left of the failures that an objective of ${availability.objective} % allows in 30 days, of the service that has least. Good: above 0. Spent: hold risky changes until it recovers.`,
    queries: [{ expr: `min(${ofService(BUDGET_REMAINING)})`, legend: 'left of 30 days' }],
    unit: 'percentunit',
    noValue: 'No calls, or rules not loaded',
    limits: [{ from: 0, color: GOOD }],
    alerts: ['NexusMCPErrorBudgetExhausted'],
    width: 4,
    height: 4,
  },
  {
    kind: 'stat',
    title: 'What fires now?',
    description:
      'Pages and tickets that fire for what is chosen above. Good: none. The timeline below names them; each has a runbook.',
    queries: [
      {
        // Without the rules there is no 0: nothing firing and nobody looking are not the same.
        expr: `${count(ofService('ALERTS', matchers(firing, 'severity="critical"')))} or 0 * ${count(ofService(CALLS_HOURLY))}`,
        legend: 'Pages',
        limits: [pageFrom(1)],
      },
      {
        expr: `${count(ofService('ALERTS', matchers(firing, 'severity="warning"')))} or 0 * ${count(ofService(CALLS_HOURLY))}`,
        legend: 'Tickets',
        limits: [ticketFrom(1)],
      },
    ],
    unit: 'none',
    noValue: 'Rules not loaded',
    width: 4,
    height: 4,
  },
  {
    kind: 'stat',
    title: 'How many instances?',
    description:
      'Instances that Prometheus reaches, and does not. Good: none is down. Otherwise: the dashboard Fleet & protocol.',
    queries: [
      { expr: sum(ofOurServices(series('up'))), legend: 'Up' },
      {
        expr: sum(`1 - (${ofOurServices(series('up'))})`),
        legend: 'Down',
        limits: [ticketFrom(1)],
      },
    ],
    unit: 'none',
    noValue: 'None found',
    width: 4,
    height: 4,
  },
];

const cause: readonly Panel[] = [
  {
    kind: 'table',
    title: 'Which tool fails, and why?',
    description:
      "Failed calls of the last 15 minutes by tool and reason, most first; warm colours count against the objective, cold ones are the callers' own. Good: empty, or cold. Click a tool to look at it alone.\n\n" +
      '- `exception`: a bug; the log has the stack.\n- `timeout`: slower than its deadline.\n- `unavailable`: what it depends on is down.\n- `overloaded`: no place free; see In flight and Runtime.',
    queries: [
      {
        expr: `${sum(increase('mcp_tool_errors_total', QUARTER, TOOL_CHOSEN), 'tool_name', 'reason')} > 0`,
        legend: 'Failed calls',
        unit: 'short',
      },
      {
        expr: `${sum(increase('mcp_tool_errors_total', QUARTER, TOOL_CHOSEN), 'tool_name', 'reason')} / on (tool_name) group_left () (${sum(increase('mcp_tool_calls_total', QUARTER, TOOL_CHOSEN), 'tool_name')} > 0) > 0`,
        legend: "Share of the tool's calls",
        unit: 'percentunit',
        limits: [ticketFrom(PARAMETERS.toolErrorRatio)],
      },
    ],
    labels: { tool_name: 'Tool', reason: 'Reason' },
    meanings: { reason: REASON_MEANINGS },
    sortBy: 'Failed calls',
    alerts: ['NexusMCPToolErrorRateHigh'],
    unit: 'short',
    noValue: 'No call failed in 15 minutes',
    width: 14,
    height: 9,
  },
  {
    kind: 'state-timeline',
    title: 'Which alerts fire?',
    description:
      'Alerts that wait (yellow) and fire (red) over the time shown. Good: empty. The name leads to its runbook in `alerts/runbooks/`.',
    queries: [
      {
        expr: `max by (alertname, severity, tool_name, instance) (${ofService('ALERTS', 'alertname=~"NexusMCP.+", alertstate="pending"')} or 2 * ${ofService('ALERTS', firing)})`,
        legend: '{{alertname}} {{tool_name}} {{instance}} ({{severity}})',
      },
    ],
    states: { 1: { text: 'waits', color: 'yellow' }, 2: { text: 'fires', color: PAGE } },
    unit: 'none',
    noValue: 'No alert fired in the time shown',
    width: 10,
    height: 9,
  },
  {
    kind: 'timeseries',
    title: 'Why do calls fail?',
    description:
      "Failed calls a second by reason; warm colours count against the objective, cold ones are the callers' own. Good: cold and few. A step at a deploy (blue line) names the culprit.",
    queries: [
      { expr: `${sum(rate('mcp_tool_errors_total', TOOL_CHOSEN), 'reason')} > 0`, legend: '{{reason}}' },
    ],
    unit: 'reqps',
    noValue: 'No call failed in the time shown',
    stacked: true,
    colors: REASON_COLORS,
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Which tools fail?',
    description:
      "Calls a second that fail through the server's fault, by tool. Good: none. One line: that tool. All lines: something they share. Click a line to look at its tool alone.",
    queries: [
      {
        expr: `${sum(rate('mcp_tool_errors_total', matchers(BAD, TOOL_CHOSEN)), 'tool_name')} > 0`,
        legend: '{{tool_name}}',
      },
    ],
    unit: 'reqps',
    noValue: 'No tool failed in the time shown',
    leadsToTool: true,
    width: 8,
    height: 8,
  },
  burning(
    'How fast is the error budget burning?',
    'calls that fail',
    'NexusMCPErrorBudgetBurn',
    availability,
    errorRatio,
    ERROR_BUDGET,
    8,
  ),
];

const serviceLevels: readonly Panel[] = [
  burning(
    'How fast is the latency budget burning?',
    `calls slower than ${latency.thresholdSeconds} s`,
    'NexusMCPLatencyBudgetBurn',
    latency,
    slowRatio,
    SLOW_BUDGET,
    8,
  ),
  {
    kind: 'timeseries',
    title: 'How large a share of calls is bad?',
    description: `Shares of calls within an hour that failed through the server's fault, and that took longer than ${latency.thresholdSeconds} s, by service. Good: below ${percent(ERROR_BUDGET)} and ${percent(SLOW_BUDGET)}.`,
    queries: [
      { expr: ofService(errorRatio('1h')), legend: '{{job}} {{namespace}} failed' },
      { expr: ofService(slowRatio('1h')), legend: '{{job}} {{namespace}} slow' },
    ],
    unit: 'percentunit',
    noValue: 'No calls, or rules not loaded',
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'When was the error budget spent?',
    description:
      'What is left of the error budget of 30 days, by service. Good: a flat line. A step down is the incident that spent it; it comes back after 30 days.',
    queries: [{ expr: ofService(BUDGET_REMAINING), legend: '{{job}} {{namespace}}' }],
    unit: 'percentunit',
    noValue: 'No calls, or rules not loaded',
    alerts: ['NexusMCPErrorBudgetExhausted'],
    width: 8,
    height: 8,
  },
];

const traffic: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How many calls succeed?',
    description:
      'Calls a second by how they end. Good: green, and what is usual at this hour. A sudden end of all calls is a client or network that is gone.',
    queries: [{ expr: sum(rate('mcp_tool_calls_total', TOOL_CHOSEN), 'status'), legend: '{{status}}' }],
    unit: 'reqps',
    noValue: 'No data',
    stacked: true,
    colors: STATUS_COLORS,
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Which tools are used?',
    description:
      'Calls a second by tool. Good: what is usual. One that multiplies is an agent in a loop. Click a line to look at its tool alone.',
    queries: [
      { expr: `${sum(rate('mcp_tool_calls_total', TOOL_CHOSEN), 'tool_name')} > 0`, legend: '{{tool_name}}' },
    ],
    unit: 'reqps',
    noValue: 'No calls in the time shown',
    stacked: true,
    leadsToTool: true,
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Is it full?',
    description: `Calls refused as overloaded within 10 minutes, and calls in flight, by tool. Good: none refused. Otherwise the tool with most in flight holds the places: see the alert's runbook before raising limits.`,
    queries: [
      {
        expr: `${sum(increase('mcp_tool_errors_total', 600, 'reason="overloaded"'), 'job', 'namespace')}`,
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
    width: 8,
    height: 8,
  },
];

const latencies: readonly Panel[] = [
  {
    kind: 'heatmap',
    title: 'How long do calls take?',
    description:
      'Calls a second by how long the tool ran. Good: a band that stays where it is. A second band is some calls that wait for something; a rising one is load. Points are exemplars: click one for its trace.',
    queries: [
      {
        expr: sum(rate('mcp_tool_duration_seconds_bucket', TOOL_CHOSEN), 'le'),
        legend: '{{le}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No calls in the time shown',
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Has latency moved?',
    description: `What half, 95 % and 99 % of the calls take less than. Good: 95 % below ${latency.thresholdSeconds} s, the dashed line. Only the 99th up: a few calls; all up: load, or something all tools share.`,
    queries: ([0.5, 0.95, 0.99] as const).map((q) => ({
      expr: quantile(q, 'mcp_tool_duration_seconds_bucket', { matching: TOOL_CHOSEN }),
      legend: `${q * 100} %`,
      exemplars: q === 0.99,
    })),
    unit: 's',
    noValue: 'No calls in the time shown',
    limits: [ticketFrom(latency.thresholdSeconds)],
    alerts: ['NexusMCPLatencyBudgetBurn'],
    width: 8,
    height: 8,
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
    width: 8,
    height: 8,
  },
];

const clients: readonly Panel[] = [
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

/** Is anyone hurt, by what, and since when. */
export const overview: Dashboard = {
  name: 'overview',
  title: 'Overview & SLO',
  answers:
    'Is anyone hurt, by which tool and for what reason, since when, and how much of the error budget does it cost?',
  sections: [
    { panels: [...glance, ...cause] },
    { heading: 'Service levels', panels: serviceLevels },
    { heading: 'Traffic', panels: traffic },
    { heading: 'Latency', panels: latencies },
    { heading: 'Clients', panels: clients },
  ],
};

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(6))} %`;
}

/** The burn of each pair of windows, with lines where it pages and opens tickets. */
function burning(
  title: string,
  what: string,
  alert: `NexusMCP${string}`,
  { page, ticket }: Objective,
  ratio: (window: string) => string,
  budget: number,
  width: number,
): TimeSeries {
  const line = (tells: string) => (pair: BurnWindow) => ({
    expr: burn(pair, ratio, budget),
    legend: `{{job}} {{namespace}} ${promqlName(pair.long)}: ${tells} above ${pair.factor}`,
  });
  return {
    kind: 'timeseries',
    title,
    description: `How many times as many ${what} as the objective allows, in both windows of each of the alert's pairs, by service. Good: below 1. A pair above its own line, with enough calls, tells somebody; at 1 the budget lasts 30 days, at 14.4 two.`,
    queries: [...page.map(line('pages')), ...ticket.map(line('ticket'))],
    unit: 'short',
    noValue: 'No calls, or rules not loaded',
    limits: burnLimits({ page, ticket }),
    alerts: [alert],
    width,
    height: 8,
  };
}
