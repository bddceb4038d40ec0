import { ERROR_REASONS, REASONS, UNKNOWN_TOOL, type ErrorReason } from '../../../src/tools/reasons.ts';
import { ticket, type Scenario } from '../scenario.ts';
import { counter, gauge, once, sum, type Values } from '../series.ts';
import { calls, server, tool, type Tool } from '../server.ts';

const everyAlert = 'every alert' as const;

const deploying = [tool('echo', calls('success', counter({ perSecond: 10 })))];

const flat =
  (value: number): Values =>
  ({ samples }) =>
    Array.from({ length: samples }, () => value);

const mistaken = (reason: ErrorReason): Tool =>
  tool(
    reason === 'unknown_tool' ? UNKNOWN_TOOL : 'fetch',
    calls(reason, counter({ perSecond: 0, until: '10m' }, { perSecond: 10 })),
  );

/** Only a client over its quota is worth a ticket. */
const fires = (reason: ErrorReason): Scenario['fires'] => {
  const some = reason === 'rate_limited' ? [ticket('NexusMCPClientsRateLimited')] : [];
  return { '11m': [], '25m': some, '30m': some };
};

/** What every server lives through. Nothing may fire. */
const ordinary: readonly Scenario[] = [
  {
    name: 'a server that nobody has ever called',
    about: everyAlert,
    series: ['a', 'b'].flatMap((instance) =>
      server({ instance, issuers: { 'https://idp.example': { from: '0s', until: '0s' } } }),
    ),
    fires: { '5m': [], '30m': [], '1h20m': [] },
  },
  {
    name: 'a server that nobody calls any more, with calls and failures behind it',
    about: everyAlert,
    series: server({
      tools: [
        tool(
          'echo',
          // Before the first scrape that Prometheus remembers: flat and above zero.
          calls('success', flat(5000)),
          calls('exception', flat(70), 9),
        ),
      ],
      notFound: { unknown: flat(100) },
      authFailures: { missing: flat(1000) },
      workerRestarts: { crashed: flat(100) },
    }),
    fires: { '5m': [], '30m': [], '1h20m': [] },
  },
  {
    name: 'one call fails in an empty night',
    about: everyAlert,
    evaluateSeconds: 30,
    series: server({ tools: [tool('echo', calls('exception', once('30m'), 9))] }),
    fires: { '31m': [], '32m': [], '34m': [], '40m': [], '50m': [] },
  },
  {
    name: 'one call fails in a night with one call an hour, all of it slow',
    about: everyAlert,
    evaluateSeconds: 120,
    series: server({
      tools: [
        tool(
          'echo',
          calls('success', sum(once('10m'), once('1h10m'), once('2h10m')), 9),
          calls('timeout', once('2h40m'), 10),
        ),
      ],
    }),
    fires: { '2h45m': [], '3h': [], '4h': [] },
  },
  {
    name: 'steady calls of many durations',
    about: everyAlert,
    series: ['a', 'b'].flatMap((instance) =>
      server({
        instance,
        tools: [
          tool(
            'echo',
            calls('success', counter({ perSecond: 9.6 }), 0.02),
            calls('success', counter({ perSecond: 0.4 }), 3),
            calls('exception', counter({ perSecond: 0.04 })),
          ),
        ],
      }),
    ),
    fires: { '5m': [], '1h': [] },
  },
  {
    name: 'one scrape of a busy server fails',
    about: everyAlert,
    evaluateSeconds: 30,
    series: server({
      tools: [tool('echo', calls('success', counter({ perSecond: 10 })))],
      failedScrapes: ['20m'],
    }),
    fires: { '20m': [], '20m30s': [], '22m': [], '31m': [] },
  },
  {
    name: 'a server cannot be scraped for the first two minutes of its life',
    about: everyAlert,
    evaluateSeconds: 30,
    series: server({
      from: '5m',
      tools: [tool('echo', calls('success', counter({ perSecond: 0, until: '5m' }, { perSecond: 10 })))],
      failedScrapes: ['5m', '5m30s', '6m', '6m30s', '7m'],
      gauges: { nodejs_eventloop_lag_p99_seconds: gauge({ is: 6, until: '8m' }, { is: 0.01 }) },
    }),
    fires: { '6m': [], '7m30s': [], '9m': [], '13m': [], '20m': [] },
  },
  {
    name: 'a deploy replaces pods one by one',
    about: everyAlert,
    evaluateSeconds: 30,
    series: [
      ...server({ instance: 'a', until: '20m', tools: deploying }),
      ...server({ instance: 'b', until: '21m', tools: deploying }),
      ...server({ instance: 'c', from: '19m', tools: deploying }),
      ...server({ instance: 'd', from: '20m', tools: deploying }),
    ],
    fires: { '19m30s': [], '20m30s': [], '22m': [], '25m': [], '31m': [] },
  },
  {
    name: 'a deploy ends all pods before it starts new ones',
    about: everyAlert,
    evaluateSeconds: 30,
    series: [
      ...server({ instance: 'a', until: '20m', tools: deploying }),
      ...server({ instance: 'b', from: '22m', tools: deploying }),
    ],
    fires: { '20m30s': [], '22m': [], '24m': [], '32m': [] },
  },
  {
    name: 'a process starts again and its counters with it',
    about: everyAlert,
    series: server({ tools: deploying, restarts: ['20m', '40m'] }),
    fires: { '20m': [], '22m': [], '41m': [], '50m': [] },
  },
  {
    name: 'a server that exposes none of the metrics but its build',
    about: everyAlert,
    series: server().filter(({ name }) => ['up', 'mcp_build_info', 'scrape_samples_scraped'].includes(name)),
    fires: { '5m': [], '30m': [] },
  },
  {
    name: 'a server was never there',
    about: everyAlert,
    series: [],
    fires: { '5m': [], '1h': [] },
  },
];

/** Callers' mistakes, ten a second: nobody is paged, and the objective is not touched. */
const callersMistakes: readonly Scenario[] = REASONS.filter(
  (reason) => !ERROR_REASONS[reason].serverFault,
).flatMap((reason): readonly Scenario[] => [
  {
    name: `nothing but ${reason}`,
    about: everyAlert,
    series: server({ tools: [tool('echo'), mistaken(reason)] }),
    fires: fires(reason),
  },
  {
    name: `${reason} beside calls that succeed`,
    about: everyAlert,
    series: server({
      tools: [tool('echo', calls('success', counter({ perSecond: 1 }))), mistaken(reason)],
      // A cancelled call of an isolated tool costs its worker thread.
      workerRestarts: { cancelled: counter({ perSecond: reason === 'cancelled' ? 0.002 : 0 }) },
    }),
    fires: fires(reason),
  },
]);

export const quietScenarios: readonly Scenario[] = [...ordinary, ...callersMistakes];
