import { REASON_COLORS, STATUS_COLORS } from './colors.ts';
import type { Heatmap, TimeSeries } from './dashboard.ts';
import { TOOL } from '../../alerts/source/promql.ts';
import { PARAMETERS, ticketFrom } from './limits.ts';
import { increase, quantile, quantileOf, rate, sum, TOOL_CHOSEN } from './queries.ts';
import { NO_FAILURES, TOOL_LEGEND } from './words.ts';

const QUARTER = 900;

type Words = Pick<TimeSeries, 'title' | 'description' | 'alerts'>;

/** What several dashboards show of the tools chosen, each in its own words. */

export const failuresByReason = (words: Words): TimeSeries => ({
  ...words,
  kind: 'timeseries',
  queries: [
    { expr: `${sum(rate('mcp_tool_errors_total', TOOL_CHOSEN), 'reason')} > 0`, legend: '{{reason}}' },
  ],
  unit: 'reqps',
  noValue: NO_FAILURES,
  stacked: true,
  colors: REASON_COLORS,
});

export const callsByStatus = (words: Words): TimeSeries => ({
  ...words,
  kind: 'timeseries',
  queries: [{ expr: sum(rate('mcp_tool_calls_total', TOOL_CHOSEN), 'status'), legend: '{{status}}' }],
  unit: 'reqps',
  noValue: 'No data',
  stacked: true,
  colors: STATUS_COLORS,
});

export const callsByTool = (words: Words): TimeSeries => ({
  ...words,
  kind: 'timeseries',
  queries: [
    { expr: `${sum(rate('mcp_tool_calls_total', TOOL_CHOSEN), 'tool_name')} > 0`, legend: '{{tool_name}}' },
  ],
  unit: 'reqps',
  noValue: 'No calls in the time shown',
  leadsToTool: true,
});

export const durations = (words: Words): Heatmap => ({
  ...words,
  kind: 'heatmap',
  queries: [
    {
      expr: sum(rate('mcp_tool_duration_seconds_bucket', TOOL_CHOSEN), 'le'),
      legend: '{{le}}',
      exemplars: true,
    },
  ],
  unit: 's',
  noValue: 'No calls in the time shown',
});

export const durationQuantiles = (words: Words): TimeSeries => ({
  ...words,
  kind: 'timeseries',
  queries: ([0.5, 0.95, 0.99] as const).map((q) => ({
    expr: quantile(q, 'mcp_tool_duration_seconds_bucket', { matching: TOOL_CHOSEN }),
    legend: `${q * 100} %`,
    // Once is enough: all of them would show the same ones.
    exemplars: q === 0.99,
  })),
  unit: 's',
  noValue: 'No calls in the time shown',
});

export const slowTools = (words: Words): TimeSeries => ({
  ...words,
  kind: 'timeseries',
  queries: [
    {
      expr: quantileOf(
        0.95,
        sum(increase('mcp_tool_duration_seconds_bucket', QUARTER, TOOL_CHOSEN), TOOL, 'le'),
      ),
      legend: TOOL_LEGEND,
      exemplars: true,
    },
  ],
  unit: 's',
  noValue: 'No calls in the time shown',
  limits: [ticketFrom(PARAMETERS.toolLatencySeconds)],
  alerts: ['NexusMCPToolLatencyHigh'],
  leadsToTool: true,
});
