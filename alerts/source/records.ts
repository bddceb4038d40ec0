import type { Recording } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { all, bad, formatDuration, maxBy, PromQL, SERVICE, sumBy } from './promql.ts';

const DAY = 86_400;

/** The windows that the burn alerts of an objective look at, in seconds, shortest first. */
function burnWindows({ page, ticket }: Pick<Parameters['availability'], 'page' | 'ticket'>) {
  const windows = [...page, ...ticket].flatMap(({ long, short }) => [long, short]);
  return [...new Set(windows)].sort((a, b) => a - b);
}

/** Names of the recorded ratios by window. They keep the window's unscaled name whatever the time scale. */
export const errorRatio = (window: string): string => `nexus_mcp:tool_call_errors:ratio_rate${window}`;
export const slowRatio = (window: string): string => `nexus_mcp:tool_call_slow:ratio_rate${window}`;
/** The shares that the objectives allow: what alerts and dashboards compare with. */
export const ALLOWED_ERRORS = 'nexus_mcp:tool_call_errors:allowed_ratio';
export const ALLOWED_SLOW = 'nexus_mcp:tool_call_slow:allowed_ratio';
/** What a single tool may do, by the setting that says so; a tool without it has no such series. */
export const ALLOWED_TOOL = {
  errorRatio: 'nexus_mcp:tool:allowed_error_ratio',
  latencySeconds: 'nexus_mcp:tool:allowed_latency_seconds',
} as const;
export const BUDGET_REMAINING = 'nexus_mcp:error_budget:remaining_ratio30d';
const ERRORS_HOURLY = 'nexus_mcp:tool_call_errors:increase1h';
export const CALLS_HOURLY = 'nexus_mcp:tool_calls:increase1h';

/**
 * A bucket's matcher: Prometheus 3 stores whole bounds as `1.0` where Prometheus 2 stored `1`.
 */
const bucketMatcher = (bound: number): string => `le=~"${String(bound).replace('.', '[.]')}([.]0)?"`;

/** The objectives, and the share of calls that failed through the server's fault, and that were slow, by window. */
export function ratioRecords(parameters: Parameters): readonly Recording[] {
  const { availability, latency } = parameters;
  const promql = new PromQL(parameters);
  const fast = bucketMatcher(latency.thresholdSeconds);
  // Without calls there is no ratio, rather than NaN; without an error series the ratio is 0.
  const failed = burnWindows(availability).map((window) => {
    const total = promql.accepted('rate', SERVICE, window);
    const errors = sumBy(SERVICE, promql.rate('mcp_tool_errors_total', window, bad(parameters)));
    const expr = `(${errors} or 0 * ${total})\n/\n(${total} > 0)`;
    return { record: errorRatio(formatDuration(window)), expr };
  });
  const slow = burnWindows(latency).map((window) => {
    const ran = sumBy(SERVICE, promql.rate('mcp_tool_duration_seconds_count', window));
    const inTime = sumBy(SERVICE, promql.rate('mcp_tool_duration_seconds_bucket', window, fast));
    return { record: slowRatio(formatDuration(window)), expr: `1 - (${inTime} / (${ran} > 0))` };
  });
  return [
    { record: ALLOWED_ERRORS, expr: ofServices(promql, allowedBy(availability.objective)) },
    { record: ALLOWED_SLOW, expr: ofServices(promql, allowedBy(latency.objective)) },
    ...failed,
    ...slow,
  ];
}

/** The calls and failures of each hour, and what they left of the budget of 30 days. */
export function budgetRecords(parameters: Parameters): readonly Recording[] {
  const promql = new PromQL(parameters);
  const total = promql.accepted('increase', SERVICE, 3600);
  const errors = sumBy(SERVICE, promql.increase('mcp_tool_errors_total', 3600, bad(parameters)));
  return [
    { record: CALLS_HOURLY, expr: total },
    { record: ERRORS_HOURLY, expr: `${errors} or 0 * ${total}` },
    { record: BUDGET_REMAINING, expr: all(remaining(promql), present(promql)) },
  ];
}

/** The thresholds that single tools have of their own. */
export function toolRecords(parameters: Parameters): readonly Recording[] {
  const promql = new PromQL(parameters);
  const settings = Object.keys(ALLOWED_TOOL) as (keyof typeof ALLOWED_TOOL)[];
  return settings.flatMap((setting) =>
    Object.entries(parameters.tools).flatMap(([tool_name, { [setting]: allowed }]) =>
      allowed === undefined
        ? []
        : [{ record: ALLOWED_TOOL[setting], expr: ofServices(promql, allowed), labels: { tool_name } }],
    ),
  );
}

/** What must be recorded of a service whose calls succeed. */
export const recordedOfCalls = (parameters: Parameters): readonly string[] => [
  ...ratioRecords(parameters).map(({ record }) => record),
  CALLS_HOURLY,
  ERRORS_HOURLY,
];

/** The share of calls that may be bad, for an objective in percent, as PromQL. */
export const allowedBy = (objective: number): string => `(100 - ${objective}) / 100`;

/** A number, as a series of each service. */
const ofServices = (promql: PromQL, value: number | string): string => `0 * ${present(promql)} + ${value}`;

/** What is left of the error budget of 30 days, weighted by calls; never an average of ratios. */
export const remaining = (promql: PromQL): string =>
  `1 - (${errorsOfMonth(promql)} / (${ofMonth(promql, CALLS_HOURLY)} > 0)) / (${ALLOWED_ERRORS} > 0)`;

const ofMonth = (promql: PromQL, record: string): string =>
  `sum_over_time(${record}[${promql.duration(30 * DAY)}:${promql.duration(3600)}])`;

/** Calls that failed through the server's fault in 30 days. */
export const errorsOfMonth = (promql: PromQL): string => ofMonth(promql, ERRORS_HOURLY);

/** The selected services that have been there within a day; records are of all services, with any parameters. */
export const present = (promql: PromQL): string => maxBy(SERVICE, promql.over('max', 'up', DAY));
