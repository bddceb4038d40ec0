import { INSTANCE, SERVICE } from '../../alerts/source/promql.ts';
import type { Dashboard, Panel } from './dashboard.ts';
import { PAGE, pageFrom, PARAMETERS, TICKET, ticketFrom } from './limits.ts';
import { increase, median, ours, over, rate, series, share, sum } from './queries.ts';
import { callsByTool } from './tool-panels.ts';
import { INSTANCE_LEGEND, SERVICE_LEGEND } from './words.ts';

const loop: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How late is the event loop?',
    description: `The 99th percentile of its delay, the medians of 5 and of 10 minutes, by instance. Good: below ${PARAMETERS.eventLoopLagSeconds} s. Above it for 10 minutes some tool does heavy work on the loop; above ${PARAMETERS.eventLoopBlockedSeconds} s every call, probe and scrape waits, and it pages. Compare with the calls beside it.`,
    queries: [
      {
        expr: ours(median('nodejs_eventloop_lag_p99_seconds', 300)),
        legend: `${INSTANCE_LEGEND} 5m: pages above ${PARAMETERS.eventLoopBlockedSeconds} s`,
      },
      {
        expr: ours(median('nodejs_eventloop_lag_p99_seconds', 600)),
        legend: `${INSTANCE_LEGEND} 10m: ticket above ${PARAMETERS.eventLoopLagSeconds} s`,
      },
    ],
    unit: 's',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.eventLoopLagSeconds), pageFrom(PARAMETERS.eventLoopBlockedSeconds)],
    alerts: ['NexusMCPEventLoopBlocked', 'NexusMCPEventLoopLagging'],
  },
  {
    kind: 'timeseries',
    title: 'How busy is the event loop?',
    description: `The share of time it works, the mean of 10 minutes, by instance. Good: below ${PARAMETERS.eventLoopUtilization * 100} %. Above it load turns into waiting: add replicas, or isolate the heaviest tool.`,
    queries: [{ expr: ours(over('avg', 'nodejs_eventloop_utilization', 600)), legend: INSTANCE_LEGEND }],
    unit: 'percentunit',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.eventLoopUtilization)],
    max: 1,
    alerts: ['NexusMCPEventLoopSaturated'],
  },
  callsByTool({
    title: 'Which tools run meanwhile?',
    description:
      'Calls a second by tool. Good: no line moves with lag, memory or CPU. One that does is the cause: give its tool `isolation: worker`, or switch it off with `tools.disabled`. Click a line to look at its tool alone.',
  }),
];

const memory: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How full is the heap?',
    description: `What is left on the heap after garbage collections, as a share of its limit: the least of 10 minutes, by instance. Good: below ${PARAMETERS.heapRatio * 100} %, and flat. A line that rises for hours is a leak: restart the instance before it reaches the top.`,
    queries: [
      {
        expr: share(
          ours(over('min', 'nodejs_heap_size_used_bytes', 600)),
          over('max', 'nodejs_heap_size_limit_bytes', 600),
        ),
        legend: INSTANCE_LEGEND,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.heapRatio)],
    max: 1,
    alerts: ['NexusMCPHeapNearLimit'],
  },
  {
    kind: 'timeseries',
    title: 'How much memory does it take?',
    description:
      'Memory of the process, and the limit of its heap, by instance. Good: well below what its container may have. Memory that grows while the heap does not is buffers, or worker threads.',
    queries: [
      { expr: ours(series('process_resident_memory_bytes')), legend: `${INSTANCE_LEGEND} resident` },
      {
        expr: series('nodejs_heap_size_limit_bytes'),
        legend: `${INSTANCE_LEGEND} heap limit`,
        color: TICKET,
      },
    ],
    unit: 'bytes',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How much time does garbage collection take?',
    description:
      'The share of time spent collecting, by kind and instance. Good: below a few percent. Much `major` with a full heap: the end is near.',
    queries: [
      {
        expr: sum(ours(rate('nodejs_gc_duration_seconds_sum')), INSTANCE, 'kind'),
        legend: `{{kind}} ${INSTANCE_LEGEND}`,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data',
  },
];

const process: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How much CPU does it use?',
    description:
      'Cores in use, by instance: the event loop can fill one, worker threads the rest. Good: below what its container may have. All instances near one: add replicas.',
    queries: [{ expr: ours(rate('process_cpu_seconds_total')), legend: INSTANCE_LEGEND }],
    unit: 'short',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How many file descriptors are open?',
    description: `Open ones as a share of what the process may open, by instance. Good: below ${PARAMETERS.fileDescriptorRatio * 100} %. One that only rises is a leak of connections: compare with sessions.`,
    queries: [
      {
        expr: share(ours(over('max', 'process_open_fds', 300)), over('max', 'process_max_fds', 300)),
        legend: INSTANCE_LEGEND,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.fileDescriptorRatio)],
    max: 1,
    alerts: ['NexusMCPFileDescriptorsNearLimit'],
  },
  {
    kind: 'timeseries',
    title: 'Does it restart?',
    description: `Starts of each instance within an hour. Good: 0 but for deploys. More than ${PARAMETERS.restarts}: see why the last one ended with \`kubectl describe pod\`.`,
    queries: [
      { expr: ours(`changes(${series('process_start_time_seconds')}[1h])`), legend: INSTANCE_LEGEND },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.restarts)],
    alerts: ['NexusMCPRestarting'],
  },
];

const workers: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Is the worker pool full?',
    description:
      'Worker threads alive and busy, and calls of isolated tools that wait for one, by instance. Good: nothing waits. All busy and calls waiting: a tool is slow, or the pool is small.',
    queries: [
      { expr: series('mcp_worker_pool_size'), legend: `alive ${INSTANCE_LEGEND}` },
      { expr: series('mcp_worker_pool_busy'), legend: `busy ${INSTANCE_LEGEND}` },
      { expr: series('mcp_worker_pool_waiting'), legend: `calls waiting ${INSTANCE_LEGEND}`, color: PAGE },
    ],
    unit: 'short',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'Why are worker threads replaced?',
    description: `Threads replaced within 30 minutes, by reason and service. Good: none. More than ${PARAMETERS.workerRestarts}: \`timeout\` and \`cancelled\` are tools cut in the middle, \`out_of_memory\` and \`crashed\` tools that break.`,
    queries: [
      {
        expr: sum(increase('mcp_worker_restarts_total', 1800), SERVICE, 'reason'),
        legend: `{{reason}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.workerRestarts)],
    alerts: ['NexusMCPWorkerRestarts'],
  },
  {
    kind: 'timeseries',
    title: 'What keeps the process busy?',
    description:
      'Connections, timers and other resources that it holds, by type and instance. Good: as many as calls and sessions explain. A type that only rises is a leak.',
    queries: [
      {
        expr: sum(ours(series('nodejs_active_resources')), INSTANCE, 'type'),
        legend: `{{type}} ${INSTANCE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
  },
];

/** The process: what it is short of. */
export const runtime: Dashboard = {
  name: 'runtime',
  title: 'Runtime',
  answers:
    'Is an instance short of time, memory, CPU, file descriptors or worker threads, and which tool takes them?',
  sections: [
    { heading: 'Event loop', panels: loop },
    { heading: 'Memory', panels: memory },
    { heading: 'Process', panels: process },
    { heading: 'Worker threads and resources', panels: workers },
  ],
};
