import type { Registry } from 'prom-client';
import type { CallLogger, CallLogOptions } from '../call-log.ts';
import type { MetricsHandler } from '../metrics/metrics-handler.ts';
import type { OperationAttribute } from '../metrics/operation-attributes.ts';
import type { CustomMetrics, Instruments } from './custom-metrics.ts';
import type { Instrumentable } from './instrumentable.ts';
import type { InstrumentOptions } from './instrumented-server.ts';

export interface MonitoringOptions<Custom extends CustomMetrics = CustomMetrics> {
  /** A prom-client registry of one's own, of the default content type, to put the metrics in. Default: a new one. */
  readonly registry?: Registry;
  /** Whether to measure the process, too (`process_…`, `nodejs_…`). Default: unless `registry` is given. */
  readonly runtime?: boolean;
  /** What `mcp_build_info` says is running. Default: `unknown`. */
  readonly build?: { readonly version?: string; readonly revision?: string };
  /** Metrics of one's own, by name. */
  readonly metrics?: Custom;
  /** Whether the names of the OpenTelemetry conventions are exposed, too. Default: true. */
  readonly openTelemetryNames?: boolean;
  /**
   * What `mcp_server_operation_duration_seconds` is broken down by besides method, tool and error type; each multiplies its
   * series. Default: nothing.
   */
  readonly operationAttributes?: readonly OperationAttribute[];
  /**
   * Bounds of the buckets of `mcp_tool_duration_seconds` above 10 s, ascending; each is one more series of every tool. Default: 30,
   * 60, 120 and 300, as deadlines of tools are not known here.
   */
  readonly durationBuckets?: readonly number[];
  /** The same of `mcp_tool_result_size_bytes` above 1 MiB. Default: 4 MiB and 16 MiB. */
  readonly resultSizeBuckets?: readonly number[];
  /**
   * Gets one line a call, such as a pino logger: successes at debug, faults at warn or error. Default: none.
   * `request_id` is the `X-Request-Id` of the HTTP request if that is 1 to 128 of `A-Z a-z 0-9 _ . : = + / @ -`, else a new
   * one. Answers are left as they are: whoever owns the HTTP response may echo the header.
   */
  readonly logger?: CallLogger;
  /**
   * What is logged of calls. Default: successes at debug alone, no arguments and no results, and of equal failures within
   * 10 seconds the first 5 one by one.
   */
  readonly log?: Partial<CallLogOptions>;
  /**
   * Tools that get series of their own; calls of the others count as tool `other`, until one of the first was not seen for
   * an hour. Default: 500.
   */
  readonly maxTools?: number;
  /**
   * Whether to go on with the monitoring that the registry has already, as when a module is loaded again. The other options
   * are then those it was created with. Default: false.
   */
  readonly reuse?: boolean;
}

/** Metrics, traces and log lines for MCP servers and functions. */
export interface Monitoring<Custom extends CustomMetrics = CustomMetrics> {
  /**
   * Observes a server at the protocol door: every request, of every tools/call its outcome, duration and size, and
   * sessions and subscriptions while they are open. Tools may be registered, and the server connected, before or
   * after. For servers that are made per request, call it in the factory; and call it with what `createMcpHandler`
   * returns as well, which answers `subscriptions/listen` itself, where no server sees it. (`serveStdio` does so, too, and those
   * are not seen.)
   *
   * Of frameworks that make the servers, it takes what shows them: the class `FastMCPSession` of fastmcp, a `McpStrategy` of
   * MCP-Nest, a `MCPServer` of mcp-use 1. Calls are seen of the servers that they make from then on.
   * @returns what it was given
   * @throws TypeError when nothing of that could be watched, with what to pass in its place, and when there is no such option
   */
  readonly instrument: <Given extends Instrumentable>(given: Given, options?: InstrumentOptions) => Given;
  /**
   * Wraps a function so that each call of it is measured as one of a tool: what it throws is `exception`, or
   * `cancelled` and `timeout` for errors of aborted signals; a result with `isError` is `tool_error`. Within a call
   * of an instrumented server to the tool of the same name it counts nothing, and what it throws is why that call failed,
   * whatever the server makes of it.
   * @returns a function that does the same, asynchronously, with the same `this`
   * @throws TypeError when it is given no name or no function
   */
  readonly tool: <This, Args extends unknown[], Result>(
    name: string,
    run: (this: This, ...args: Args) => Result | Promise<Result>,
  ) => (this: This, ...args: Args) => Promise<Result>;
  /**
   * Returns what answers `GET /metrics` in express, or in any server on `node:http`.
   * @throws TypeError when it is given arguments, as when it is registered itself
   */
  readonly expressHandler: () => MetricsHandler;
  /**
   * The metrics as text.
   * @param accept the scraper's Accept header. Default: Prometheus text
   * @throws TypeError when that is no text
   */
  readonly metrics: (accept?: string) => Promise<{ readonly contentType: string; readonly body: string }>;
  /** What declared metrics are recorded with, by name. */
  readonly custom: Instruments<Custom>;
  /** Logs what is held back: repeated failures that are being counted. For the end of the process. */
  readonly flush: () => void;
  /**
   * Ends it: its metrics leave the registry, what is held back is logged, and what it watches goes on without being measured.
   * Another monitoring may take its place.
   */
  readonly dispose: () => void;
}
