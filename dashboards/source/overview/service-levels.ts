import { formatDuration } from '../../../alerts/source/promql.ts';
import {
  ALLOWED_ERRORS,
  ALLOWED_SLOW,
  BUDGET_REMAINING,
  errorRatio,
  slowRatio,
} from '../../../alerts/source/records.ts';
import type { BurnWindow } from '../../../alerts/source/parameters.ts';
import type { Panel, TimeSeries } from '../dashboard.ts';
import {
  burnLimits,
  ERROR_BUDGET,
  goodFrom,
  PARAMETERS,
  percent,
  SLOW_BUDGET,
  type Objective,
} from '../limits.ts';
import { burn, ofService } from '../queries.ts';
import { SERVICE_LEGEND } from '../words.ts';

const { availability, latency } = PARAMETERS;

/** What decides how soon it matters. */
export const errorBudgetBurn: Panel = burning(
  'How fast is the error budget burning?',
  'calls that fail',
  'NexusMCPErrorBudgetBurn',
  availability,
  errorRatio,
  ALLOWED_ERRORS,
);

/** What the objectives say. */
export const serviceLevels: readonly Panel[] = [
  burning(
    'How fast is the latency budget burning?',
    `calls slower than ${latency.thresholdSeconds} s`,
    'NexusMCPLatencyBudgetBurn',
    latency,
    slowRatio,
    ALLOWED_SLOW,
  ),
  {
    kind: 'timeseries',
    title: 'How large a share of calls is bad?',
    description: `Shares of calls within an hour that failed through the server's fault, and that took longer than ${latency.thresholdSeconds} s, by service. Good: below ${percent(ERROR_BUDGET)} and ${percent(SLOW_BUDGET)}.`,
    queries: [
      { expr: ofService(errorRatio('1h')), legend: `${SERVICE_LEGEND} failed` },
      { expr: ofService(slowRatio('1h')), legend: `${SERVICE_LEGEND} slow` },
    ],
    unit: 'percentunit',
    noValue: 'No calls, or rules not loaded',
    alerts: ['NexusMCPRecordsMissing'],
  },
  {
    kind: 'timeseries',
    title: 'When was the error budget spent?',
    description:
      'What is left of the error budget of 30 days, by service. Good: a flat line. A step down is the incident that spent it; it comes back after 30 days.',
    queries: [{ expr: ofService(BUDGET_REMAINING), legend: SERVICE_LEGEND }],
    unit: 'percentunit',
    noValue: 'No calls, or rules not loaded',
    belowZero: true,
    max: 1,
    limits: [goodFrom(0)],
    alerts: ['NexusMCPErrorBudgetExhausted'],
  },
];

/** The burn of each pair of windows, with lines where it pages and opens tickets. */
function burning(
  title: string,
  what: string,
  alert: `NexusMCP${string}`,
  { page, ticket }: Objective,
  ratio: (window: string) => string,
  allowed: string,
): TimeSeries {
  const line = (tells: string) => (pair: BurnWindow) => ({
    expr: burn(pair, ratio, allowed),
    legend: `${SERVICE_LEGEND} ${formatDuration(pair.long)}: ${tells} above ${pair.factor}`,
  });
  return {
    kind: 'timeseries',
    title,
    description: `How many times as many ${what} as the objective allows, in both windows of each of the alert's pairs, by service. Good: below 1. A pair above its own line, with enough calls, tells somebody; at 1 the budget lasts 30 days, at 10 three.`,
    queries: [...page.map(line('pages')), ...ticket.map(line('ticket'))],
    unit: 'short',
    noValue: 'No calls, or rules not loaded',
    limits: burnLimits({ page, ticket }),
    alerts: [alert],
  };
}
