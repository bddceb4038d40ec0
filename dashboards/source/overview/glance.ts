import { maxBy, SERVICE } from '../../../alerts/source/promql.ts';
import { BUDGET_REMAINING, CALLS_HOURLY } from '../../../alerts/source/records.ts';
import type { Panel } from '../dashboard.ts';
import { ERROR_BUDGET, goodFrom, pageFrom, PARAMETERS, percent, ticketFrom } from '../limits.ts';
import {
  alertsThat,
  badShare,
  count,
  ofOurServices,
  ofService,
  over,
  quantile,
  rate,
  series,
  sum,
  TOOL_CHOSEN,
} from '../queries.ts';

const { availability, latency } = PARAMETERS;

const OUTAGE_WINDOW = 120;
const HOUR = 3600;

const calls = sum(rate('mcp_tool_calls_total', TOOL_CHOSEN));

/** Services of which an instance was there within an hour, and those of them that have one now. */
const present = ofOurServices(maxBy(SERVICE, over('max', 'up', HOUR)));
const reached = maxBy(SERVICE, series('up'));

/** Numbers that say at a glance whether anyone is hurt. */
export const glance: readonly Panel[] = [
  {
    kind: 'stat',
    title: 'Is anyone hurt?',
    description: `The share of calls that failed through the server's fault within 2 minutes, of the service that is worst off; refused calls do not count. Good: below ${percent(ERROR_BUDGET)}, what the objective allows. Otherwise look below for the tool and the reason.`,
    queries: [{ expr: `max(${badShare(OUTAGE_WINDOW, SERVICE, TOOL_CHOSEN)})`, legend: 'failing' }],
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
    limits: [goodFrom(0)],
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
        expr: `${count(alertsThat('firing', 'severity="critical"'))} or 0 * ${count(ofService(CALLS_HOURLY))}`,
        legend: 'Pages',
        limits: [pageFrom(1)],
      },
      {
        expr: `${count(alertsThat('firing', 'severity="warning"'))} or 0 * ${count(ofService(CALLS_HOURLY))}`,
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
      'Instances that Prometheus reaches, and does not, and services of which it reaches none: that pages. Good: none is down. Otherwise: the dashboard Fleet & protocol.',
    queries: [
      { expr: sum(ofOurServices(series('up'))), legend: 'Up', limits: [pageFrom(0), goodFrom(1)] },
      {
        expr: sum(`1 - ${ofOurServices(series('up'))}`),
        legend: 'Down',
        limits: [ticketFrom(1)],
      },
      {
        expr: `${count(`${present} unless ${reached} > 0`)} or 0 * ${count(present)}`,
        legend: 'Services down',
        limits: [pageFrom(1)],
      },
    ],
    unit: 'none',
    noValue: 'None found',
    alerts: ['NexusMCPDown'],
    width: 4,
    height: 4,
  },
];
