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
  /** One static sentence, which says what is broken; the rule puts before it whose it is. */
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

const SERVICE_TEXT =
  '{{ $labels.job }}{{ with $labels.namespace }} in {{ . }}{{ end }}{{ with $labels.cluster }} (cluster {{ . }}){{ end }}';

/** Whose alert it is: the service, and the tool, upstream or instance that the alert has as a label. */
export const SUBJECT = [
  SERVICE_TEXT,
  '{{ with $labels.tool_name }}, tool {{ . }}{{ end }}',
  '{{ with $labels.upstream }}, upstream {{ . }}{{ end }}',
  '{{ with $labels.instance }}, instance {{ . }}{{ end }}',
].join('');

/** A command for Kubernetes, where the alert has a namespace, and one for other hosts. */
const command = (kubectl: string, elsewhere: string): string =>
  `{{ with $labels.namespace }}kubectl -n {{ . }} ${kubectl}{{ else }}${elsewhere}{{ end }}`;

/** By which label commands of Kubernetes find the pods; the chart, which knows its release, adds that. */
export const POD_LABEL = 'app.kubernetes.io/name=nexus-mcp';

const PODS = `-l ${POD_LABEL}`;
const GET_PODS = `get pods ${PODS} -o wide`;
/** The first prints the processes that may be the server; the others say of those that ended when and how. */
const CONTAINERS = `{ pgrep -af 'nexus-mcp|main[.][jt]s' || echo "no process of the server here" >&2; systemctl status nexus-mcp; docker ps -a; }`;
const LOGS = `logs ${PODS} --tail=-1`;

/** The log outside of Kubernetes; what hinders that is seen, whatever is picked out of the log. */
const logsElsewhere = (docker: string, journal: string): string =>
  `{ journalctl -qu nexus-mcp -o cat${journal} | grep . || docker logs ${docker}CONTAINER || echo "no log here: name your container or unit, or cat its file instead" >&2; }`;

/** How descriptions name things and what they tell to run first. */
export const TEXT = {
  service: SERVICE_TEXT,
  tool: '{{ $labels.tool_name }}',
  percent: '{{ $value | humanizePercentage }}',
  /** A count. Increases are extrapolated, and not whole. */
  number: '{{ $value | printf "%.0f" }}',
  duration: '{{ $value | humanizeDuration }}',
  logs: command(`${LOGS} --since=15m`, logsElsewhere('--since=15m ', ' --since=-15m')),
  /** Of what is said but once, and may have been long ago. */
  allLogs: command(LOGS, logsElsewhere('', '')),
  policies: command('get networkpolicies', 'curl -sS -m 5 http://OTHER_REPLICA:PORT/livez'),
  pods: command(GET_PODS, CONTAINERS),
  /** The pods, and whether Prometheus Operator selects their monitor: `<none>` selects nothing, `map[]` everything. */
  targets: command(
    `${GET_PODS}; kubectl get servicemonitors -A ${PODS} --show-labels; kubectl get prometheus -A -o custom-columns=NAME:.metadata.name,LABELS:.spec.serviceMonitorSelector,NAMESPACES:.spec.serviceMonitorNamespaceSelector`,
    CONTAINERS,
  ),
  lastStates: command(
    `get pods ${PODS} -o json | jq -r '.items[] | .metadata.name as $pod | .status.containerStatuses[]? | select(.lastState.terminated) | [$pod, .restartCount, (.lastState.terminated | .exitCode, .reason, .finishedAt)] | @tsv'`,
    '{ journalctl -qu nexus-mcp -o cat -n 60 | grep . || echo "no journal of a unit nexus-mcp here: tail -n 60 the file of its log, or docker logs --tail 60 CONTAINER" >&2; }',
  ),
} as const;

/**
 * The end of a command that has selected lines of the log: shows the last of them, and of each line what helps.
 * @param fields what jq shows of a line
 */
export const lastLines = (fields: string): string => `tail -5 | jq -cR 'fromjson? | {${fields}}'`;

/**
 * Counts what the log of the last 15 minutes has of a kind, the most frequent first; a line of folded ones counts as all of them.
 * @param which the condition of jq for a line
 * @param fields what jq makes of a line: lines with the same are counted together
 */
export const countedLines = (which: string, fields: string): string =>
  `${TEXT.logs} | jq -rR 'fromjson? | select(${which}) | [.folded // 1, ${fields}] | map(. // "-") | @tsv' | awk '{ n = $1; $1 = ""; sum[$0] += n } END { for (line in sum) print sum[line] line }' | sort -rn | head`;

/**
 * Counts the slow calls by tool, outcome, caller and client: for whom it is slow.
 * @param which further conditions of jq
 */
export const slowCalls = (seconds: number, which = ''): string =>
  countedLines(`.run_seconds > ${seconds}${which}`, '.tool, .reason // "success", .caller, .client_name');

/**
 * The tools with calls in flight, those first that hold most places, and those that take longest; an answer without them, such
 * as that it wants a token, as it is.
 */
export const IN_FLIGHT =
  'if .activity then .verdict.detail, .places, (.activity.tools | sort_by(.running) | reverse[] | select(.in_flight > 0) | {name, running, in_flight}) else . end';
export const SLOWEST =
  'if .activity then .verdict.detail, ([.activity.tools[] | select(.source != "upstream" and .p95_seconds != null) | {name, p95_seconds}] | sort_by(-.p95_seconds) | .[:3]) else . end';

/** What the server says of itself; an answer without a verdict, such as that it wants a token, as it is. */
export const VERDICT = '.verdict // .';

/** Of the alert's service, in a query that a text shows. */
export const OF_ALERT =
  'job="{{ $labels.job }}", namespace="{{ $labels.namespace }}", cluster="{{ $labels.cluster }}"';

/** Of the alert's service, in a query that `worked` or `answerOf` completes. */
export const OF_SERVICE = 'job=%q, namespace=%q, cluster=%q';
export const SERVICE_LABELS = '$labels.job $labels.namespace $labels.cluster';

/** A sentence for hosts, where the alert names no instance: each of which may have the fault. */
export const HOSTS = `{{ if not $labels.namespace }} Its hosts:{{ range printf \`sum by (instance) (max_over_time(up{${OF_SERVICE}}[1d]))\` ${SERVICE_LABELS} | query }} {{ .Labels.instance }}{{ end }}.{{ end }}`;

/** An instance to ask: a query of the labels `instance` and `pod`, which begins with `OF_SERVICE`, and what completes the rest of it. */
type Asked = readonly [query: string, ...labels: readonly string[]];

/** The alert's own instance. */
export const HERE: Asked = [`up{${OF_SERVICE}, instance=%q}`, '$labels.instance'];

/** The instance of which a query says most, among those that answer: a pod that was replaced has numbers for as long as the query looks back. */
export const mostOf = (query: string, ...labels: readonly string[]): Asked => [
  `topk(1, ${query} and on (instance, pod) up{${OF_SERVICE}} == 1)`,
  ...labels,
  SERVICE_LABELS,
];

/** The command that shows what an instance answers at the port that is scraped: it can be pasted outside of Kubernetes, too. */
export const answerOf = (path: string, shown: string, [query, ...labels]: Asked): string =>
  [
    '{{ $at := "INSTANCE:PORT" }}{{ $pod := "POD" }}',
    `{{ with printf \`${query}\` ${[SERVICE_LABELS, ...labels].join(' ')} | query }}{{ with first . }}{{ $at = label "instance" . }}{{ $pod = or (label "pod" .) "POD" }}{{ end }}{{ end }}`,
    command(
      `exec {{ $pod }} -- node -e 'fetch("http://localhost:{{ reReplaceAll "^.*:" "" $at }}${path}", {signal: AbortSignal.timeout(15000)}).then(async (answer) => console.log(await answer.text()))'`,
      `curl -sS -m 15 http://{{ $at }}${path}`,
    ),
    ` | ${shown}`,
  ].join('');

/**
 * Shows a part of the status page, such as the verdict.
 * @param filter what jq shows of the page
 */
export const statusOf = (filter: string, ...asked: Asked): string =>
  answerOf('/', `jq -c '${filter}'`, asked);

/**
 * Shows metrics of the alert's instance; an answer without any, such as that it wants a token, as it is.
 * @param names a regular expression of what their lines begin with
 */
export const metricsHere = (names: string): string =>
  answerOf('/metrics', `grep -E '^(${names}|[{]"error")'`, HERE);
