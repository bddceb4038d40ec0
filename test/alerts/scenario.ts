import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import type { Alert } from '../../alerts/source/alert.ts';
import { parametersSchema, type Severity } from '../../alerts/source/parameters.ts';
import { alertSet, ruleFile, ruleGroups, type RuleGroup } from '../../alerts/source/rules.ts';
import { promtool } from './promtool.ts';
import { counter, gauge, notation, renamed, secondsOf, type Series, type Time } from './series.ts';
import { calls, server, tool } from './server.ts';

export type AlertName = Alert['name'];

/** What Prometheus knows a service by, and how descriptions name it. */
export interface Service {
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
  /** The flag of kubectl for its namespace. */
  readonly n: string;
  /** Which major version stores its series. */
  readonly prometheus: 2 | 3;
}

/**
 * With and without a cluster, without a namespace, under the name of a Helm release. For each alert one scenario happens to all
 * of these at once, so that each must be told from the others; the other scenarios take turns.
 */
const SERVICES: readonly Service[] = [
  {
    labels: { job: 'nexus-mcp', namespace: 'tools' },
    text: 'nexus-mcp in tools',
    n: '-n tools ',
    prometheus: 2,
  },
  {
    labels: { cluster: 'eu', job: 'nexus-mcp', namespace: 'tools' },
    text: 'nexus-mcp in tools (cluster eu)',
    n: '-n tools ',
    prometheus: 3,
  },
  { labels: { job: 'my-release-nexus-mcp' }, text: 'my-release-nexus-mcp', n: '', prometheus: 3 },
];

interface Bystander {
  readonly labels: Readonly<Record<string, string>>;
  readonly series: readonly Series[];
}

/** A busy healthy service of the same name elsewhere, and a broken one of somebody else: nothing fires for either. */
const BYSTANDERS: readonly Bystander[] = [
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
  /** To whom a scenario happens. */
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
  servicesOf: (scenario, index) =>
    crowded.includes(scenario) ? SERVICES : SERVICES.filter((_, place) => place === index % SERVICES.length),
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

const endOf = ({ fires }: Scenario): number => Math.max(...Object.keys(fires).map(secondsOf));

/** Runs all scenarios in one go. Returns what promtool found wrong with each, by name. */
export async function play(
  scenarios: readonly Scenario[],
  { servicesOf, crowded = () => false, rulesFor }: Stage,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ruleTexts = [...new Set(scenarios.flatMap(rulesFor))];
  const ruleNames = (scenario: Scenario): readonly string[] =>
    rulesFor(scenario).map((text) => `rules-${ruleTexts.indexOf(text)}.yaml`);
  const files = Object.fromEntries([
    ...ruleTexts.map((text, index) => [`rules-${index}.yaml`, text]),
    ...scenarios.map((scenario, index) => [
      `${index}.yaml`,
      unitTest(scenario, index, ruleNames(scenario), {
        services: servicesOf(scenario, index),
        bystanders: crowded(scenario) ? BYSTANDERS : [],
      }),
    ]),
  ]) as Record<string, string>;
  // One process plays one scenario after the other; the first are as long as the rest.
  const halves = [0, 1].map((half) =>
    scenarios.flatMap((_, index) => (index % 2 === half ? `${index}.yaml` : [])),
  );
  const runs = await Promise.all(
    halves.filter(({ length }) => length > 0).map((tests) => promtool(['test', 'rules', ...tests], files)),
  );
  const found = runs.flatMap(({ output }) => complaintsIn(output));
  const general = found.filter((text) => !/scenario \d+!/.test(text));
  const failed = runs.some(({ exitCode }) => exitCode !== 0);
  if (general.length > 0 || (failed && found.length === 0))
    throw new Error(['promtool failed', ...general].join('\n'));
  return new Map(
    scenarios.map(({ name }, index) => [name, found.filter((text) => text.includes(marker(index)))]),
  );
}

/** In the test's name and its queries, so that promtool's complaints say whose they are. */
const marker = (index: number): string => `scenario ${index}!`;

/** What promtool prints besides that it tests a file, and that it passes or fails, by paragraphs and tests. */
const complaintsIn = (output: string): readonly string[] =>
  output
    .split(/\n\n|\n(?= {4}(?:name|expr): )/)
    .map((text) => text.replaceAll(/^(?:Unit Testing:.*| {2}SUCCESS| {2}FAILED:)$/gm, '').trimEnd())
    .filter((text) => text !== '');

/** Who is there when a scenario is played. */
interface Cast {
  readonly services: readonly Service[];
  readonly bystanders: readonly Bystander[];
}

/** The scenario as a file of promtool's. */
function unitTest(
  scenario: Scenario,
  index: number,
  ruleFiles: readonly string[],
  { services, bystanders }: Cast,
): string {
  const { fires, scrapeSeconds = 30, evaluateSeconds = 60 } = scenario;
  const grid = { scrapeSeconds, samples: Math.floor(endOf(scenario) / scrapeSeconds) + 1 };
  const stored = (series: readonly Series[], labels: Service['labels'], prometheus: Time | undefined) =>
    series
      .flatMap((some) => storedBy3From(prometheus, some))
      .map(({ name, labels: own, values }) => ({
        series: `${name}${matchers({ ...labels, ...own })}`,
        values: notation(values(grid)),
      }));
  return stringify({
    rule_files: ruleFiles,
    evaluation_interval: `${evaluateSeconds}s`,
    // Without it promtool takes the groups in any order, and alerts may read ratios of the time before.
    group_eval_order: RULES.map(({ name }) => name),
    tests: [
      {
        name: marker(index),
        interval: `${scrapeSeconds}s`,
        input_series: [
          ...services.flatMap(({ labels, prometheus }) =>
            stored(scenario.series, labels, scenario.upgraded ?? (prometheus === 3 ? '0s' : undefined)),
          ),
          ...bystanders.flatMap(({ labels, series }) => stored(series, labels, undefined)),
        ],
        promql_expr_test: Object.entries(fires).map(([time, expected]) => ({
          expr: `ALERTS{alertstate="firing", alertname!="${marker(index)}"}`,
          eval_time: time,
          exp_samples: expected.flatMap((some) =>
            affected(some, services).map((service) => ({
              labels: `ALERTS${matchers(alertLabels(some, service))}`,
              value: 1,
            })),
          ),
        })),
        alert_rule_test: Object.entries(fires).flatMap(([time, expected]) =>
          textTests(time, expected, services),
        ),
      },
    ],
  });
}

export const matchers = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;

/** Prometheus 3 stores the bucket that Prometheus 2 stored as `le="5"` as `le="5.0"`. */
function storedBy3From(time: Time | undefined, series: Series): readonly Series[] {
  const { le } = series.labels;
  if (time === undefined || le === undefined || !/^\d+$/.test(le)) return [series];
  const labels = { ...series.labels, le: `${le}.0` };
  return time === '0s' ? [{ ...series, labels }] : renamed(series, time, labels);
}

const affected = ({ labels: { job } }: Firing, services: readonly Service[]): readonly Service[] =>
  services.filter(({ labels }) => job === undefined || labels['job'] === job);

const alertLabels = ({ alert, severity, labels }: Firing, service: Service): Record<string, string> => ({
  alertname: alert,
  alertstate: 'firing',
  severity,
  ...service.labels,
  ...labels,
});

/** promtool wants every firing alert of a name at once; where one has its text, all must. */
function textTests(
  time: Time,
  expected: readonly Firing[],
  services: readonly Service[],
): readonly unknown[] {
  const names = new Set(expected.flatMap(({ alert, text }) => (text ? [alert] : [])));
  return [...names].map((alertname) => ({
    eval_time: time,
    alertname,
    exp_alerts: expected
      .filter(({ alert }) => alert === alertname)
      .flatMap((some) =>
        affected(some, services).map((service) => ({
          exp_labels: { severity: some.severity, ...service.labels, ...some.labels },
          exp_annotations: annotations(some, service),
        })),
      ),
  }));
}

function annotations({ alert, severity, labels, text }: Firing, service: Service): Record<string, string> {
  if (!text) throw new Error(`${alert}: the texts of all that fire at once, or of none`);
  const known: Record<string, string> = { ...service.labels, ...labels };
  const variables = ['cluster', 'namespace', 'job', 'instance', 'tool_name'].map((label) =>
    known[label] === undefined ? '' : `&var-${label}=${encodeURIComponent(known[label])}`,
  );
  return {
    summary: `${service.text}${subjectOf(labels)}: ${summaryOf(alert, severity)}`,
    description: text.says(service),
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
