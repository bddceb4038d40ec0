import type { Recording } from './alert.ts';
import { budgetOf, type Amount } from './amount.ts';
import type { RuleParameters } from './parameters.ts';
import { all, formatDuration, maxBy, oneOf, PromQL, SERVICE, sumBy } from './promql.ts';

const DAY = 86_400;

/** The windows that the burn alerts of an objective look at, in seconds, shortest first. */
function burnWindows({ page, ticket }: Pick<RuleParameters['availability'], 'page' | 'ticket'>) {
  const windows = [...page, ...ticket].flatMap(({ long, short }) => [long, short]);
  return [...new Set(windows)].sort((a, b) => a - b);
}

/** Names of the recorded ratios by window. They keep the window's unscaled name whatever the time scale. */
export const errorRatio = (window: string): string => `nexus_mcp:tool_call_errors:ratio_rate${window}`;
export const slowRatio = (window: string): string => `nexus_mcp:tool_call_slow:ratio_rate${window}`;
/** The shares that the objectives allow, as series: dashboards cannot know an operator's parameters. */
export const ALLOWED_ERRORS = 'nexus_mcp:tool_call_errors:allowed_ratio';
export const ALLOWED_SLOW = 'nexus_mcp:tool_call_slow:allowed_ratio';
export const BUDGET_REMAINING = 'nexus_mcp:error_budget:remaining_ratio30d';
const ERRORS_HOURLY = 'nexus_mcp:tool_call_errors:increase1h';
export const CALLS_HOURLY = 'nexus_mcp:tool_calls:increase1h';

/**
 * A bucket's matcher: Prometheus 3 stores whole bounds as `1.0` where Prometheus 2 stored `1`.
 */
const bucketMatcher = (bound: Amount): string =>
  typeof bound === 'string'
    ? '@latency.bucket@'
    : Number.isInteger(bound)
      ? `le=~"${bound}(\\\\.0)?"`
      : `le="${bound}"`;

/** The share of calls that failed through the server's fault, and that were slow, by window. */
export function ratioRecords(parameters: RuleParameters): readonly Recording[] {
  const promql = new PromQL(parameters);
  const bad = oneOf('reason', parameters.badReasons);
  const fast = bucketMatcher(parameters.latency.thresholdSeconds);
  // Without calls there is no ratio, rather than NaN; without an error series the ratio is 0.
  const failed = burnWindows(parameters.availability).map((window) => {
    const total = promql.accepted('rate', SERVICE, window);
    const errors = sumBy(SERVICE, promql.rate('mcp_tool_errors_total', window, bad));
    const expr = `(${errors} or 0 * ${total})\n/\n(${total} > 0)`;
    return { record: errorRatio(formatDuration(window)), expr };
  });
  const slow = burnWindows(parameters.latency).map((window) => {
    const ran = sumBy(SERVICE, promql.rate('mcp_tool_duration_seconds_count', window));
    const inTime = sumBy(SERVICE, promql.rate('mcp_tool_duration_seconds_bucket', window, fast));
    return { record: slowRatio(formatDuration(window)), expr: `1 - (${inTime} / (${ran} > 0))` };
  });
  return [...failed, ...slow];
}

/** The budgets, and what is left of the one of 30 days, weighted by calls; never an average of ratios. */
export function budgetRecords(parameters: RuleParameters): readonly Recording[] {
  const promql = new PromQL(parameters);
  const bad = oneOf('reason', parameters.badReasons);
  const total = promql.accepted('increase', SERVICE, 3600);
  const errors = sumBy(SERVICE, promql.increase('mcp_tool_errors_total', 3600, bad));
  const budget = budgetOf(parameters.availability.objective);
  const allowed = (objective: Amount): string => `0 * ${present(promql)} + ${budgetOf(objective)}`;
  return [
    { record: ALLOWED_ERRORS, expr: allowed(parameters.availability.objective) },
    { record: ALLOWED_SLOW, expr: allowed(parameters.latency.objective) },
    { record: CALLS_HOURLY, expr: total },
    { record: ERRORS_HOURLY, expr: `${errors} or 0 * ${total}` },
    {
      record: BUDGET_REMAINING,
      expr: all(
        `1 - (${ofMonth(promql, ERRORS_HOURLY)} / (${ofMonth(promql, CALLS_HOURLY)} > 0)) / ${budget}`,
        present(promql),
      ),
    },
  ];
}

const ofMonth = (promql: PromQL, record: string): string =>
  `sum_over_time(${record}[${promql.duration(30 * DAY)}:${promql.duration(3600)}])`;

/** Calls that failed through the server's fault in 30 days. */
export const errorsOfMonth = (promql: PromQL): string => ofMonth(promql, ERRORS_HOURLY);

/** The selected services that have been there within a day; records are of all services, with any parameters. */
export const present = (promql: PromQL): string => maxBy(SERVICE, promql.over('max', 'up', DAY));
