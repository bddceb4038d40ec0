import { TEXT, type Alert } from './alert.ts';
import type { BurnWindow, Parameters, Severity } from './parameters.ts';
import { all, any, bad, formatDuration, PromQL, SERVICE, sumBy } from './promql.ts';
import {
  ALLOWED_ERRORS,
  ALLOWED_SLOW,
  allowedBy,
  BUDGET_REMAINING,
  errorRatio,
  errorsOfMonth,
  present,
  remaining,
  slowRatio,
} from './records.ts';

const MONTH_SECONDS = 30 * 86_400;

/** Users are hurt: calls fail, or are slow, faster than the objectives allow. */
export function serviceLevelAlerts(parameters: Parameters): readonly Alert[] {
  return [
    outage(parameters),
    ...errorBudgetBurn(parameters),
    ...latencyBudgetBurn(parameters),
    exhausted(parameters),
  ];
}

/** The fast page: the budget windows need minutes to see even that everything fails. */
function outage(parameters: Parameters): Alert {
  const { availability, outageRatio, minimumBadCallsToPage } = parameters;
  const promql = new PromQL(parameters);
  const errors = sumBy(SERVICE, promql.increase('mcp_tool_errors_total', 120, bad(parameters)));
  const total = promql.accepted('increase', SERVICE, 120);
  return {
    name: 'NexusMCPOutage',
    severity: 'critical',
    threshold: 'outageRatio',
    expr: all(`${errors} / (${total} > 0) > ${outageRatio}`, `${errors} >= ${minimumBadCallsToPage}`),
    forSeconds: 60,
    keepFiringForSeconds: 300,
    summary: 'Most tool calls fail.',
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} failed through the server's fault in the last 2 minutes. ${spent(availability.objective)} First: ${TEXT.logs} | grep '"reason"'`,
    dashboard: 'overview',
  };
}

function errorBudgetBurn(parameters: Parameters): readonly Alert[] {
  const { availability, minimumBadCalls, minimumBadCallsToPage } = parameters;
  const promql = new PromQL(parameters);
  const enough =
    (severity: 'critical' | 'warning') =>
    (window: number): string =>
      `${sumBy(SERVICE, promql.increase('mcp_tool_errors_total', window, bad(parameters)))} >= ${severity === 'critical' ? minimumBadCallsToPage : minimumBadCalls}`;
  return (['critical', 'warning'] as const).map((severity) => ({
    name: 'NexusMCPErrorBudgetBurn',
    severity,
    expr: burning(windowsOf(availability, severity), errorRatio, ALLOWED_ERRORS, enough(severity)),
    ...waits(severity),
    summary: 'Tool calls fail faster than the error budget allows.',
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} failed through the server's fault over the last ${longWindows(windowsOf(availability, severity))}; the objective is that ${availability.objective} % do not. ${spent(availability.objective)} First: ${TEXT.logs} | grep '"reason"'`,
    dashboard: 'overview',
  }));
}

function latencyBudgetBurn(parameters: Parameters): readonly Alert[] {
  const { latency, minimumCalls } = parameters;
  const promql = new PromQL(parameters);
  const enough = (window: number): string =>
    `${sumBy(SERVICE, promql.increase('mcp_tool_duration_seconds_count', window))} >= ${minimumCalls}`;
  return (['critical', 'warning'] as const).map((severity) => ({
    name: 'NexusMCPLatencyBudgetBurn',
    severity,
    expr: burning(windowsOf(latency, severity), slowRatio, ALLOWED_SLOW, enough),
    ...waits(severity),
    summary: 'Tool calls are slower than the latency objective allows.',
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} took longer than ${latency.thresholdSeconds} s over the last ${longWindows(windowsOf(latency, severity))}; the objective is that ${latency.objective} % do not. At this rate a whole 30-day budget lasts ${lasting(latency.objective)}. First: in Prometheus, topk(5, histogram_quantile(0.95, sum by (job, tool_name, le) (rate(mcp_tool_duration_seconds_bucket[15m]))))`,
    dashboard: 'overview',
  }));
}

function exhausted({ availability, minimumBadCalls, ...parameters }: Parameters): Alert {
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPErrorBudgetExhausted',
    severity: 'info',
    expr: all(`${remaining(promql)} < 0`, `${errorsOfMonth(promql)} >= ${minimumBadCalls}`, present(promql)),
    forSeconds: 3600,
    summary: 'The 30-day error budget is spent.',
    description: `${TEXT.service} has ${TEXT.percent} of its 30-day error budget left (objective ${availability.objective} %). Nobody needs to be woken; hold risky changes until it recovers. First: open the dashboard and see which days spent it.`,
    dashboard: 'overview',
  };
}

const windowsOf = (
  slo: { readonly page: readonly BurnWindow[]; readonly ticket: readonly BurnWindow[] },
  severity: 'critical' | 'warning',
): readonly BurnWindow[] => (severity === 'critical' ? slo.page : slo.ticket);

/** The long windows, one of which it is. */
const longWindows = (windows: readonly BurnWindow[]): string =>
  windows.map(({ long }) => formatDuration(long)).join(' or ');

function burning(
  windows: readonly BurnWindow[],
  ratio: (window: string) => string,
  allowed: string,
  enough: (window: number) => string,
): string {
  return any(
    ...windows.map(({ long, short, factor }) =>
      all(
        `${ratio(formatDuration(long))} > ${factor} * ${allowed}`,
        `${ratio(formatDuration(short))} > ${factor} * ${allowed}`,
        enough(long),
      ),
    ),
  );
}

const waits = (severity: Severity) =>
  severity === 'critical'
    ? { forSeconds: 120, keepFiringForSeconds: 300 }
    : { forSeconds: 1800, keepFiringForSeconds: 1800 };

/** How soon the alert's ratio spends what is left of the error budget, or all of it when that is not recorded yet. */
const spent = (objective: number): string =>
  `At this rate what is left of the 30-day error budget is spent in ${worked(`${MONTH_SECONDS} * ${allowedBy(objective)} * (clamp_min(${BUDGET_REMAINING}{job=%q, namespace=%q, cluster=%q}, 0) or on () vector(1)) / %g`, '$labels.job $labels.namespace $labels.cluster $value')}.`;

/** How long the alert's ratio takes to spend a whole budget of 30 days. */
const lasting = (objective: number): string =>
  worked(`vector(${MONTH_SECONDS} * ${allowedBy(objective)} / %g)`, '$value');

/** A number of seconds as a text that Prometheus works out from a query and what to put into it. */
const worked = (query: string, values: string): string =>
  `{{ with printf "${query}" ${values} | query }}{{ . | first | value | humanizeDuration }}{{ else }}an unknown time{{ end }}`;
