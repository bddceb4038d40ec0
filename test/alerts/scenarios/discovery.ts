import { allLogs } from '../commands.ts';
import { ticket, type Scenario } from '../scenario.ts';
import { listing, server } from '../server.ts';

const STALE = 'NexusMCPDiscoveryStale';

/** Upstreams that are found in Kubernetes. */
export const discoveryScenarios: readonly Scenario[] = [
  {
    name: 'one of two replicas cannot list Services for ten minutes',
    about: [STALE],
    series: [
      ...server({
        instance: 'a',
        listedServices: listing({ from: '15m', until: '25m' }),
        failedScrapes: ['21m30s'],
      }),
      ...server({ instance: 'b', listedServices: listing({ from: '50m', until: '50m' }) }),
    ],
    fires: {
      '15m': [],
      '21m': [],
      '23m': [
        ticket(
          STALE,
          {},
          {
            says: ({ text, n }) =>
              `For more than 5 minutes an instance of ${text} has had no list of upstream Services from the Kubernetes API; the last one came 8m 0s ago. Upstreams that it knows stay; new upstreams have no tools here, and tools of deleted ones fail. First: ${allLogs(n)} | grep 'Kubernetes API' | tail -5 | jq -cR 'fromjson? | {time, namespace, reason, why}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '29m': [ticket(STALE, {})],
      '32m': [],
    },
  },
  {
    name: 'the Kubernetes API is away for four minutes, twice, and one server looks for no upstreams',
    about: [STALE],
    series: [
      ...server({ instance: 'a', listedServices: listing({ from: '15m', until: '19m' }) }),
      ...server({ instance: 'b', listedServices: listing({ from: '25m', until: '29m' }) }),
      ...server({ instance: 'c' }),
    ],
    fires: { '19m': [], '21m': [], '29m': [], '31m': [] },
  },
];
