import { ticket, type Scenario } from '../scenario.ts';
import { gauge } from '../series.ts';
import { server } from '../server.ts';

const ALERT = 'NexusMCPUpstreamDown';
const fires = (upstream: string) => ticket(ALERT, { upstream });

/** The other MCP servers whose tools are offered. */
export const upstreamScenarios: readonly Scenario[] = [
  {
    name: 'an upstream that nobody calls goes down for one of two replicas, and comes back',
    about: [ALERT],
    series: [
      ...server({
        instance: 'a',
        upstreams: {
          weather: gauge({ is: 1, until: '15m' }, { is: 0, until: '40m' }, { is: 1 }),
          maps: gauge({ is: 1 }),
        },
        failedScrapes: ['20m'],
      }),
      ...server({ instance: 'b', upstreams: { weather: gauge({ is: 1 }), maps: gauge({ is: 1 }) } }),
    ],
    fires: {
      '15m': [],
      '19m': [],
      '22m': [
        ticket(
          ALERT,
          { upstream: 'weather' },
          {
            says: ({ text, n }) =>
              `Upstream weather of ${text} was up for only 0% of the last 5 minutes, seen from the instance that reaches it worst. Its tools stay listed, and their calls fail as unavailable. First: kubectl ${n}logs -l app.kubernetes.io/name=nexus-mcp --tail=-1 | grep 'upstream is' | tail -5`,
            dashboard: 'fleet',
          },
        ),
      ],
      '40m': [fires('weather')],
      '50m': [],
    },
  },
  {
    name: 'an upstream is restarted, twice',
    about: [ALERT],
    series: server({
      upstreams: {
        weather: gauge(
          { is: 1, until: '15m' },
          { is: 0, until: '17m' },
          { is: 1, until: '30m' },
          { is: 0, until: '32m' },
          { is: 1 },
        ),
      },
    }),
    fires: { '18m': [], '25m': [], '33m': [], '40m': [] },
  },
];
