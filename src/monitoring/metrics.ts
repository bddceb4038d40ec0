import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The bounds of `mcp_tool_duration_seconds`, in seconds: a published contract that dashboards and rules rely on. */
export const DURATION_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;

/** Source: OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md, v1.41.1. */
export const OTEL_MCP_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] as const;

/** Source: OpenTelemetry semantic conventions for HTTP metrics, http.server.request.duration; the same bounds. */
const OTEL_HTTP_BUCKETS = DURATION_BUCKETS;

const RESULT_SIZE_BUCKETS = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;

interface Row {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** Whether only our own server has it, so that the library does not show it. */
  readonly serverOnly?: true;
}

const counter = <const L extends readonly string[]>(help: string, ...labels: L) =>
  ({ type: 'counter', help, labels }) as const;
const gauge = <const L extends readonly string[]>(help: string, ...labels: L) =>
  ({ type: 'gauge', help, labels }) as const;
const histogram = <const L extends readonly string[]>(
  help: string,
  buckets: readonly number[],
  ...labels: L
) => ({ type: 'histogram', help, labels, buckets }) as const;

const serverOnly = <const R extends Row>(row: R) => ({ ...row, serverOnly: true }) as const;

/** Every metric of ours, by its published name. Whatever else names a metric is generated from or held to this. */
export const METRICS = {
  mcp_tool_calls_total: counter('Total number of MCP tool calls', 'tool_name', 'status'),
  mcp_tool_duration_seconds: histogram(
    'Duration of MCP tool execution in seconds',
    DURATION_BUCKETS,
    'tool_name',
  ),
  mcp_active_sessions: gauge('Number of currently active MCP sessions'),

  mcp_tool_errors_total: counter('Failed MCP tool calls, by the reason they failed', 'tool_name', 'reason'),
  mcp_tool_calls_in_flight: gauge('MCP tool calls accepted and not yet answered', 'tool_name'),
  mcp_tool_result_size_bytes: histogram(
    'Size of MCP tool results as JSON, in bytes',
    RESULT_SIZE_BUCKETS,
    'tool_name',
  ),
  mcp_tool_info: gauge(
    'The tools this server offers; always 1',
    'tool_name',
    'toolset',
    'source',
    'isolation',
  ),

  mcp_requests_total: counter(
    'MCP requests received, by protocol method',
    'method',
    'protocol_version',
    'transport',
  ),
  mcp_server_operation_duration_seconds: histogram(
    'Duration of MCP requests as the OpenTelemetry semantic conventions define it',
    OTEL_MCP_BUCKETS,
    'mcp_method_name',
    'gen_ai_tool_name',
    'gen_ai_operation_name',
    'error_type',
    'rpc_response_status_code',
    'mcp_protocol_version',
    'network_transport',
  ),

  mcp_server_session_duration_seconds: histogram(
    'Duration of MCP sessions as the OpenTelemetry semantic conventions define it',
    OTEL_MCP_BUCKETS,
    'mcp_protocol_version',
    'network_transport',
  ),

  mcp_sessions_opened_total: counter('MCP sessions opened', 'transport'),
  mcp_sessions_closed_total: counter('MCP sessions closed, by why', 'transport', 'reason'),
  mcp_sessions_limit: serverOnly(gauge('Most MCP sessions this server keeps at a time')),
  mcp_session_duration_seconds: histogram(
    'Length of closed MCP sessions in seconds',
    [1, 10, 60, 300, 900, 1800, 3600, 14_400, 43_200, 86_400],
  ),
  mcp_session_not_found_total: serverOnly(
    counter('Requests that named an MCP session this server does not have'),
  ),
  mcp_active_subscriptions: gauge('Open subscriptions/listen streams, and resources subscribed to'),
  mcp_subscriptions_limit: serverOnly(
    gauge('Most subscriptions/listen streams this server keeps open at a time'),
  ),

  mcp_auth_failures_total: serverOnly(counter('Requests refused for their credentials', 'reason')),

  mcp_worker_pool_size: serverOnly(gauge('Worker threads alive')),
  mcp_worker_pool_busy: serverOnly(gauge('Worker threads that run a tool')),
  mcp_worker_pool_waiting: serverOnly(gauge('Calls that wait for a worker thread')),
  mcp_worker_restarts_total: serverOnly(counter('Worker threads that had to be replaced', 'reason')),

  http_server_request_duration_seconds: serverOnly(
    histogram(
      'Duration of HTTP requests in seconds',
      OTEL_HTTP_BUCKETS,
      'http_route',
      'http_request_method',
      'http_response_status_code',
    ),
  ),

  mcp_label_values_folded_total: counter(
    'Values of labels that were not among those declared, or too many, and became other',
    'metric',
    'label',
  ),
  mcp_trace_spans_total: serverOnly(counter('Spans of traces that ended, by what became of them', 'outcome')),

  mcp_build_info: gauge('What is running; always 1', 'version', 'revision', 'node_version', 'protocol'),
  nodejs_eventloop_utilization: gauge('Share of time the event loop was busy since the last scrape, 0 to 1'),
  nodejs_heap_size_limit_bytes: gauge('Heap size at which the process runs out of memory, in bytes'),
} as const satisfies Record<string, Row>;

export type MetricName = keyof typeof METRICS;

type Instrument<R extends Row> = R['type'] extends 'counter'
  ? Counter<R['labels'][number]>
  : R['type'] extends 'gauge'
    ? Gauge<R['labels'][number]>
    : Histogram<R['labels'][number]>;

export type Metrics = { readonly [Name in MetricName]: Instrument<(typeof METRICS)[Name]> };

export interface MetricsOptions {
  /** Where the metrics are registered. Default: a registry of their own. */
  readonly registry?: Registry | undefined;
  /** Whether a metric is registered; the others can be recorded and are shown nowhere. Default: all are. */
  readonly shows?: (name: MetricName) => boolean;
}

/** Creates every metric of the table. */
export function createMetrics({ registry = new Registry(), shows = () => true }: MetricsOptions = {}): {
  readonly metrics: Metrics;
  readonly registry: Registry;
} {
  const metrics = Object.entries<Row>(METRICS).map(([name, row]) => [
    name,
    createInstrument(name, row, shows(name as MetricName) ? [registry] : []),
  ]);
  return { metrics: Object.fromEntries(metrics) as Metrics, registry };
}

function createInstrument(name: string, row: Row, registers: Registry[]): Counter | Gauge | Histogram {
  const options = { name, help: row.help, labelNames: [...row.labels], registers };
  switch (row.type) {
    case 'counter':
      return new Counter(options);
    case 'gauge':
      return new Gauge(options);
    case 'histogram':
      return new Histogram({ ...options, buckets: [...(row.buckets ?? [])] });
  }
}
