import { stringify } from 'yaml';
import { ZodError, type z } from 'zod';
import { DASHBOARD_VARIABLES, dashboardUid, SUBJECT, type Alert } from './alert.ts';
import { capacityAlerts } from './capacity.ts';
import { discoveryAlerts } from './discovery.ts';
import { parametersSchema, type Parameters } from './parameters.ts';
import { formatDuration } from './promql.ts';
import { budgetRecords, ratioRecords, toolRecords } from './records.ts';
import { runtimeAlerts } from './runtime.ts';
import { serviceLevelAlerts } from './service-levels.ts';
import { sessionAlerts } from './sessions.ts';
import { targetAlerts } from './targets.ts';
import { toolAlerts } from './tools.ts';
import { upstreamAlerts } from './upstreams.ts';

/** A group of a Prometheus rule file. */
export interface RuleGroup {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Every alert, before the operator's overrides. */
export function alertSet(parameters: Parameters): readonly Alert[] {
  return [
    serviceLevelAlerts,
    targetAlerts,
    toolAlerts,
    upstreamAlerts,
    discoveryAlerts,
    runtimeAlerts,
    sessionAlerts,
    capacityAlerts,
  ].flatMap((alerts) => alerts(parameters));
}

/**
 * Builds the rule groups.
 * @param input parameters to change; the rest take their defaults
 * @throws ZodError when a parameter is out of bounds, or makes an alert unable to fire, and when an override names no
 * alert, or would give a page and a ticket one severity
 */
export function ruleGroups(input: unknown = {}): readonly RuleGroup[] {
  const parameters = parametersSchema.parse(input);
  const alerts = alertSet(parameters);
  const issues = Object.entries(parameters.alerts).flatMap(([name, { severity }]) => {
    const count = alerts.filter((alert) => alert.name === name).length;
    if (count === 0) return [refusal([name], 'there is no such alert')];
    if (count === 1 || severity === undefined) return [];
    return [refusal([name, 'severity'], 'its page and its ticket would become one alert twice')];
  });
  if (issues.length > 0) throw new ZodError(issues);
  return groupsOf(parameters, alerts);
}

const refusal = (path: readonly string[], message: string): z.core.$ZodIssueCustom => ({
  code: 'custom',
  path: ['alerts', ...path],
  message,
  input: undefined,
});

/** The groups of an alert set, with the records it reads. */
export function groupsOf(parameters: Parameters, alerts: readonly Alert[]): readonly RuleGroup[] {
  const every = (seconds: number): string => formatDuration(seconds * parameters.timeScale);
  return [
    { name: 'nexus-mcp.ratios', interval: every(30), rules: ratioRecords(parameters) },
    { name: 'nexus-mcp.budget', interval: every(180), rules: budgetRecords(parameters) },
    {
      name: 'nexus-mcp.alerts',
      interval: every(30),
      // Thresholds first: rules of a group are evaluated in this order.
      rules: [...toolRecords(parameters), ...alerts.flatMap((alert) => renderAlert(alert, parameters))],
    },
  ];
}

function renderAlert(alert: Alert, parameters: Parameters): Rule[] {
  const own = parameters.alerts[alert.name] ?? {};
  if (own.enabled === false) return [];
  const scaled = (seconds: number): string => formatDuration(seconds * parameters.timeScale);
  const keepFiringFor = own.keepFiringForSeconds ?? alert.keepFiringForSeconds ?? 0;
  const forSeconds = own.forSeconds ?? alert.forSeconds;
  return [
    {
      alert: alert.name,
      expr: alert.expr,
      ...(forSeconds > 0 && { for: scaled(forSeconds) }),
      ...(keepFiringFor > 0 && { keep_firing_for: scaled(keepFiringFor) }),
      labels: { severity: own.severity ?? alert.severity, ...parameters.labels, ...own.labels },
      annotations: {
        summary: `${SUBJECT}: ${alert.summary}`,
        description: alert.description,
        runbook_url: `${parameters.runbookBaseUrl}/${alert.name}.md`,
        dashboard_url: dashboardUrl(alert, parameters),
      },
    },
  ];
}

/** The panel's dashboard with its variables filled from the alert's labels. */
function dashboardUrl({ dashboard }: Alert, { grafanaBaseUrl }: Parameters): string {
  const variables = DASHBOARD_VARIABLES.map(
    (label) => `{{ with $labels.${label} }}&var-${label}={{ . | urlquery }}{{ end }}`,
  );
  return `${grafanaBaseUrl}/d/${dashboardUid(dashboard)}?from=now-3h&to=now${variables.join('')}`;
}

/** A Prometheus rule file; one for tests says by how much its times are shortened. */
export const ruleFile = (groups: readonly RuleGroup[], timeScale = 1): string =>
  (timeScale === 1 ? '' : `# For tests: all windows and waits are ${timeScale} of what they should be.\n`) +
  stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false });

/** The groups as an object for Prometheus Operator, with the name that it has in k8s/. */
export const prometheusRule = (groups: readonly RuleGroup[]): string =>
  stringify(
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'nexus-mcp' },
      spec: { groups },
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
