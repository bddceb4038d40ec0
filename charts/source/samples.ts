import { createMetrics, METRICS, type MetricName, type Row } from '../../src/monitoring/metrics/metrics.ts';
import {
  OPERATION_ATTRIBUTES,
  type OperationAttribute,
} from '../../src/monitoring/metrics/operation-attributes.ts';
import { RUNTIME_SAMPLES } from '../../src/monitoring/metrics/runtime.ts';

const most = (
  name: MetricName,
  tools: number,
  operationAttributes: readonly OperationAttribute[] = [],
): number => createMetrics({ operationAttributes }).metrics[name].mostSamples(tools);

const OPERATIONS = 'mcp_server_operation_duration_seconds';

/** The most samples that a scrape of a server can have, as the chart's template adds them up: it knows settings, and no tools. */
export function samplesOf(tools: number) {
  const operations = most(OPERATIONS, tools);
  const others = (Object.entries(METRICS) as [MetricName, Row][]).filter(([, row]) => !row.openTelemetryName);
  return {
    others: others.reduce((sum, [name]) => sum + most(name, tools), RUNTIME_SAMPLES),
    operations,
    factors: Object.fromEntries(
      OPERATION_ATTRIBUTES.map((attribute) => [attribute, most(OPERATIONS, tools, [attribute]) / operations]),
    ),
  };
}
