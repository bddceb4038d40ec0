import {
  OF_ALERT,
  OF_SERVICE,
  SERVICE_LABELS,
  HOSTS,
  mostOf,
  slowCalls,
  statusOf,
  TEXT,
  VERDICT,
  type Alert,
} from './alert.ts';
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
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} failed through the server's fault in the last 2 minutes: its agents get errors.${mostFailures(parameters)} ${spent(availability.objective)} First: ${statusOfFailing(parameters)}`,
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
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} failed through the server's fault over the last ${burningWindow(windowsOf(availability, severity), errorRatio, ALLOWED_ERRORS)}; the objective is that ${availability.objective} % do not.${mostFailures(parameters)} ${spent(availability.objective)} First: ${statusOfFailing(parameters)}`,
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
    description: `${TEXT.percent} of the tool calls of ${TEXT.service} took longer than ${latency.thresholdSeconds} s over the last ${burningWindow(windowsOf(latency, severity), slowRatio, ALLOWED_SLOW)}; the objective is that ${latency.objective} % do not. At this rate a whole 30-day budget lasts ${lasting(latency.objective)}.${MOST_TIME}${HOSTS} The log says whose calls are slow. First: ${slowCalls(latency.thresholdSeconds)}`,
    dashboard: 'overview',
  }));
}

function exhausted(parameters: Parameters): Alert {
  const { availability, minimumBadCalls } = parameters;
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPErrorBudgetExhausted',
    severity: 'info',
    expr: all(`${remaining(promql)} < 0`, `${errorsOfMonth(promql)} >= ${minimumBadCalls}`, present(promql)),
    forSeconds: 3600,
    summary: 'The 30-day error budget is spent.',
    description: `${TEXT.service} has ${TEXT.percent} of its 30-day error budget left (objective ${availability.objective} %). Nobody needs to be woken; hold risky changes until it recovers. First: in Prometheus, because only it remembers 30 days: topk(5, sum by (tool_name, reason) (increase(mcp_tool_errors_total{${OF_ALERT}, ${bad(parameters)}}[30d]))) says which tools spent it.`,
    dashboard: 'overview',
  };
}

const windowsOf = (
  slo: { readonly page: readonly BurnWindow[]; readonly ticket: readonly BurnWindow[] },
  severity: 'critical' | 'warning',
): readonly BurnWindow[] => (severity === 'critical' ? slo.page : slo.ticket);

/** The long window that burns: the one whose ratio is the alert's value, and too high. Those of a young service are all the same. */
function burningWindow(
  windows: readonly BurnWindow[],
  ratio: (window: string) => string,
  allowed: string,
): string {
  const named = windows.map(({ long, factor }) => ({ name: formatDuration(long), factor }));
  return named.reduceRight(
    (otherwise, { name, factor }) =>
      `{{ with printf "(${ratio(name)}{${OF_SERVICE}} == %g) > ${factor} * ${allowed}" ${SERVICE_LABELS} $value | query }}${name}{{ else }}${otherwise}{{ end }}`,
    named.map(({ name }) => name).join(' or '),
  );
}

/** Which tool fails most now, and how; or that none does, since the windows of days go on long after the cure. */
const mostFailures = (parameters: Parameters): string =>
  `{{ with printf \`topk(1, sum by (tool_name, reason) (increase(mcp_tool_errors_total{${OF_SERVICE}, ${bad(parameters)}}[5m])) > 0)\` ${SERVICE_LABELS} | query }}{{ with first . }} Most failures of the last 5 minutes: {{ .Labels.reason }} of {{ .Labels.tool_name }}.{{ end }}{{ else }} None failed in the last 5 minutes.{{ end }}`;

/** The tool that took most time of late; nothing where none was called. */
const MOST_TIME = `{{ with printf \`topk(1, sum by (tool_name) (rate(mcp_tool_duration_seconds_sum{${OF_SERVICE}}[5m])) > 0)\` ${SERVICE_LABELS} | query }}{{ with first . }} Most time of the last 5 minutes: calls of {{ .Labels.tool_name }}.{{ end }}{{ end }}`;

/** The status of the instance that fails most calls. */
const statusOfFailing = (parameters: Parameters): string =>
  statusOf(
    VERDICT,
    ...mostOf(`sum by (instance, pod) (rate(mcp_tool_errors_total{${OF_SERVICE}, ${bad(parameters)}}[5m]))`),
  );

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
  `At this rate the rest of the 30-day error budget lasts ${worked(`${MONTH_SECONDS} * ${allowedBy(objective)} * (clamp_min(${BUDGET_REMAINING}{${OF_SERVICE}}, 0) or on () vector(1)) / %g`, `${SERVICE_LABELS} $value`)}.`;

/** How long the alert's ratio takes to spend a whole budget of 30 days. */
const lasting = (objective: number): string =>
  worked(`vector(${MONTH_SECONDS} * ${allowedBy(objective)} / %g)`, '$value');

/** A number of seconds as a text that Prometheus works out from a query and what to put into it. */
const worked = (query: string, values: string): string =>
  `{{ with printf "${query}" ${values} | query }}{{ . | first | value | humanizeDuration }}{{ else }}an unknown time{{ end }}`;
