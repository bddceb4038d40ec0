import type { Dashboard, Panel } from './dashboard.ts';
import { INSTANCE, matchers, TOOL } from '../../alerts/source/promql.ts';
import { PARAMETERS, ticketFrom } from './limits.ts';
import {
  accepted,
  badShare,
  increase,
  quantile,
  quantileOf,
  rate,
  series,
  share,
  sum,
  TOOL_CHOSEN,
} from './queries.ts';
import { callsByStatus, durationQuantiles, durations, failuresByReason, slowTools } from './tool-panels.ts';
import { INSTANCE_LEGEND, SERVICE_COLUMNS, TOOL_LEGEND } from './words.ts';

const QUARTER = 900;
const TWO_HOURS = 7200;
const DAY = 86_400;

const all: readonly Panel[] = [
  {
    kind: 'table',
    title: 'How is each tool?',
    description:
      'Every tool there is, over the last 15 minutes, whatever tool is chosen above. Good: no colour. Click a tool to see it alone below.',
    queries: [
      {
        expr: sum(increase('mcp_tool_calls_total', QUARTER), TOOL) + ` / ${QUARTER}`,
        legend: 'Calls per second',
        unit: 'reqps',
      },
      {
        expr: badShare(QUARTER, TOOL),
        legend: "Failed, server's fault",
        unit: 'percentunit',
        limits: [ticketFrom(PARAMETERS.toolErrorRatio)],
      },
      {
        expr: share(
          sum(increase('mcp_tool_calls_total', QUARTER, 'status="error"'), TOOL),
          sum(increase('mcp_tool_calls_total', QUARTER), TOOL),
        ),
        legend: 'Failed, all',
        unit: 'percentunit',
      },
      {
        expr: quantileOf(0.95, sum(increase('mcp_tool_duration_seconds_bucket', QUARTER), TOOL, 'le')),
        legend: '95 % take less than',
        unit: 's',
        limits: [ticketFrom(PARAMETERS.toolLatencySeconds)],
      },
      {
        expr: share(
          sum(increase('mcp_tool_result_size_bytes_sum', QUARTER), TOOL),
          sum(increase('mcp_tool_result_size_bytes_count', QUARTER), TOOL),
        ),
        legend: 'Mean result',
        unit: 'bytes',
      },
      { expr: sum(series('mcp_tool_calls_in_flight'), TOOL), legend: 'In flight', unit: 'short' },
    ],
    labels: { tool_name: 'Tool', ...SERVICE_COLUMNS },
    sortBy: 'Calls per second',
    unit: 'short',
    noValue: 'No tools found',
    alerts: ['NexusMCPToolErrorRateHigh', 'NexusMCPToolLatencyHigh'],
    width: 24,
    height: 11,
  },
];

const failing: readonly Panel[] = [
  failuresByReason({
    title: 'Why do its calls fail?',
    description:
      "Failed calls a second by reason; warm colours count against the objective, cold ones are the callers' own. Good: few and cold. `exception`: read the log for the stack. `timeout`: compare with latency. `unavailable`: look at what the tool depends on. `tool_error` and no success any more: a ticket comes after half an hour.",
    alerts: ['NexusMCPToolAlwaysFails'],
  }),
  {
    kind: 'timeseries',
    title: 'How large a share fails?',
    description: `The share of calls within 15 minutes that failed through the server's fault, by tool; refused calls do not count. Good: 0. Above ${PARAMETERS.toolErrorRatio * 100} % with at least ${PARAMETERS.minimumBadCalls} failures a ticket comes.`,
    queries: [{ expr: badShare(QUARTER, TOOL, TOOL_CHOSEN), legend: TOOL_LEGEND }],
    unit: 'percentunit',
    noValue: 'No calls in the time shown',
    limits: [ticketFrom(PARAMETERS.toolErrorRatio)],
    alerts: ['NexusMCPToolErrorRateHigh'],
    leadsToTool: true,
  },
  {
    kind: 'timeseries',
    title: 'Does it fail everywhere?',
    description:
      "The share of calls within 15 minutes that failed through the server's fault, by instance. Good: 0. One instance alone: restart it. All: the tool, or what it depends on.",
    queries: [{ expr: badShare(QUARTER, INSTANCE, TOOL_CHOSEN), legend: INSTANCE_LEGEND }],
    unit: 'percentunit',
    noValue: 'No calls in the time shown',
  },
];

const slow: readonly Panel[] = [
  durations({
    title: 'How long do its calls take?',
    description:
      'Calls a second by how long the tool ran. Good: one band that stays where it is. Points are exemplars: click one for its trace.',
  }),
  durationQuantiles({
    title: 'Are all of its calls slow, or some?',
    description:
      'What half, 95 % and 99 % of the calls take less than. Good: flat. All three up: the tool, or load. Only the upper ones: some arguments, or one instance.',
  }),
  slowTools({
    title: 'Is it too slow?',
    description: `What 95 % of the calls within 15 minutes took less than, by tool. Good: below ${PARAMETERS.toolLatencySeconds} s. Above it, with at least ${PARAMETERS.minimumCalls} calls, a ticket comes. Click a line to look at its tool alone.`,
  }),
];

const used: readonly Panel[] = [
  callsByStatus({
    title: 'How much is it used?',
    description:
      'Calls a second by how they end. Good: green, and what is usual. Nothing at all: is it disabled, or are its clients gone?',
  }),
  {
    kind: 'timeseries',
    title: 'Is it stuck?',
    description:
      'The fewest calls in flight within 3 minutes, and calls that ended in them (refused ones do not count), by instance. Good: as many end as come. In flight and none ending for 10 minutes: the instance hangs, and no error is counted.',
    queries: [
      {
        expr: sum(`min_over_time(${series('mcp_tool_calls_in_flight', TOOL_CHOSEN)}[3m])`, INSTANCE),
        legend: `${INSTANCE_LEGEND} in flight`,
      },
      {
        expr: accepted(180, INSTANCE, TOOL_CHOSEN),
        legend: `${INSTANCE_LEGEND} ended in 3 minutes`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    alerts: ['NexusMCPCallsStuck'],
  },
  {
    kind: 'timeseries',
    title: 'Is it used as it was yesterday?',
    description: `Calls that succeeded within two hours, now and a day ago, by tool. Good: about the same. A tool that had more than ${PARAMETERS.silentToolCalls} and now has none has lost its clients, or they use something else.`,
    queries: [
      {
        expr: sum(
          increase('mcp_tool_calls_total', TWO_HOURS, matchers('status="success"', TOOL_CHOSEN)),
          TOOL,
        ),
        legend: TOOL_LEGEND,
      },
      {
        expr: `${sum(increase('mcp_tool_calls_total', TWO_HOURS, matchers('status="success"', TOOL_CHOSEN), DAY), TOOL)} > 0`,
        legend: `${TOOL_LEGEND} a day ago`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    alerts: ['NexusMCPToolSilent'],
  },
];

const results: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How large are its results?',
    description:
      'What 95 % of the results are smaller than, by tool: each is read by a model and fills its context. Good: small and flat.',
    queries: [
      {
        expr: quantile(0.95, 'mcp_tool_result_size_bytes_bucket', {
          by: ['tool_name'],
          matching: TOOL_CHOSEN,
        }),
        legend: '{{tool_name}}',
      },
    ],
    unit: 'bytes',
    noValue: 'No results in the time shown',
    leadsToTool: true,
    width: 12,
  },
  {
    kind: 'heatmap',
    title: 'How are result sizes spread?',
    description:
      'Results a second by size as JSON. Good: one band. A band at the top is results that the size limit will soon refuse.',
    queries: [{ expr: sum(rate('mcp_tool_result_size_bytes_bucket', TOOL_CHOSEN), 'le'), legend: '{{le}}' }],
    unit: 'bytes',
    noValue: 'No results in the time shown',
    width: 12,
  },
];

/** Every tool at a glance, and one of them in depth. */
export const tools: Dashboard = {
  name: 'tools',
  title: 'Tools',
  answers:
    'How is each tool, and of the tools chosen: why do they fail, what makes them slow, are they stuck or unused?',
  sections: [
    { panels: all },
    { heading: 'Failures of the tools chosen', panels: failing },
    { heading: 'Latency of the tools chosen', panels: slow },
    { heading: 'Use of the tools chosen', panels: used },
    { heading: 'Results of the tools chosen', panels: results },
  ],
};
