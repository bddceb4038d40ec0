import {
  DURATION_BUCKETS,
  DURATION_STEPS,
  RESULT_SIZE_BUCKETS,
  RESULT_SIZE_STEPS,
} from '../../src/monitoring/metrics/bounds.ts';
import { createMetrics, METRICS, type MetricName } from '../../src/monitoring/metrics/metrics.ts';
import {
  OPERATION_ATTRIBUTES,
  type OperationAttribute,
} from '../../src/monitoring/metrics/operation-attributes.ts';
import type { Row } from '../../src/monitoring/metrics/row.ts';
import { RUNTIME_SAMPLES } from '../../src/monitoring/metrics/runtime.ts';

interface Options {
  readonly operationAttributes?: readonly OperationAttribute[];
  readonly mostUpstreams?: number;
  readonly issuers?: number;
}

const most = (name: MetricName, tools: number, options: Options = {}): number =>
  createMetrics(options).metrics[name].mostSamples(tools);

const OPERATIONS = 'mcp_server_operation_duration_seconds';
const REQUESTS = 'mcp_client_operation_duration_seconds';

/** The most samples that a scrape of a server can have with the buckets that are always there, as the chart's template adds them up: it knows settings, and no tools. */
export function samplesOf(tools: number) {
  const operations = most(OPERATIONS, tools);
  const names = (Object.entries(METRICS) as [MetricName, Row][]).filter(([, row]) => !row.openTelemetryName);
  const others = (count: number, mostUpstreams = 0, issuers = 0): number =>
    names.reduce((sum, [name]) => sum + most(name, count, { mostUpstreams, issuers }), RUNTIME_SAMPLES);
  return {
    others: others(tools),
    operations,
    /** What each further tool adds to them. */
    eachTool: {
      others: others(tools + 1) - others(tools),
      operations: most(OPERATIONS, tools + 1) - operations,
    },
    /** What upstreams add because there are some: their relays. */
    anyUpstream: 2 * others(tools, 1) - others(tools, 2) - others(tools),
    /** What each upstream adds, besides its tools. */
    eachUpstream: {
      others: others(tools, 2) - others(tools, 1),
      operations: most(REQUESTS, tools, { mostUpstreams: 1 }),
    },
    /** What each issuer of access tokens adds. */
    eachIssuer: others(tools, 0, 1) - others(tools),
    factors: Object.fromEntries(
      OPERATION_ATTRIBUTES.map((attribute) => [
        attribute,
        most(OPERATIONS, tools, { operationAttributes: [attribute] }) / operations,
      ]),
    ),
  };
}

const mostOfAll = (tools: number, options?: Options): number =>
  Object.values(createMetrics(options).metrics).reduce(
    (sum, metric) => sum + metric.mostSamples(tools),
    RUNTIME_SAMPLES,
  );

/** What a scrape has at most, part by part, as `nexus-mcp check` adds it up. */
export function sampleRows(): readonly (readonly [string, string])[] {
  const [none, one] = [mostOfAll(0), mostOfAll(1)];
  const [first, second] = [mostOfAll(0, { mostUpstreams: 1 }), mostOfAll(0, { mostUpstreams: 2 })];
  const counts = {
    'the server, without any tool': none,
    'each tool': one - none,
    'each upstream, besides its tools': second - first,
    'the first upstream, in addition, for its relay': 2 * first - second - none,
    'each issuer of access tokens': mostOfAll(0, { issuers: 1 }) - none,
    'in all, with 25 tools': mostOfAll(25),
    'in all, with 500 tools': mostOfAll(500),
  };
  return Object.entries(counts).map(([what, count]) => [
    what,
    count.toLocaleString('en').replaceAll(',', ' '),
  ]);
}

/** The buckets that each server has, and by which steps they go on where the settings allow more: each is a sample of every tool. */
export const BUCKETS = {
  durations: { always: DURATION_BUCKETS, steps: DURATION_STEPS },
  resultSizes: { always: RESULT_SIZE_BUCKETS, steps: RESULT_SIZE_STEPS },
};
