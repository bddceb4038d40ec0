import type { Severity, ThresholdName } from './parameters.ts';

/** The dashboards that alerts lead to. */
export type DashboardName = 'overview' | 'tools' | 'runtime' | 'fleet';

/** By which Grafana, and links to it, know a dashboard. */
export const dashboardUid = (name: DashboardName): string => `nexus-mcp-${name}`;

/** The labels of an alert that a dashboard has a variable for, of the same name. */
export const DASHBOARD_VARIABLES = ['cluster', 'namespace', 'job', 'instance', 'tool_name'] as const;

/** One alert; two of the same name differ in severity, so that the worse inhibits the other. */
export interface Alert {
  readonly name: `NexusMCP${string}`;
  readonly severity: Severity;
  readonly expr: string;
  /** The parameter its condition compares with, where that is one number. */
  readonly threshold?: ThresholdName;
  readonly forSeconds: number;
  /** How long it goes on firing after the condition has passed, against flapping. */
  readonly keepFiringForSeconds?: number;
  /** One static sentence: the headline of a group. */
  readonly summary: string;
  /** What is hurt, the number and its window, and the first command. Prometheus expands it. */
  readonly description: string;
  readonly dashboard: DashboardName;
}

/** A recording rule. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const SERVICE_TEXT = '{{ $labels.job }}{{ with $labels.namespace }} in {{ . }}{{ end }}';
const NAMESPACE_FLAG = '{{ with $labels.namespace }}-n {{ . }} {{ end }}';

const LOGS = `kubectl ${NAMESPACE_FLAG}logs -l app.kubernetes.io/name=nexus-mcp --tail=-1`;

/** How descriptions name things and what they tell to run first. */
export const TEXT = {
  service: SERVICE_TEXT,
  tool: '{{ $labels.tool_name }}',
  percent: '{{ $value | humanizePercentage }}',
  number: '{{ $value | humanize }}',
  duration: '{{ $value | humanizeDuration }}',
  logs: `${LOGS} --since=15m`,
  /** Of what is said but once, and may have been long ago. */
  allLogs: LOGS,
  policies: `kubectl ${NAMESPACE_FLAG}get networkpolicies`,
  pods: `kubectl ${NAMESPACE_FLAG}get pods -l app.kubernetes.io/name=nexus-mcp -o wide`,
} as const;
