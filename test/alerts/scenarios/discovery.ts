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
              `For more than 5 minutes an instance of ${text} has not been told which Services are upstreams; it last was 8m 0s ago. Those it found stay; new ones have no tools, and those of Services that are gone fail. First: kubectl ${n}logs -l app.kubernetes.io/name=nexus-mcp --tail=-1 | grep 'Kubernetes API' | tail -5`,
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
