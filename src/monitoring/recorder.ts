import type { CallObserver, CallRecord } from '../tools/call.ts';
import { REASONS, UNKNOWN_TOOL, WORKER_RESTART_REASONS, type WorkerRestartReason } from '../tools/outcome.ts';
import {
  AUTH_FAILURE_REASONS,
  HTTP_METHODS,
  METHODS,
  PROTOCOL_VERSIONS,
  SESSION_CLOSE_REASONS,
  SPAN_OUTCOMES,
  TRANSPORTS,
  oneOf,
  type AuthFailureReason,
  type SessionCloseReason,
  type SpanOutcome,
  type TransportName,
} from './labels.ts';
import { Exemplars } from './exemplars.ts';
import { DURATION_BUCKETS, OTEL_MCP_BUCKETS, type Metrics } from './metrics.ts';
import { labelsOf, networkTransportOf, type Operation } from './operation.ts';
import { atScrape } from './runtime.ts';

/** What the gauges read when they are scraped; those without a source stay at 0. */
export interface GaugeSources {
  readonly sessions: () => number;
  readonly sessionsLimit?: number;
  readonly subscriptions: () => number;
  readonly subscriptionsLimit?: number;
  readonly workers?: () => { readonly size: number; readonly busy: number; readonly waiting: number };
}

/** What is said of a tool in `mcp_tool_info`. */
export interface MeasuredTool {
  readonly name: string;
  readonly toolset: string;
  /** `library` for a tool of a server that is not ours. */
  readonly source: 'builtin' | 'module' | 'library';
  readonly isolation: 'none' | 'worker';
}

/**
 * Every `inc`, `observe` and `set` of ours. A label value is one the server registered or one of the closed
 * sets of labels.ts, never text from the wire.
 */
export class Recorder implements CallObserver {
  /** Traced calls that samples of OpenMetrics point to. */
  readonly exemplars = new Exemplars();
  readonly #metrics: Metrics;
  readonly #openTelemetryNames: boolean;

  constructor(
    metrics: Metrics,
    tools: readonly MeasuredTool[],
    options: { readonly openTelemetryNames: boolean },
  ) {
    this.#metrics = metrics;
    this.#openTelemetryNames = options.openTelemetryNames;
    for (const tool of tools) this.addTool(tool);
    this.#createSeries();
  }

  /** Creates the series of a tool at 0, so that `increase()` sees its first error. */
  addTool({ name: tool_name, toolset, source, isolation }: MeasuredTool): void {
    const metrics = this.#metrics;
    metrics.mcp_tool_info.set({ tool_name, toolset, source, isolation }, 1);
    metrics.mcp_tool_calls_in_flight.set({ tool_name }, 0);
    metrics.mcp_tool_duration_seconds.zero({ tool_name });
    metrics.mcp_tool_result_size_bytes.zero({ tool_name });
    for (const status of ['success', 'error']) metrics.mcp_tool_calls_total.inc({ tool_name, status }, 0);
    for (const reason of REASONS) metrics.mcp_tool_errors_total.inc({ tool_name, reason }, 0);
  }

  /** All other bounded series exist from the start, too. */
  #createSeries(): void {
    const metrics = this.#metrics;
    metrics.mcp_tool_calls_total.inc({ tool_name: UNKNOWN_TOOL, status: 'error' }, 0);
    for (const reason of ['unknown_tool', 'rate_limited'])
      metrics.mcp_tool_errors_total.inc({ tool_name: UNKNOWN_TOOL, reason }, 0);
    for (const transport of TRANSPORTS) {
      metrics.mcp_sessions_opened_total.inc({ transport }, 0);
      for (const reason of SESSION_CLOSE_REASONS)
        metrics.mcp_sessions_closed_total.inc({ transport, reason }, 0);
    }
    for (const reason of AUTH_FAILURE_REASONS) metrics.mcp_auth_failures_total.inc({ reason }, 0);
    for (const reason of WORKER_RESTART_REASONS) metrics.mcp_worker_restarts_total.inc({ reason }, 0);
    for (const outcome of SPAN_OUTCOMES) metrics.mcp_trace_spans_total.inc({ outcome }, 0);
  }

  /** Binds the gauges to what they measure. */
  watch({ sessions, sessionsLimit, subscriptions, subscriptionsLimit, workers }: GaugeSources): void {
    const metrics = this.#metrics;
    atScrape(metrics.mcp_active_sessions, sessions);
    atScrape(metrics.mcp_active_subscriptions, subscriptions);
    if (sessionsLimit !== undefined) metrics.mcp_sessions_limit.set(sessionsLimit);
    if (subscriptionsLimit !== undefined) metrics.mcp_subscriptions_limit.set(subscriptionsLimit);
    if (!workers) return;
    atScrape(metrics.mcp_worker_pool_size, () => workers().size);
    atScrape(metrics.mcp_worker_pool_busy, () => workers().busy);
    atScrape(metrics.mcp_worker_pool_waiting, () => workers().waiting);
  }

  started(tool_name: string): void {
    this.#metrics.mcp_tool_calls_in_flight.inc({ tool_name });
  }

  finished(record: CallRecord): void {
    const { tool: tool_name, status, runSeconds, resultBytes } = record;
    const metrics = this.#metrics;
    metrics.mcp_tool_calls_total.inc({ tool_name, status });
    if (record.status === 'error') metrics.mcp_tool_errors_total.inc({ tool_name, reason: record.reason });
    if (runSeconds !== undefined) metrics.mcp_tool_duration_seconds.observe({ tool_name }, runSeconds);
    if (resultBytes !== undefined) metrics.mcp_tool_result_size_bytes.observe({ tool_name }, resultBytes);
    if (tool_name !== UNKNOWN_TOOL) metrics.mcp_tool_calls_in_flight.dec({ tool_name });
    if (record.call.trace?.sampled) this.#pointTo(record, record.call.trace.traceId);
  }

  #pointTo(record: CallRecord, traceId: string): void {
    const { tool, runSeconds } = record;
    if (runSeconds !== undefined) {
      const le = boundOf(DURATION_BUCKETS, runSeconds);
      this.exemplars.set('mcp_tool_duration_seconds_bucket', [tool, le], traceId, runSeconds);
    }
    if (record.status === 'error')
      this.exemplars.set('mcp_tool_errors_total', [tool, record.reason], traceId, 1);
  }

  /** A request reached the protocol layer. */
  request(method: string, protocolVersion: string | undefined, transport: TransportName): void {
    this.#metrics.mcp_requests_total.inc({
      method: oneOf(METHODS, method),
      protocol_version: oneOf(PROTOCOL_VERSIONS, protocolVersion),
      transport,
    });
  }

  /** A request was answered. */
  operation(operation: Operation): void {
    if (!this.#openTelemetryNames) return;
    const { seconds, traceId } = operation;
    const labels = labelsOf(operation);
    this.#metrics.mcp_server_operation_duration_seconds.observe(labels, seconds);
    if (traceId !== undefined) {
      const values = [...Object.values(labels), boundOf(OTEL_MCP_BUCKETS, seconds)];
      this.exemplars.set('mcp_server_operation_duration_seconds_bucket', values, traceId, seconds);
    }
  }

  sessionOpened(transport: TransportName): void {
    this.#metrics.mcp_sessions_opened_total.inc({ transport });
  }

  /** @param protocolVersion the revision that was agreed on, when one was */
  sessionClosed(
    transport: TransportName,
    reason: SessionCloseReason,
    seconds: number,
    protocolVersion: string | undefined,
  ): void {
    this.#metrics.mcp_sessions_closed_total.inc({ transport, reason });
    this.#metrics.mcp_session_duration_seconds.observe(seconds);
    if (!this.#openTelemetryNames) return;
    const labels = {
      mcp_protocol_version: oneOf(PROTOCOL_VERSIONS, protocolVersion),
      network_transport: networkTransportOf(transport),
    };
    this.#metrics.mcp_server_session_duration_seconds.observe(labels, seconds);
  }

  sessionNotFound(): void {
    this.#metrics.mcp_session_not_found_total.inc();
  }

  authFailure(reason: AuthFailureReason): void {
    this.#metrics.mcp_auth_failures_total.inc({ reason });
  }

  /** A label value was not among those declared, or one too many, and became `other`. */
  labelFolded(metric: string, label: string): void {
    this.#metrics.mcp_label_values_folded_total.inc({ metric, label });
  }

  traceSpans(outcome: SpanOutcome, spans: number): void {
    this.#metrics.mcp_trace_spans_total.inc({ outcome }, spans);
  }

  workerRestarted(reason: WorkerRestartReason): void {
    this.#metrics.mcp_worker_restarts_total.inc({ reason });
  }

  /** @param route the matched route's template, or `unmatched` */
  httpRequest(route: string, method: string, status: number, seconds: number): void {
    this.#metrics.http_server_request_duration_seconds.observe(
      {
        http_route: route,
        http_request_method: oneOf(HTTP_METHODS, method, '_OTHER'),
        http_response_status_code: String(status),
      },
      seconds,
    );
  }
}

/** The `le` of the bucket that a value falls into. */
const boundOf = (bounds: readonly number[], value: number): number | '+Inf' =>
  bounds.find((bound) => value <= bound) ?? '+Inf';

/** What the rest of the server tells. */
export type ServerRecorder = Pick<
  Recorder,
  | 'started'
  | 'finished'
  | 'request'
  | 'operation'
  | 'sessionOpened'
  | 'sessionClosed'
  | 'sessionNotFound'
  | 'authFailure'
  | 'traceSpans'
  | 'workerRestarted'
  | 'httpRequest'
>;

/** Monitoring switched off. */
export const nothingRecorded: ServerRecorder = {
  started: () => undefined,
  finished: () => undefined,
  request: () => undefined,
  operation: () => undefined,
  sessionOpened: () => undefined,
  sessionClosed: () => undefined,
  sessionNotFound: () => undefined,
  authFailure: () => undefined,
  traceSpans: () => undefined,
  workerRestarted: () => undefined,
  httpRequest: () => undefined,
};
