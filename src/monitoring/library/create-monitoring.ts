import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { Registry } from 'prom-client';
import { checkLogger, checkRegistry } from './check-options.ts';
import { CallLog, type CallLogger, type CallLogOptions } from '../call-log.ts';
import {
  checkCustomMetrics,
  createCustomMetrics,
  type CustomMetrics,
  type Instruments,
} from './custom-metrics.ts';
import { CONTENT_TYPES, expose, preferredFormat, type ExpositionFormat } from '../metrics/exposition.ts';
import { instrument } from './instrument.ts';
import type { InstrumentOptions } from './instrumented-server.ts';
import { Door } from '../door/door.ts';
import type { InstrumentedCall } from './instrumented-call.ts';
import { KnownTools } from './known-tools.ts';
import { ToolLists } from './tool-lists.ts';
import { takeListens, type FetchHandler } from '../door/listens.ts';
import { LiveSessions } from '../live-sessions.ts';
import { measuredFunction } from './measured-function.ts';
import { METRICS, createMetrics, type MetricName, type Row } from '../metrics/metrics.ts';
import { observers } from '../observers.ts';
import { metricsHandler, type MetricsHandler } from '../metrics/metrics-handler.ts';
import { Recorder } from '../metrics/recorder.ts';
import { collectRuntime, describeBuild } from '../metrics/runtime.ts';
import { isInstrumentable, lowOf, type InstrumentableServer } from '../door/server-shape.ts';
import { Tracing } from '../traces/tracing.ts';

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
  /** Tools that get series of their own; calls of the others count as tool `other`. Default: 500. */
  readonly maxTools?: number;
}

/** Metrics, traces and log lines for MCP servers and functions. */
export interface Monitoring<Custom extends CustomMetrics = CustomMetrics> {
  /**
   * Observes a server at the protocol door: every request, of every tools/call its outcome, duration and size, and
   * sessions and subscriptions while they are open. Tools may be registered, and the server connected, before or
   * after. For servers that are made per request, call it in the factory; and call it with what `createMcpHandler`
   * returns, which answers `subscriptions/listen` itself, where no server sees it. (`serveStdio` does so, too, and those
   * are not seen.)
   * @returns the server or handler
   * @throws TypeError when it is given neither
   */
  readonly instrument: <Server extends InstrumentableServer | FetchHandler>(
    server: Server,
    options?: InstrumentOptions,
  ) => Server;
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
  /** Answers `GET /metrics` in express, or in any server on `node:http`. */
  readonly expressHandler: () => MetricsHandler;
  /**
   * The metrics as text.
   * @param accept the scraper's Accept header. Default: Prometheus text
   */
  readonly metrics: (accept?: string) => Promise<{ readonly contentType: string; readonly body: string }>;
  /** What declared metrics are recorded with, by name. */
  readonly custom: Instruments<Custom>;
  /** Logs what is held back: repeated failures that are being counted. For the end of the process. */
  readonly flush: () => void;
}

const UNKNOWN = 'unknown';

/**
 * Creates monitoring. Traces go wherever the OpenTelemetry SDK that the process has registered sends them; without one
 * there are none.
 * @throws Error with every problem of the declared metrics, or when the registry has metrics of these names
 * @throws TypeError when the registry is none or writes OpenMetrics, or the logger is none
 */
export function createMonitoring<const Custom extends CustomMetrics = Readonly<Record<string, never>>>(
  options: MonitoringOptions<Custom> = {},
): Monitoring<Custom> {
  const { openTelemetryNames = true, logger, maxTools = 500 } = options;
  const { registry = new Registry() } = options;
  checkRegistry(registry);
  if (logger !== undefined) checkLogger(logger);
  const runtime = options.runtime ?? options.registry === undefined;
  const exposes = (name: MetricName): boolean => {
    const row: Row = METRICS[name];
    return (
      !row.serverOnly &&
      (openTelemetryNames || !row.openTelemetryName) &&
      (runtime || !name.startsWith('nodejs_'))
    );
  };
  const taken = Object.keys(METRICS).filter(
    (name) => exposes(name as MetricName) && registry.getSingleMetric(name) !== undefined,
  );
  if (taken.length > 0)
    throw new Error(
      `The registry has ${taken.join(', ')} already: call createMonitoring once for a registry`,
    );

  const declared = options.metrics ?? ({} as Custom);
  checkCustomMetrics(declared, registry);

  const now = (): number => performance.now() / 1000;
  const { metrics, exemplars } = createMetrics({ registry, exposes });
  const recorder = new Recorder(metrics, []);
  if (runtime) collectRuntime(registry, metrics);
  const { version = UNKNOWN, revision = UNKNOWN } = options.build ?? {};
  describeBuild(metrics, { version, revision, protocol: UNKNOWN });
  const onError = (error: Error): void => {
    process.emitWarning(error);
  };
  const custom = createCustomMetrics(declared, registry, {
    folded(metric, label) {
      recorder.labelFolded(metric, label);
    },
    spoilt: onError,
  });
  const tracing = new Tracing();
  const log = { successes: 0, foldSeconds: 10, arguments: {}, results: [], ...options.log };
  const callLog = logger && new CallLog(logger, log);
  const observer = observers(onError, recorder, tracing.outcomes, callLog);
  const sessions = new LiveSessions(recorder, now);
  const door = new Door<InstrumentedCall>({ recorder, tracing, now, onError });
  const tools = new KnownTools(recorder, maxTools, now);
  const parts = {
    recorder,
    observer,
    tracing,
    tools,
    lists: new ToolLists(tools, now),
    sessions,
    door,
    functions: new AsyncLocalStorage<string>(),
    now,
    newRequestId: randomUUID,
  };
  const instrumented = new WeakSet();
  recorder.bindGauges({
    sessions: () => sessions.size,
    subscriptions: () => door.listens,
  });
  const write = (format: ExpositionFormat): Promise<string> => expose(registry, format, now, exemplars);

  return {
    custom,
    instrument(server, instrumentOptions = {}) {
      if (!isInstrumentable(server))
        throw new TypeError(
          'instrument takes a McpServer or Server of the MCP SDK, or what createMcpHandler returns',
        );
      const subject = 'fetch' in server ? server : lowOf(server);
      if (instrumented.has(subject)) return server;
      instrumented.add(subject);
      if ('fetch' in server) takeListens(server, door);
      else instrument(server, instrumentOptions, parts);
      return server;
    },
    tool(name, run) {
      if (typeof name !== 'string' || typeof run !== 'function')
        throw new TypeError('tool takes a name and a function');
      return measuredFunction(name, run, parts);
    },
    expressHandler: () => metricsHandler(write),
    async metrics(accept) {
      const format = preferredFormat(accept);
      return { contentType: CONTENT_TYPES[format], body: await write(format) };
    },
    flush() {
      callLog?.flush();
    },
  };
}
