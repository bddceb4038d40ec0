import { Registry } from 'prom-client';
import { REASONS, WORKER_RESTART_REASONS } from '../../tools/reasons.ts';
import { AUTH_METRICS, issuerRows } from './auth-metrics.ts';
import { DURATION_BUCKETS, RESULT_SIZE_BUCKETS } from './bounds.ts';
import { counter, exactly, follows, gauge, given, histogram, TOOLS } from './declaration.ts';
import { createInstrument, type MetricOf, type TraceId } from './instruments.ts';
import {
  AUDIT_OUTCOMES,
  CONNECTION_CUT_REASONS,
  HTTP_OPERATIONS,
  HTTP_ROUTES,
  HTTP_STATUS_CODES,
  METHODS,
  PROTOCOL_VERSIONS,
  PEER_MESSAGES,
  PEER_OUTCOMES,
  SESSION_CLOSE_REASONS,
  SESSION_NOT_FOUND_REASONS,
  SPAN_OUTCOMES,
  TRANSPORTS,
} from './labels.ts';
import { NETWORK_TRANSPORTS, OPERATION_LABELS, operationLabels } from './operation.ts';
import type { OperationAttribute } from './operation-attributes.ts';
import { onUse, openTelemetry, serverOnly, type Row } from './row.ts';
import { DISCOVERY_METRICS, relayRows, UPSTREAM_METRICS, upstreamRows } from './upstream-metrics.ts';

/** Source: OpenTelemetry semantic conventions for HTTP metrics, http.server.request.duration; the same bounds. */
const OTEL_HTTP_BUCKETS = DURATION_BUCKETS;

/** Every metric of ours, by its published name. Whatever else names a metric is generated from or held to this. */
export const METRICS = {
  mcp_tool_calls_total: {
    ...counter('Total number of MCP tool calls', { tool_name: TOOLS, status: exactly(['success', 'error']) }),
    unknownTool: { status: ['error'] },
  },
  mcp_tool_duration_seconds: histogram('Duration of MCP tool execution in seconds', DURATION_BUCKETS, {
    tool_name: TOOLS,
  }),
  mcp_active_sessions: gauge('Number of currently active MCP sessions'),

  mcp_tool_errors_total: {
    ...counter('Failed MCP tool calls, by reason', {
      tool_name: TOOLS,
      reason: exactly(REASONS),
    }),
    // Others occur only in the library, where a tool may be called before its name is known, and where upstreams are relayed.
    unknownTool: { reason: ['unknown_tool', 'rate_limited'] },
  },
  mcp_tool_calls_in_flight: gauge('MCP tool calls accepted and not yet answered', { tool_name: TOOLS }),
  mcp_tool_result_size_bytes: histogram('Size of MCP tool results as JSON, in bytes', RESULT_SIZE_BUCKETS, {
    tool_name: TOOLS,
  }),
  mcp_tool_info: gauge('The tools this server offers; always 1', {
    tool_name: TOOLS,
    toolset: follows('tool_name'),
    source: follows('tool_name'),
    isolation: follows('tool_name'),
  }),

  mcp_requests_total: onUse(
    counter('MCP requests received, by protocol method', {
      method: METHODS,
      protocol_version: PROTOCOL_VERSIONS,
      transport: exactly(TRANSPORTS),
    }),
  ),
  // The largest: for each tool and each other method, 4 outcomes.
  mcp_server_operation_duration_seconds: openTelemetry(
    'Duration of MCP requests as the OpenTelemetry semantic conventions define it',
    OPERATION_LABELS,
  ),
  mcp_server_session_duration_seconds: openTelemetry(
    'Duration of MCP sessions as the OpenTelemetry semantic conventions define it',
    { mcp_protocol_version: PROTOCOL_VERSIONS, network_transport: exactly(NETWORK_TRANSPORTS) },
  ),

  mcp_sessions_opened_total: counter('MCP sessions opened', { transport: exactly(TRANSPORTS) }),
  mcp_sessions_resumed_total: counter(
    'MCP sessions resumed here, after another process had held them or this one had dropped them',
    {
      transport: exactly(TRANSPORTS),
    },
  ),
  mcp_sessions_closed_total: counter('MCP sessions that this server holds no longer, by reason', {
    transport: exactly(TRANSPORTS),
    reason: exactly(SESSION_CLOSE_REASONS),
  }),
  mcp_sessions_limit: serverOnly(gauge('Most MCP sessions this server keeps at a time')),
  mcp_session_duration_seconds: histogram(
    'How long this server held MCP sessions, in seconds',
    [1, 10, 60, 300, 900, 1800, 3600, 14_400, 43_200, 86_400],
  ),
  mcp_session_not_found_total: serverOnly(
    counter('Requests refused for their MCP session id, by reason', {
      reason: exactly(SESSION_NOT_FOUND_REASONS),
    }),
  ),
  mcp_peer_messages_total: serverOnly(
    counter('Messages of MCP sessions sent to other replicas, by outcome', {
      kind: exactly(PEER_MESSAGES),
      outcome: exactly(PEER_OUTCOMES),
    }),
  ),
  mcp_active_subscriptions: gauge('Open subscriptions/listen streams'),
  mcp_subscriptions_limit: serverOnly(
    gauge('Most subscriptions/listen streams this server keeps open at a time'),
  ),

  ...UPSTREAM_METRICS,
  ...DISCOVERY_METRICS,

  ...AUTH_METRICS,

  mcp_audit_events_total: serverOnly(
    onUse(
      counter('Audit events, by outcome: accepted for writing, or lost because too many waited', {
        outcome: exactly(AUDIT_OUTCOMES),
      }),
    ),
  ),
  mcp_audit_write_errors_total: serverOnly(
    onUse(counter('Failed attempts to write audit events or to open their file again; each is retried')),
  ),

  mcp_worker_pool_size: serverOnly(gauge('Worker threads alive')),
  mcp_worker_pool_busy: serverOnly(gauge('Worker threads that run a tool')),
  mcp_worker_pool_waiting: serverOnly(gauge('Calls that wait for a worker thread')),
  mcp_worker_restarts_total: serverOnly(
    counter('Worker threads replaced, by reason', { reason: exactly(WORKER_RESTART_REASONS) }),
  ),

  http_server_request_duration_seconds: serverOnly(
    onUse(
      histogram('Duration of HTTP requests in seconds', OTEL_HTTP_BUCKETS, {
        // Both are held to what the server serves by who records them. Each route has a method for those it does not serve.
        http_route: exactly(HTTP_ROUTES),
        http_request_method: follows('http_route', given(HTTP_OPERATIONS.length)),
        http_response_status_code: HTTP_STATUS_CODES,
      }),
    ),
  ),

  http_server_open_connections: serverOnly(gauge('Open connections of clients')),
  http_server_connections_limit: serverOnly(gauge('Most connections of clients that are open at a time')),
  http_server_buffered_bytes: serverOnly(
    gauge('Bytes kept for clients: requests being read, and answers that clients have not read yet'),
  ),
  http_server_connections_cut_total: serverOnly(
    counter('Connections cut or refused, by reason', {
      reason: exactly(CONNECTION_CUT_REASONS),
    }),
  ),

  mcp_label_values_folded_total: counter(
    'Label values replaced by other, because they were not declared or too many',
    // One for each label above whose values may be folded; in the library, tools and its user's metrics come besides.
    { metric: given(4), label: follows('metric') },
  ),
  mcp_trace_spans_total: serverOnly(
    counter('Ended spans of traces, by outcome', { outcome: exactly(SPAN_OUTCOMES) }),
  ),

  mcp_metrics_samples: gauge('Samples in a scrape, without those of Node, the process and custom metrics'),
  mcp_metrics_samples_limit: gauge(
    'Highest value that mcp_metrics_samples can reach with the tools that are offered now',
  ),

  mcp_build_info: gauge('The version that is running; always 1', {
    version: given(1),
    revision: given(1),
    node_version: given(1),
    protocol: given(1),
  }),
  nodejs_eventloop_utilization: gauge(
    'Share of the last 30 to 60 seconds that the event loop was busy, 0 to 1',
  ),
  nodejs_heap_size_limit_bytes: gauge('Heap size at which the process runs out of memory, in bytes'),
} as const satisfies Record<string, Row>;

export type MetricName = keyof typeof METRICS;

export type Metrics = {
  readonly [Name in MetricName]: MetricOf<(typeof METRICS)[Name], TraceId>;
};

export interface MetricsOptions {
  /** Where the metrics are registered. Default: a registry of their own. */
  readonly registry?: Registry | undefined;
  /** Whether a metric is exposed: all are recorded, and those that are not exposed are shown nowhere. Default: all are. */
  readonly exposes?: (name: MetricName, declaration: Row) => boolean;
  /** Seconds since the epoch, for the traced calls that samples of OpenMetrics point to. */
  readonly unixTime?: () => number;
  /** What operations are broken down by besides. Default: nothing. */
  readonly operationAttributes?: readonly OperationAttribute[];
  /** Bounds of the durations of tools beyond those that are always there, in seconds. Default: none. */
  readonly durationBuckets?: readonly number[];
  /** Bounds of the sizes of results beyond those that are always there, in bytes. Default: none. */
  readonly resultSizeBuckets?: readonly number[];
  /** Most upstreams there are at a time. Default: there are none. */
  readonly mostUpstreams?: number;
  /** Issuers of access tokens. Default: there are none. */
  readonly issuers?: number;
}

/** The table, with what operations are broken down by and buckets there are besides. */
function rowsWith({
  operationAttributes = [],
  durationBuckets = [],
  resultSizeBuckets = [],
  mostUpstreams = 0,
  issuers = 0,
}: MetricsOptions): Readonly<Record<string, Row>> {
  const rows = {
    ...METRICS,
    ...upstreamRows(mostUpstreams),
    ...issuerRows(issuers),
    mcp_tool_duration_seconds: {
      ...METRICS.mcp_tool_duration_seconds,
      buckets: [...DURATION_BUCKETS, ...durationBuckets],
    },
    mcp_tool_result_size_bytes: {
      ...METRICS.mcp_tool_result_size_bytes,
      buckets: [...RESULT_SIZE_BUCKETS, ...resultSizeBuckets],
    },
    mcp_server_operation_duration_seconds: {
      ...METRICS.mcp_server_operation_duration_seconds,
      labels: operationLabels(operationAttributes),
    },
  };
  return mostUpstreams === 0 ? rows : { ...rows, ...relayRows(rows) };
}

/** Creates every metric of the table. */
export function createMetrics(options: MetricsOptions = {}): {
  readonly metrics: Metrics;
  readonly registry: Registry;
} {
  const { registry = new Registry(), exposes = () => true, unixTime = () => Date.now() / 1000 } = options;
  const folded = (metric: string, label: string): void => {
    metrics.mcp_label_values_folded_total.inc({ metric, label });
  };
  const instruments = Object.entries(rowsWith(options)).map(([name, declaration]) => {
    const registers = exposes(name as MetricName, declaration) ? [registry] : [];
    const { record, bind, upkeep } = createInstrument(name, declaration, { registers, unixTime, folded });
    return [name, { ...record, bind, ...upkeep }];
  });
  const metrics = Object.fromEntries(instruments) as Metrics;
  return { metrics, registry };
}
