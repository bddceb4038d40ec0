/** The commands that descriptions tell to run first, by the flag of kubectl for a namespace; without one, those of other hosts. */
const command =
  (kubectl: string, elsewhere: string) =>
  (n: string): string =>
    n === '' ? elsewhere : `kubectl ${n}${kubectl}`;

const PODS = '-l app.kubernetes.io/name=nexus-mcp';

export const logs = command(
  `logs ${PODS} --tail=-1 --since=15m`,
  '{ docker logs --since=15m CONTAINER || journalctl -u nexus-mcp -o cat --since=-15m; } 2>&1',
);
export const allLogs = command(
  `logs ${PODS} --tail=-1`,
  '{ docker logs CONTAINER || journalctl -u nexus-mcp -o cat; } 2>&1',
);
export const pods = command(`get pods ${PODS} -o wide`, 'docker ps -a, or systemctl status nexus-mcp');
export const policies = command('get networkpolicies', 'look at the firewalls between the replicas');
export const lastStates = command(
  `describe pods ${PODS} | grep -A5 'Last State'`,
  'docker ps -a, or journalctl -u nexus-mcp, for the exit codes',
);

export const IN_FLIGHT =
  'if .activity then (.activity.tools[] | select(.in_flight > 0) | {name, in_flight}) else . end';
export const SLOWEST =
  'if .activity then .verdict.detail, ([.activity.tools[] | {name, p95_seconds}] | sort_by(.p95_seconds) | .[-3:]) else . end';

/** A part of the status page of the instance that the scenarios have. */
export const status = (n: string, filter = '.verdict // .'): string =>
  `${n === '' ? 'curl -sS -m 15 http://a:9999/' : `kubectl ${n}exec nexus-mcp-a -- node -e 'fetch("http://localhost:9999/").then(async (answer) => console.log(await answer.text()))'`} | jq -c '${filter}'`;
