import { lastLines, TEXT, type Alert } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { maxBy, PromQL, SERVICE } from './promql.ts';

const FIVE_MINUTES = 300;

/** How upstreams are found in Kubernetes. */
export function discoveryAlerts(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  // The latest of some minutes, so that a scrape that fails does not begin them anew.
  const age = `time() - ${promql.over('max', 'mcp_discovery_last_sync_timestamp_seconds', FIVE_MINUTES)}`;
  return [
    {
      name: 'NexusMCPDiscoveryStale',
      severity: 'warning',
      expr: `${maxBy(SERVICE, `\n${promql.ofTargets(age)}\n`)} > ${FIVE_MINUTES}`,
      forSeconds: 120,
      keepFiringForSeconds: 300,
      summary: 'The list of upstreams in Kubernetes is out of date.',
      description: `For more than 5 minutes an instance of ${TEXT.service} has had no list of upstream Services from the Kubernetes API; the last one came ${TEXT.duration} ago. Upstreams that it knows stay; new upstreams have no tools here, and tools of deleted ones fail. First: ${TEXT.allLogs} | grep 'Kubernetes API' | ${lastLines('time, namespace, reason, why')}`,
      dashboard: 'fleet',
    },
  ];
}
