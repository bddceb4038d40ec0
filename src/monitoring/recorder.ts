import type { CallObserver, CallRecord } from '../tools/call.ts';
import { REASONS, UNKNOWN_TOOL, WORKER_RESTART_REASONS, type WorkerRestartReason } from '../tools/outcome.ts';
import type { RegisteredTool } from '../tools/registry.ts';
import {
  AUTH_FAILURE_REASONS,
  HTTP_METHODS,
  METHODS,
  PROTOCOL_VERSIONS,
  SESSION_CLOSE_REASONS,
  TRANSPORTS,
  oneOf,
  type AuthFailureReason,
  type SessionCloseReason,
  type TransportName,
} from './labels.ts';
import type { Metrics } from './metrics.ts';
import { atScrape } from './runtime.ts';

/** An MCP request that was answered, as the OpenTelemetry conventions want it described. */
export interface Operation {
  readonly method: string;
  readonly protocolVersion: string | undefined;
  readonly transport: TransportName;
  /** The tool of a tools/call, as the client named it. */
  readonly tool?: string | undefined;
  /** The JSON-RPC error code, when that was the answer. */
  readonly errorCode?: number | undefined;
  /** Whether the answer was a result with `isError`. */
  readonly isError: boolean;
  readonly seconds: number;
}

/** What the gauges read when they are scraped. */
export interface GaugeSources {
  readonly sessions: () => number;
  readonly sessionsLimit: number;
  readonly subscriptions: () => number;
  readonly subscriptionsLimit: number;
  readonly workers: () => { readonly size: number; readonly busy: number; readonly waiting: number };
}

/**
 * Every `inc`, `observe` and `set` of ours. A label value is one the server registered or one of the closed
 * sets of labels.ts, never text from the wire.
 */
export class Recorder implements CallObserver {
  readonly #metrics: Metrics;
  readonly #tools: ReadonlySet<string>;
  readonly #openTelemetryNames: boolean;

  constructor(
    metrics: Metrics,
    tools: readonly RegisteredTool[],
    options: { readonly openTelemetryNames: boolean },
  ) {
    this.#metrics = metrics;
    this.#tools = new Set(tools.map(({ name }) => name));
    this.#openTelemetryNames = options.openTelemetryNames;
    this.#createSeries(tools);
  }

  /** All bounded series exist from the start, so that `increase()` sees a tool's first error. */
  #createSeries(tools: readonly RegisteredTool[]): void {
    const metrics = this.#metrics;
    for (const { name: tool_name, toolset, source, isolation } of tools) {
      metrics.mcp_tool_info.set({ tool_name, toolset, source, isolation }, 1);
      metrics.mcp_tool_calls_in_flight.set({ tool_name }, 0);
      metrics.mcp_tool_duration_seconds.zero({ tool_name });
      metrics.mcp_tool_result_size_bytes.zero({ tool_name });
      for (const status of ['success', 'error']) metrics.mcp_tool_calls_total.inc({ tool_name, status }, 0);
      for (const reason of REASONS) metrics.mcp_tool_errors_total.inc({ tool_name, reason }, 0);
    }
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
  }

  /** Binds the gauges to what they measure. */
  watch({ sessions, sessionsLimit, subscriptions, subscriptionsLimit, workers }: GaugeSources): void {
    const metrics = this.#metrics;
    atScrape(metrics.mcp_active_sessions, sessions);
    metrics.mcp_sessions_limit.set(sessionsLimit);
    atScrape(metrics.mcp_active_subscriptions, subscriptions);
    metrics.mcp_subscriptions_limit.set(subscriptionsLimit);
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
    const { method, tool, errorCode, isError, transport, protocolVersion, seconds } = operation;
    const code = errorCode === undefined ? undefined : String(errorCode);
    const errorType = isError
      ? 'tool_error'
      : code === undefined || CALLER_FAULTS.has(code)
        ? undefined
        : code;
    this.#metrics.mcp_server_operation_duration_seconds.observe(
      {
        mcp_method_name: oneOf(METHODS, method),
        ...(tool !== undefined && {
          gen_ai_tool_name: this.#tools.has(tool) ? tool : UNKNOWN_TOOL,
          gen_ai_operation_name: 'execute_tool',
        }),
        ...(errorType !== undefined && { error_type: errorType }),
        ...(code !== undefined && { rpc_response_status_code: code }),
        mcp_protocol_version: oneOf(PROTOCOL_VERSIONS, protocolVersion),
        network_transport: transport === 'stdio' ? 'pipe' : 'tcp',
      },
      seconds,
    );
  }

  sessionOpened(transport: TransportName): void {
    this.#metrics.mcp_sessions_opened_total.inc({ transport });
  }

  sessionClosed(transport: TransportName, reason: SessionCloseReason, seconds: number): void {
    this.#metrics.mcp_sessions_closed_total.inc({ transport, reason });
    this.#metrics.mcp_session_duration_seconds.observe(seconds);
  }

  sessionNotFound(): void {
    this.#metrics.mcp_session_not_found_total.inc();
  }

  authFailure(reason: AuthFailureReason): void {
    this.#metrics.mcp_auth_failures_total.inc({ reason });
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

/** What the rest of the server tells monitoring. */
export type Monitoring = Omit<Recorder, 'watch'>;

/** Monitoring switched off: records nothing. */
export const noMonitoring: Monitoring = {
  started: () => undefined,
  finished: () => undefined,
  request: () => undefined,
  operation: () => undefined,
  sessionOpened: () => undefined,
  sessionClosed: () => undefined,
  sessionNotFound: () => undefined,
  authFailure: () => undefined,
  workerRestarted: () => undefined,
  httpRequest: () => undefined,
};

/** JSON-RPC errors that are the caller's fault carry no `error_type` (OpenTelemetry semantic conventions for MCP). */
const CALLER_FAULTS: ReadonlySet<string> = new Set(['-32700', '-32600', '-32601', '-32602', '-32002']);
