/** The public entry `nexus-mcp/monitoring`: the server's monitoring for any MCP server, and for any function. */
export { createMonitoring } from './create-monitoring.ts';
export type { Monitoring, MonitoringOptions } from './create-monitoring.ts';
export { counter, gauge, histogram } from './custom-metrics.ts';
export type {
  CustomCounter,
  CustomGauge,
  CustomHistogram,
  CustomMetric,
  CustomMetrics,
  Instruments,
  LabelValues,
} from './custom-metrics.ts';
export type { InstrumentOptions } from './instrumented-server.ts';
export type { InstrumentableServer } from './server-shape.ts';
export type { CallLogger, CallLogOptions } from './call-log.ts';
export type { MetricsHandler } from './metrics-handler.ts';
