/** The commands that descriptions tell to run first, by the flag of kubectl for a namespace; without one, those of other hosts. */
const command =
  (kubectl: string, elsewhere: string) =>
  (n: string): string =>
    n === '' ? elsewhere : `kubectl ${n}${kubectl}`;

const PODS = '-l app.kubernetes.io/name=nexus-mcp';

const NO_LOG = 'echo "no log here: name your container or unit, or cat its file instead" >&2';

const HOST_PROCESSES = `{ pgrep -af 'nexus-mcp|main[.][jt]s' || echo "no process of the server here" >&2; systemctl status nexus-mcp; docker ps -a; }`;

export const logs = command(
  `logs ${PODS} --tail=-1 --since=15m`,
  `{ journalctl -qu nexus-mcp -o cat --since=-15m | grep . || docker logs --since=15m CONTAINER || ${NO_LOG}; }`,
);
export const allLogs = command(
  `logs ${PODS} --tail=-1`,
  `{ journalctl -qu nexus-mcp -o cat | grep . || docker logs CONTAINER || ${NO_LOG}; }`,
);
export const pods = command(`get pods ${PODS} -o wide`, HOST_PROCESSES);
export const targets = command(
  `get pods ${PODS} -o wide; kubectl get servicemonitors -A ${PODS} --show-labels; kubectl get prometheus -A -o custom-columns=NAME:.metadata.name,LABELS:.spec.serviceMonitorSelector,NAMESPACES:.spec.serviceMonitorNamespaceSelector`,
  HOST_PROCESSES,
);
export const policies = command('get networkpolicies', 'curl -sS -m 5 http://OTHER_REPLICA:PORT/livez');
export const lastStates = command(
  `get pods ${PODS} -o json | jq -r '.items[] | .metadata.name as $pod | .status.containerStatuses[]? | select(.lastState.terminated) | [$pod, .restartCount, (.lastState.terminated | .exitCode, .reason, .finishedAt)] | @tsv'`,
  '{ journalctl -qu nexus-mcp -o cat -n 60 | grep . || echo "no journal of a unit nexus-mcp here: tail -n 60 the file of its log, or docker logs --tail 60 CONTAINER" >&2; }',
);

/** The hosts of the service, where it runs on such. */
export const hosts = (n: string): string => (n === '' ? ' Its hosts: a:9999.' : '');

export const IN_FLIGHT =
  'if .activity then .verdict.detail, .places, (.activity.tools | sort_by(.running) | reverse[] | select(.in_flight > 0) | {name, running, in_flight}) else . end';
export const SLOWEST =
  'if .activity then .verdict.detail, ([.activity.tools[] | select(.source != "upstream" and .p95_seconds != null) | {name, p95_seconds}] | sort_by(-.p95_seconds) | .[:3]) else . end';

/** What the instance answers that the scenarios have. */
export const answer = (n: string, path: string): string =>
  n === ''
    ? `curl -sS -m 15 http://a:9999${path}`
    : `kubectl ${n}exec nexus-mcp-a -- node -e 'fetch("http://localhost:9999${path}", {signal: AbortSignal.timeout(15000)}).then(async (answer) => console.log(await answer.text()))'`;

export const status = (n: string, filter = '.verdict // .'): string =>
  `${answer(n, '/')} | jq -c '${filter}'`;

export const metrics = (n: string, names: string): string =>
  `${answer(n, '/metrics')} | grep -E '^(${names}|[{]"error")'`;

export const slowCalls = (n: string, which: string): string =>
  countedLines(n, `.run_seconds > ${which}`, '.tool, .reason // "success", .caller, .client_name');

export const countedLines = (n: string, which: string, fields: string): string =>
  `${logs(n)} | jq -rR 'fromjson? | select(${which}) | [.folded // 1, ${fields}] | map(. // "-") | @tsv' | awk '{ n = $1; $1 = ""; sum[$0] += n } END { for (line in sum) print sum[line] line }' | sort -rn | head`;

/** The labels of the service, in a query that a text shows. */
export const ofAlert = ({
  job = '',
  namespace = '',
  cluster = '',
}: Readonly<Record<string, string>>): string =>
  `job="${job}", namespace="${namespace}", cluster="${cluster}"`;
