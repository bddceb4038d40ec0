import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Alert } from '../../alerts/source/alert.ts';
import { parametersSchema, type Severity } from '../../alerts/source/parameters.ts';
import { alertSet, ruleFile, ruleGroups, type RuleGroup } from '../../alerts/source/rules.ts';
import { counter, gauge, secondsOf, type Series, type Time } from './series.ts';
import { calls, server, tool } from './server.ts';

export type AlertName = Alert['name'];

/** What Prometheus knows a service by, and how descriptions name it. */
export interface Service {
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
  /** The flag of kubectl for its namespace. */
  readonly n: string;
  /** The release that commands select pods by, where the rules know it. */
  readonly release?: string;
  /** Which major version stores its series. */
  readonly prometheus: 2 | 3;
}

/**
 * With and without a cluster, without a namespace, under the name of a Helm release. For each alert one scenario happens to all
 * of these at once, so that each must be told from the others; the other scenarios take turns.
 * @param place tells those of one scenario from those of another
 */
const servicesAt = (place: string): readonly Service[] => [
  {
    labels: { job: 'nexus-mcp', namespace: `tools${place}` },
    text: `nexus-mcp in tools${place}`,
    n: `-n tools${place} `,
    prometheus: 2,
  },
  {
    labels: { cluster: 'eu', job: 'nexus-mcp', namespace: `tools${place}` },
    text: `nexus-mcp in tools${place} (cluster eu)`,
    n: `-n tools${place} `,
    prometheus: 3,
  },
  {
    labels: { job: `my-release${place}-nexus-mcp` },
    text: `my-release${place}-nexus-mcp`,
    n: '',
    prometheus: 3,
  },
];

export interface Bystander {
  readonly labels: Readonly<Record<string, string>>;
  readonly series: readonly Series[];
}

/** A busy healthy service of the same name elsewhere, and a broken one of somebody else: nothing fires for either. */
export const BYSTANDERS: readonly Bystander[] = [
  {
    labels: { cluster: 'us', job: 'nexus-mcp', namespace: 'tools' },
    series: server({
      // Whatever the scenario takes for slow.
      durationBuckets: [30, 45],
      tools: [tool('echo', calls('success', counter({ perSecond: 30 })))],
    }),
  },
  {
    labels: { job: 'other-server', namespace: 'tools' },
    series: server({
      tools: [tool('echo', calls('exception', counter({ perSecond: 30 })))],
      gauges: { up: gauge({ is: 0 }), nodejs_eventloop_lag_p99_seconds: gauge({ is: 60 }) },
    }),
  },
];

/** An alert that fires, with the labels it has besides those of the service; with a job, for that service alone. */
export interface Firing {
  readonly alert: AlertName;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  readonly text?: Text;
}

/** What the alert says: its description to the letter, and the dashboard it leads to. */
interface Text {
  readonly says: (service: Service) => string;
  readonly dashboard: Alert['dashboard'];
}

const firing =
  (severity: Severity) =>
  (alert: AlertName, labels: Firing['labels'] = {}, text?: Text): Firing => ({
    alert,
    severity,
    labels,
    ...(text && { text }),
  });

export const page = firing('critical');
export const ticket = firing('warning');
export const info = firing('info');

type Parameters = Readonly<Record<string, unknown>>;

/** Something that happens to a service, and all that fires at some times; nothing else may. */
export interface Scenario {
  readonly name: string;
  /** The alerts that it shows firing, or that must stay quiet although it comes close to them. */
  readonly about: 'every alert' | readonly AlertName[];
  readonly series: readonly Series[];
  readonly fires: Readonly<Record<Time, readonly Firing[]>>;
  /** What the rules are generated with, when not the defaults; each element gives a rule file of its own. */
  readonly parameters?: Parameters | readonly Parameters[];
  /** Records that no rule makes: the rules for them are missing, or fail. */
  readonly unrecorded?: RegExp;
  /** When the services' Prometheus 2 becomes a Prometheus 3. */
  readonly upgraded?: Time;
  /** Default: 30. */
  readonly scrapeSeconds?: number;
  /** Default: 60. */
  readonly evaluateSeconds?: number;
}

const FILE = new URL('../../alerts/nexus-mcp.rules.yaml', import.meta.url);
const RULES_TEXT = readFileSync(FILE, 'utf8');
export const RULES = (parse(RULES_TEXT) as { groups: readonly RuleGroup[] }).groups;

/** Where scenarios happen. */
export interface Stage {
  /** To whom a scenario happens; to nobody else that is there does another. */
  readonly servicesOf: (scenario: Scenario, index: number) => readonly Service[];
  /** Whether services of other names are there as well. Default: no. */
  readonly crowded?: (scenario: Scenario) => boolean;
  /** The rule files that are loaded, as texts. */
  readonly rulesFor: (scenario: Scenario) => readonly string[];
}

const ruleTextsOf = ({ parameters, unrecorded }: Scenario): readonly string[] =>
  parameters === undefined && unrecorded === undefined
    ? [RULES_TEXT]
    : [parameters ?? {}]
        .flat()
        .map((input: Parameters) => ruleFile(ruleGroups(input).map((group) => without(group, unrecorded))));

const without = ({ rules, ...group }: RuleGroup, unrecorded: RegExp | undefined): RuleGroup => ({
  ...group,
  rules: rules.filter(({ record }) => record === undefined || unrecorded?.test(record) !== true),
});

/** The rules of the plain file, or those of a scenario's parameters; `crowded` scenarios happen to all services at once. */
export const plainStage = (crowded: readonly Scenario[]): Stage => ({
  servicesOf: (scenario, index) => {
    // Rules of parameters of their own may name a service.
    const services = servicesAt(scenario.parameters === undefined ? `-${index}` : '');
    return crowded.includes(scenario)
      ? services
      : services.filter((_, turn) => turn === index % services.length);
  },
  // The others' series are not recorded, either.
  crowded: (scenario) => crowded.includes(scenario) && scenario.unrecorded === undefined,
  rulesFor: ruleTextsOf,
});

/** For each alert and severity the shortest of the scenarios in which it fires. */
export function shortestFor(scenarios: readonly Scenario[]): readonly Scenario[] {
  const longestFirst = scenarios.toSorted((one, other) => endOf(other) - endOf(one));
  const shortest = new Map(
    longestFirst.flatMap((scenario) =>
      Object.values(scenario.fires)
        .flat()
        .map(({ alert, severity }) => [`${alert} ${severity}`, scenario] as const),
    ),
  );
  return [...new Set(shortest.values())];
}

export const endOf = ({ fires }: Scenario): number => Math.max(...Object.keys(fires).map(secondsOf));

/** What Alertmanager gets with it. */
export function annotations(
  { alert, severity, labels }: Firing,
  text: Text,
  service: Service,
): Record<string, string> {
  const known: Record<string, string> = { ...service.labels, ...labels };
  const variables = ['cluster', 'namespace', 'job', 'instance', 'tool_name'].map((label) =>
    known[label] === undefined ? '' : `&var-${label}=${encodeURIComponent(known[label])}`,
  );
  return {
    summary: `${service.text}${subjectOf(labels)}: ${summaryOf(alert, severity)}`,
    description: ofRelease(service, text.says(service)),
    runbook_url: `https://github.com/nexus-mcp/nexus-mcp/blob/main/alerts/runbooks/${alert}.md`,
    dashboard_url: `http://localhost:3000/d/nexus-mcp-${text.dashboard}?from=now-3h&to=now${variables.join('')}`,
  };
}

/** Which of the service's tools, upstreams or instances it is about. */
const subjectOf = (labels: Firing['labels']): string =>
  (['tool_name', 'upstream', 'instance'] as const)
    .map((label) => (labels[label] === undefined ? '' : `, ${label.replace('_name', '')} ${labels[label]}`))
    .join('');

function summaryOf(alert: AlertName, severity: Severity): string {
  const found = alertSet(parametersSchema.parse({})).find(
    (some) => some.name === alert && some.severity === severity,
  );
  return found?.summary ?? '';
}

const ofRelease = ({ release }: Service, text: string): string =>
  release === undefined
    ? text
    : text.replaceAll(' -l app.', ` -l app.kubernetes.io/instance=${release},app.`);
