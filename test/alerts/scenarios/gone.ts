import type { Scenario } from '../scenario.ts';
import { gauge, type Time } from '../series.ts';
import { listing, server, tool } from '../server.ts';

type About = NonNullable<Parameters<typeof server>[0]>;

/** A pod that is ill from its first minute, and is taken back before that is long enough for an alert. */
const takenBack = (instance: string, until: Time, about: About) =>
  server({ instance, from: '10m', until, ...about });

/** Pods that go away: windows remember them, alerts do not. */
export const goneScenarios: readonly Scenario[] = [
  {
    name: 'pods of bad rollouts are taken back, each with an illness of its own',
    about: 'every alert',
    evaluateSeconds: 30,
    series: [
      ...server({ instance: 'a' }),
      ...takenBack('unreachable', '12m', { gauges: { up: gauge({ is: 0 }) } }),
      ...takenBack('slow-loop', '11m30s', {
        gauges: {
          nodejs_eventloop_lag_p99_seconds: gauge({ is: 6 }),
          nodejs_eventloop_utilization: gauge({ is: 1 }),
          nodejs_heap_size_used_bytes: gauge({ is: 490e6 }),
        },
      }),
      ...takenBack('stale-tokens', '14m', { gauges: { mcp_token_file_current: gauge({ is: 0 }) } }),
      ...takenBack('near-limits', '17m', {
        gauges: {
          process_open_fds: gauge({ is: 1000 }),
          mcp_active_subscriptions: gauge({ is: 1000 }),
          scrape_samples_post_metric_relabeling: gauge({ is: 95_000 }),
        },
      }),
      ...takenBack('stuck', '19m', { tools: [{ ...tool('echo'), inFlight: gauge({ is: 3 }) }] }),
      ...takenBack('restarting', '44m', { restarts: ['20m', '25m', '30m', '40m'] }),
      ...takenBack('without-api', '16m', { listedServices: listing({ from: '10m', until: '60m' }) }),
      ...takenBack('without-upstream', '12m30s', { upstreams: { weather: { up: gauge({ is: 0 }) } } }),
      ...takenBack('with-fewer-tools', '24m', {
        upstreams: { weather: { dropped: { collision: gauge({ is: 3 }) } } },
      }),
    ],
    fires: Object.fromEntries(
      ['12m', '13m', '15m', '16m', '18m', '20m30s', '21m', '22m', '30m', '46m', '50m'].map((time) => [
        time,
        [],
      ]),
    ),
  },
];
