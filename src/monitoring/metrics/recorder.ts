import type { CallObserver, CallRecord } from '../../tools/call.ts';
import { UNKNOWN_TOOL, type WorkerRestartReason } from '../../tools/reasons.ts';
import type { AuthFailureReason } from '../../authorization/labels.ts';
import { AuditRecorder } from './audit-recorder.ts';
import {
  OTHER,
  type ConnectionCutReason,
  type PeerMessage,
  type PeerOutcome,
  type SessionCloseReason,
  type SessionNotFoundReason,
  type SpanOutcome,
  type TransportName,
} from './labels.ts';
import { HttpSeries } from './http-series.ts';
import { IssuerRecorder } from './issuer-recorder.ts';
import type { Upkeep } from './instruments.ts';
import type { Metrics } from './metrics.ts';
import { labelsOf, networkTransportOf, type Operation } from './operation.ts';
import { RequestSeries } from './request-series.ts';
import { ToolSeries } from './tool-series.ts';
import { UpstreamRecorder } from './upstream-recorder.ts';

/** What the gauges read when they are scraped; those without a source stay at 0. */
export interface GaugeSources {
  readonly sessions: () => number;
  readonly sessionsLimit?: number;
  readonly subscriptions: () => number;
  readonly subscriptionsLimit?: number;
  readonly workers?: () => { readonly size: number; readonly busy: number; readonly waiting: number };
  /** One entry for each port. */
  readonly connections?: readonly {
    readonly open: number;
    readonly limit: number;
    readonly bufferedBytes: number;
  }[];
}

/** What is said of a tool in `mcp_tool_info`. */
export interface MeasuredTool {
  readonly name: string;
  readonly toolset: string;
  /** `library` for a tool of a server that is not ours. */
  readonly source: 'builtin' | 'module' | 'upstream' | 'library';
  readonly isolation: 'none' | 'worker';
}

/**
 * Every `inc`, `observe` and `set` of ours. A label value is one that the program gives, or one that the declaration of its
 * metric lets pass.
 */
export class Recorder implements CallObserver {
  readonly audit: AuditRecorder;
  readonly issuers: IssuerRecorder;
  readonly upstreams: UpstreamRecorder;
  readonly #metrics: Metrics;
  readonly #tools = new Map<string, ToolSeries>();
  readonly #unknownTool: ToolSeries;
  readonly #http: HttpSeries;
  readonly #requests: RequestSeries;
  #whenForgotten: ((name: string, series: ToolSeries) => void) | undefined;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#http = new HttpSeries(metrics);
    this.#requests = new RequestSeries(metrics);
    this.#unknownTool = new ToolSeries(metrics, UNKNOWN_TOOL);
    this.audit = new AuditRecorder(metrics);
    this.issuers = new IssuerRecorder(metrics);
    this.upstreams = new UpstreamRecorder(metrics);
    metrics.mcp_tool_calls_in_flight.beforeScrape(() => {
      for (const series of this.#tools.values()) series.showInFlight();
    });
    metrics.mcp_metrics_samples.atScrape(() => this.#sum((metric) => metric.samples()));
    metrics.mcp_metrics_samples_limit.atScrape(() => this.mostSamples());
  }

  /**
   * The most samples that a scrape of these metrics can have, with the tools there are, whatever is asked of the server.
   * @param more tools that may come besides
   */
  mostSamples(more = 0): number {
    return this.#sum((metric) => metric.mostSamples(this.#tools.size + more));
  }

  #sum(samplesOf: (metric: Upkeep) => number): number {
    return Object.values(this.#metrics).reduce((sum, metric) => sum + samplesOf(metric), 0);
  }

  /**
   * Creates the series of a tool at 0, so that `increase()` sees its first error. A tool that has series keeps them: it was
   * added before, or removed while calls of it are in flight.
   */
  addTool({ name: tool_name, toolset, source, isolation }: MeasuredTool): void {
    const metrics = this.#metrics;
    const known = this.#tools.get(tool_name);
    if (known) {
      known.removed = false;
      metrics.mcp_tool_info.removeTool(tool_name);
    } else {
      for (const metric of Object.values(metrics)) metric.addTool(tool_name);
      const series = new ToolSeries(metrics, tool_name);
      this.#tools.set(tool_name, series);
      // Created now: gauges with labels have no series from the start.
      series.showInFlight();
    }
    metrics.mcp_tool_info.set({ tool_name, toolset, source, isolation }, 1);
  }

  /** Removes the series of a tool: now, or when the last of its calls that are in flight has finished. */
  removeTool(name: string): void {
    const series = this.#tools.get(name);
    if (!series) return;
    series.removed = true;
    this.#forgetIfDone(name, series);
  }

  #forgetIfDone(name: string, series: ToolSeries): void {
    if (!series.removed || series.inFlight > 0) return;
    this.#tools.delete(name);
    this.#whenForgotten?.(name, series);
    for (const metric of Object.values(this.#metrics)) metric.removeTool(name);
  }

  /** The series of each tool that has some, by its name; those of calls to tools that do not exist among them. */
  *toolSeries(): Generator<readonly [name: string, series: ToolSeries]> {
    yield* this.#tools;
    yield [UNKNOWN_TOOL, this.#unknownTool];
  }

  /** Calls back before the series of a tool are removed. */
  whenForgotten(tell: (name: string, series: ToolSeries) => void): void {
    this.#whenForgotten = tell;
  }

  /** Binds the gauges to what they measure. */
  bindGauges(sources: GaugeSources): void {
    const { sessions, sessionsLimit, subscriptions, subscriptionsLimit, workers, connections } = sources;
    const metrics = this.#metrics;
    const sum = (what: 'open' | 'limit' | 'bufferedBytes') => (): number =>
      (connections ?? []).reduce((all, port) => all + port[what], 0);
    metrics.http_server_open_connections.atScrape(sum('open'));
    metrics.http_server_connections_limit.atScrape(sum('limit'));
    metrics.http_server_buffered_bytes.atScrape(sum('bufferedBytes'));
    metrics.mcp_active_sessions.atScrape(sessions);
    metrics.mcp_active_subscriptions.atScrape(subscriptions);
    if (sessionsLimit !== undefined) metrics.mcp_sessions_limit.set({}, sessionsLimit);
    if (subscriptionsLimit !== undefined) metrics.mcp_subscriptions_limit.set({}, subscriptionsLimit);
    if (!workers) return;
    metrics.mcp_worker_pool_size.atScrape(() => workers().size);
    metrics.mcp_worker_pool_busy.atScrape(() => workers().busy);
    metrics.mcp_worker_pool_waiting.atScrape(() => workers().waiting);
  }

  started(tool: string, at: number): void {
    this.#tools.get(tool)?.started(at);
  }

  finished(record: CallRecord): void {
    if (record.status === 'error' && record.scopes) this.authFailure('insufficient_scope');
    const series = this.#tools.get(record.tool);
    if (series) {
      series.finished(record);
      this.#forgetIfDone(record.tool, series);
    } else if (record.tool === UNKNOWN_TOOL) this.#unknownTool.finished(record);
    // A tool that has no series any more gets none again.
  }

  /** A request reached the protocol layer. */
  request(method: string, protocolVersion: string | undefined, transport: TransportName): void {
    this.#requests.count(method, protocolVersion, transport);
  }

  /** A request was answered. */
  operation(operation: Operation): void {
    const { seconds, traceId, tool, errorCode, isError } = operation;
    const series = tool === undefined ? undefined : this.#tools.get(tool);
    if (series && errorCode === undefined && !isError) {
      series.succeeded(operation);
      return;
    }
    // The tool may have been removed while the call was in flight.
    const isGone = tool !== undefined && !series;
    const labels = labelsOf(isGone ? { ...operation, tool: UNKNOWN_TOOL } : operation);
    this.#metrics.mcp_server_operation_duration_seconds.observe(labels, seconds, traceId);
  }

  sessionOpened(transport: TransportName): void {
    this.#metrics.mcp_sessions_opened_total.inc({ transport });
  }

  sessionResumed(transport: TransportName): void {
    this.#metrics.mcp_sessions_resumed_total.inc({ transport });
  }

  /** @param protocolVersion the revision that was agreed on, when one was */
  sessionClosed(
    transport: TransportName,
    reason: SessionCloseReason,
    seconds: number,
    protocolVersion: string | undefined,
  ): void {
    this.#metrics.mcp_sessions_closed_total.inc({ transport, reason });
    this.#metrics.mcp_session_duration_seconds.observe({}, seconds);
    const labels = {
      mcp_protocol_version: protocolVersion ?? OTHER,
      network_transport: networkTransportOf(transport),
    };
    this.#metrics.mcp_server_session_duration_seconds.observe(labels, seconds);
  }

  sessionNotFound(reason: SessionNotFoundReason): void {
    this.#metrics.mcp_session_not_found_total.inc({ reason });
  }

  peerMessage(kind: PeerMessage, outcome: PeerOutcome): void {
    this.#metrics.mcp_peer_messages_total.inc({ kind, outcome });
  }

  authFailure(reason: AuthFailureReason): void {
    this.#metrics.mcp_auth_failures_total.inc({ reason });
  }

  connectionCut(reason: ConnectionCutReason): void {
    this.#metrics.http_server_connections_cut_total.inc({ reason });
  }

  /** Whether the tokens in effect are those of the token file. */
  tokenFile(isCurrent: boolean): void {
    this.#metrics.mcp_token_file_current.set({}, isCurrent ? 1 : 0);
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

  /**
   * @param route the matched route's template, or `unmatched`
   * @param method of those that the route does not serve none is told apart
   */
  httpRequest(route: string, method: string, status: number, seconds: number): void {
    this.#http.observe(route, method, status, seconds);
  }
}
