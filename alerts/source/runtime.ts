import { HERE, lastLines, metricsHere, SLOWEST, statusOf, TEXT, type Alert } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { PromQL, SERVICE, sumBy } from './promql.ts';

/** The process is short of something: time, memory, descriptors, threads. */
export function runtimeAlerts(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  const here = `{{ $labels.instance }} of ${TEXT.service}`;
  const slowest = statusOf(SLOWEST, ...HERE);
  const lag = (window: number): string => promql.median('nodejs_eventloop_lag_p99_seconds', window);
  return [
    {
      name: 'NexusMCPEventLoopBlocked',
      severity: 'critical',
      threshold: 'eventLoopBlockedSeconds',
      expr: promql.ofTargets(`${lag(300)} > ${parameters.eventLoopBlockedSeconds}`),
      forSeconds: 120,
      keepFiringForSeconds: 300,
      summary: 'The event loop is blocked, and every call waits.',
      description: `The event loop of ${here} was late by ${TEXT.duration} or more (99th percentile) for half of the last 5 minutes. Every call, probe and scrape waits for it. The server names its slowest tools, after some seconds: the one that blocks, or its victims; step 1 of the runbook prints the line of code that runs. First: ${slowest}`,
      dashboard: 'runtime',
    },
    {
      name: 'NexusMCPEventLoopLagging',
      severity: 'warning',
      threshold: 'eventLoopLagSeconds',
      expr: promql.ofTargets(`${lag(600)} > ${parameters.eventLoopLagSeconds}`),
      forSeconds: 300,
      keepFiringForSeconds: 600,
      summary: 'The event loop is late.',
      description: `The event loop of ${here} was late by ${TEXT.duration} or more (99th percentile) for half of the last 10 minutes: a tool does heavy work on it. First: ${slowest}`,
      dashboard: 'runtime',
    },
    {
      name: 'NexusMCPEventLoopSaturated',
      severity: 'warning',
      threshold: 'eventLoopUtilization',
      expr: promql.ofTargets(
        `${promql.over('avg', 'nodejs_eventloop_utilization', 600)} > ${parameters.eventLoopUtilization}`,
      ),
      forSeconds: 600,
      keepFiringForSeconds: 600,
      summary: 'The event loop has no time left.',
      description: `The event loop of ${here} was busy ${TEXT.percent} of the last 10 minutes. More calls will only wait longer. First: ${slowest}`,
      dashboard: 'runtime',
    },
    {
      name: 'NexusMCPHeapNearLimit',
      severity: 'warning',
      threshold: 'heapRatio',
      // The least of ten minutes: what is left after garbage collections, not their saw teeth.
      expr: promql.ofTargets(
        `${promql.over('min', 'nodejs_heap_size_used_bytes', 600)} / (${promql.over('max', 'nodejs_heap_size_limit_bytes', 600)} > 0) > ${parameters.heapRatio}`,
      ),
      forSeconds: 600,
      keepFiringForSeconds: 600,
      summary: 'The heap is nearly full.',
      description: `The heap of ${here} has not been below ${TEXT.percent} of its limit for 10 minutes, not even after garbage collections. At the limit the process ends. The metrics show how full it is, and what may fill it: sessions or calls in flight. First: ${metricsHere('nodejs_heap_size_(used|limit)_bytes|mcp_active_sessions|mcp_tool_calls_in_flight.* [1-9]')}`,
      dashboard: 'runtime',
    },
    {
      name: 'NexusMCPFileDescriptorsNearLimit',
      severity: 'warning',
      threshold: 'fileDescriptorRatio',
      expr: promql.ofTargets(
        `${promql.over('max', 'process_open_fds', 300)} / (${promql.over('max', 'process_max_fds', 300)} > 0) > ${parameters.fileDescriptorRatio}`,
      ),
      forSeconds: 600,
      keepFiringForSeconds: 600,
      summary: 'The process runs out of file descriptors.',
      description: `${here} had ${TEXT.percent} of its file descriptors open within the last 5 minutes; at the limit it takes no more connections. The metrics show what may hold them: connections, sessions or calls in flight. First: ${metricsHere('process_(open|max)_fds|http_server_open_connections|mcp_active_sessions|mcp_tool_calls_in_flight.* [1-9]')}`,
      dashboard: 'runtime',
    },
    {
      name: 'NexusMCPWorkerRestarts',
      severity: 'warning',
      threshold: 'workerRestarts',
      expr: `${sumBy(`${SERVICE}, reason`, promql.increase('mcp_worker_restarts_total', 1800))} > ${parameters.workerRestarts}`,
      forSeconds: 300,
      keepFiringForSeconds: 900,
      summary: 'Worker threads are replaced again and again.',
      description: `${TEXT.number} worker threads of ${TEXT.service} were replaced in 30 minutes (reason {{ $labels.reason }}): calls of isolated tools run into their deadline, their memory limit or a crash. First: ${TEXT.logs} | grep 'worker thread' | ${lastLines('time, reason, tool, error: (.err.message? // .err)')}`,
      dashboard: 'runtime',
    },
  ];
}
