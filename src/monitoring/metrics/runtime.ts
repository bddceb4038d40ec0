import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, type Gauge, type Registry } from 'prom-client';
import { eventLoop } from './event-loop.ts';
import { heapLimit } from './heap.ts';
import { atScrape } from './instruments.ts';
import type { Metrics } from './metrics.ts';

/** Room for the samples of Node and the process, of which there are 70 to 90. */
export const RUNTIME_SAMPLES = 150;

export interface BuildInfo {
  readonly version: string;
  /** The commit the build was made from, or `unknown`. */
  readonly revision: string;
  /** The newest protocol revision served, or `unknown`. */
  readonly protocol: string;
}

/** Says what is running; dashboards and rules know by it which series are ours. */
export function describeBuild(metrics: Metrics, build: BuildInfo): void {
  metrics.mcp_build_info.set({ ...build, node_version: process.version }, 1);
}

/**
 * Adds what is measured of the process itself: the `nodejs_` and `process_` defaults and what they lack.
 * @param nodeOptions the variable `NODE_OPTIONS`, where it is known
 */
export function collectRuntime(registry: Registry, metrics: Metrics, nodeOptions?: string): void {
  collectDefaultMetrics({ register: registry });
  // prom-client rounds to seconds, in which several replicas may start; this tells them apart.
  const startTime = registry.getSingleMetric('process_start_time_seconds') as Gauge;
  atScrape(startTime, () => performance.timeOrigin / 1000);
  metrics.nodejs_heap_size_limit_bytes.set({}, heapLimit(nodeOptions));
  const loop = eventLoop();
  metrics.nodejs_eventloop_utilization.atScrape(() => loop.read().utilization);
  // prom-client's own begin anew with each scrape, whoever it is that scrapes.
  for (const what of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'] as const) {
    const lag = registry.getSingleMetric(`nodejs_eventloop_lag_${what}_seconds`) as Gauge;
    atScrape(lag, () => loop.read()[what]);
  }
}
