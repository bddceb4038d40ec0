/** The public entry `nexus-mcp/monitoring`: the server's monitoring for any MCP server, and for any function. */
export { createMonitoring } from './library/create-monitoring.ts';
export type { Monitoring, MonitoringOptions } from './library/monitoring.ts';
export type { Instrumentable } from './library/instrumentable.ts';
export type { ServerStrategy, SessionClass, SessionServers } from './library/frameworks.ts';
export type { McpHandler } from './door/listens.ts';
export { counter, gauge, histogram } from './library/custom-metrics.ts';
export type { OperationAttribute } from './metrics/operation-attributes.ts';
export type { LabelValues } from './metrics/declaration.ts';
export type {
  CounterInstrument as CustomCounter,
  GaugeInstrument as CustomGauge,
  HistogramInstrument as CustomHistogram,
} from './metrics/instruments.ts';
export type { CustomMetric, CustomMetrics, Instruments } from './library/custom-metrics.ts';
export type { InstrumentOptions } from './library/instrumented-server.ts';
export type { InstrumentableServer } from './library/server-shape.ts';
export type { CallLogger, CallLogOptions } from './call-log.ts';
export type { MetricsHandler } from './metrics/metrics-handler.ts';
