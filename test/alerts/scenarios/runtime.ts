import { logs, metrics, SLOWEST, status } from '../commands.ts';
import { page, ticket, type AlertName, type Scenario } from '../scenario.ts';
import { counter, gauge, once } from '../series.ts';
import { on, server } from '../server.ts';

type Gauges = NonNullable<NonNullable<Parameters<typeof server>[0]>['gauges']>;
type GaugeName = keyof Gauges;

/** One replica has a gauge too high for an hour, the other is well. */
const tooHigh = (name: GaugeName, well: number, ill: number) => [
  ...server({
    instance: 'a',
    gauges: { [name]: gauge({ is: well, until: '15m' }, { is: ill, until: '1h' }, { is: well }) },
  }),
  ...server({ instance: 'b' }),
];

/** Values just below the threshold. */
const nearly = (alert: AlertName, name: GaugeName, is: number): Scenario => ({
  name: `${name} at ${is}`,
  about: [alert],
  series: server({ gauges: { [name]: gauge({ is }) } }),
  fires: { '20m': [], '40m': [] },
});

/** One scrape fails while the alert waits, as happens more when something is short. */
const despiteGap = (alert: AlertName, name: GaugeName, is: number): Scenario => ({
  name: `${name} at ${is}, with failed scrapes`,
  about: [alert],
  series: server({ gauges: { [name]: gauge({ is }) }, failedScrapes: ['9m', '18m', '27m', '36m'] }),
  fires: { '30m': [ticket(alert, on('a'))] },
});

export const runtimeScenarios: readonly Scenario[] = [
  {
    name: 'the event loop is blocked',
    about: ['NexusMCPEventLoopBlocked', 'NexusMCPEventLoopLagging'],
    evaluateSeconds: 30,
    series: tooHigh('nodejs_eventloop_lag_p99_seconds', 0.01, 2),
    fires: {
      '15m': [],
      '18m': [],
      '22m': [
        page('NexusMCPEventLoopBlocked', on('a'), {
          says: ({ text, n }) =>
            `The event loop of a:9999 of ${text} was late by 2s or more (99th percentile) for half of the last 5 minutes. Every call, probe and scrape waits for it. The server names its slowest tools, after some seconds: the one that blocks, or its victims; step 1 of the runbook prints the line of code that runs. First: ${status(n, SLOWEST)}`,
          dashboard: 'runtime',
        }),
      ],
      '27m': [
        page('NexusMCPEventLoopBlocked', on('a')),
        ticket('NexusMCPEventLoopLagging', on('a'), {
          says: ({ text, n }) =>
            `The event loop of a:9999 of ${text} was late by 2s or more (99th percentile) for half of the last 10 minutes: a tool does heavy work on it. First: ${status(n, SLOWEST)}`,
          dashboard: 'runtime',
        }),
      ],
      '1h4m': [page('NexusMCPEventLoopBlocked', on('a')), ticket('NexusMCPEventLoopLagging', on('a'))],
      '1h21m': [],
    },
  },
  {
    name: 'the event loop is late, and not blocked',
    about: ['NexusMCPEventLoopBlocked'],
    series: server({ gauges: { nodejs_eventloop_lag_p99_seconds: gauge({ is: 0.95 }) } }),
    fires: { '4m': [], '20m': [ticket('NexusMCPEventLoopLagging', on('a'))] },
  },
  nearly('NexusMCPEventLoopLagging', 'nodejs_eventloop_lag_p99_seconds', 0.19),
  {
    name: 'the event loop is blocked once, for half a minute',
    about: ['NexusMCPEventLoopBlocked', 'NexusMCPEventLoopLagging'],
    evaluateSeconds: 30,
    series: server({
      gauges: {
        nodejs_eventloop_lag_p99_seconds: gauge(
          { is: 0.01, until: '10m' },
          { is: 29, until: '10m30s' },
          { is: 0.01 },
        ),
      },
    }),
    fires: { '11m': [], '13m': [], '15m': [], '18m': [], '21m': [] },
  },
  {
    name: 'a process is slow to start',
    about: ['NexusMCPEventLoopBlocked', 'NexusMCPEventLoopLagging', 'NexusMCPEventLoopSaturated'],
    evaluateSeconds: 30,
    series: server({
      from: '5m',
      gauges: {
        nodejs_eventloop_lag_p99_seconds: gauge({ is: 12, until: '5m30s' }, { is: 0.01 }),
        nodejs_eventloop_utilization: gauge({ is: 1, until: '6m' }, { is: 0.1 }),
      },
    }),
    fires: { '6m': [], '8m': [], '10m': [], '16m': [] },
  },
  {
    name: 'the event loop is always busy',
    about: ['NexusMCPEventLoopSaturated'],
    series: tooHigh('nodejs_eventloop_utilization', 0.2, 0.98),
    fires: {
      '25m': [],
      '32m': [],
      '40m': [
        ticket('NexusMCPEventLoopSaturated', on('a'), {
          says: ({ text, n }) =>
            `The event loop of a:9999 of ${text} was busy 98% of the last 10 minutes. More calls will only wait longer. First: ${status(n, SLOWEST)}`,
          dashboard: 'runtime',
        }),
      ],
      '1h8m': [ticket('NexusMCPEventLoopSaturated', on('a'))],
      '1h15m': [],
    },
  },
  nearly('NexusMCPEventLoopSaturated', 'nodejs_eventloop_utilization', 0.89),
  {
    name: 'the heap stays nearly full',
    about: ['NexusMCPHeapNearLimit'],
    series: tooHigh('nodejs_heap_size_used_bytes', 60e6, 450e6),
    fires: {
      '24m': [],
      '34m': [],
      '37m': [
        ticket('NexusMCPHeapNearLimit', on('a'), {
          says: ({ text, n }) =>
            `The heap of a:9999 of ${text} has not been below 90% of its limit for 10 minutes, not even after garbage collections. At the limit the process ends. The metrics show how full it is, and what may fill it: sessions or calls in flight. First: ${metrics(n, 'nodejs_heap_size_(used|limit)_bytes|mcp_active_sessions|mcp_tool_calls_in_flight.* [1-9]')}`,
          dashboard: 'runtime',
        }),
      ],
      '1h8m': [ticket('NexusMCPHeapNearLimit', on('a'))],
      '1h12m': [],
    },
  },
  nearly('NexusMCPHeapNearLimit', 'nodejs_heap_size_used_bytes', 424e6),
  despiteGap('NexusMCPHeapNearLimit', 'nodejs_heap_size_used_bytes', 450e6),
  {
    name: 'the heap fills and is collected, again and again',
    about: ['NexusMCPHeapNearLimit'],
    series: server({
      gauges: {
        nodejs_heap_size_used_bytes: ({ samples }) =>
          Array.from({ length: samples }, (_, index) => (index % 10 === 0 ? 100e6 : 490e6)),
      },
    }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'file descriptors run out',
    about: ['NexusMCPFileDescriptorsNearLimit'],
    series: tooHigh('process_open_fds', 40, 896),
    fires: {
      '24m': [],
      '26m': [
        ticket('NexusMCPFileDescriptorsNearLimit', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} had 87.5% of its file descriptors open within the last 5 minutes; at the limit it takes no more connections. The metrics show what may hold them: connections, sessions or calls in flight. First: ${metrics(n, 'process_(open|max)_fds|http_server_open_connections|mcp_active_sessions|mcp_tool_calls_in_flight.* [1-9]')}`,
          dashboard: 'runtime',
        }),
      ],
      '1h13m': [ticket('NexusMCPFileDescriptorsNearLimit', on('a'))],
      '1h17m': [],
    },
  },
  nearly('NexusMCPFileDescriptorsNearLimit', 'process_open_fds', 819),
  despiteGap('NexusMCPFileDescriptorsNearLimit', 'process_open_fds', 1000),
  {
    name: 'worker threads are replaced every other minute',
    about: ['NexusMCPWorkerRestarts'],
    series: [
      ...server({
        instance: 'a',
        workerRestarts: { out_of_memory: counter({ perSecond: 1 / 120, until: '45m' }, { perSecond: 0 }) },
      }),
      ...server({ instance: 'b' }),
    ],
    fires: {
      '10m': [],
      '30m': [ticket('NexusMCPWorkerRestarts', { reason: 'out_of_memory' })],
      '40m': [
        ticket(
          'NexusMCPWorkerRestarts',
          { reason: 'out_of_memory' },
          {
            says: ({ text, n }) =>
              `15 worker threads of ${text} were replaced in 30 minutes (reason out_of_memory): calls of isolated tools run into their deadline, their memory limit or a crash. First: ${logs(n)} | grep 'worker thread' | tail -5 | jq -cR 'fromjson? | {time, reason, tool, error: (.err.message? // .err)}'`,
            dashboard: 'runtime',
          },
        ),
      ],
      '1h25m': [],
    },
  },
  {
    name: 'four worker threads are replaced at once, for each reason',
    about: ['NexusMCPWorkerRestarts'],
    series: server({
      workerRestarts: { timeout: once('10m', 4), crashed: once('10m', 4), out_of_memory: once('12m', 4) },
    }),
    fires: { '17m': [], '30m': [] },
  },
];
