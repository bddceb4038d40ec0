import type { FailureReason } from '../../kubernetes/labels.ts';
import {
  FAULT_KINDS,
  SERVICE_OUTCOMES,
  UPSTREAM_STATES,
  type Dropped,
  type DropReason,
  type FaultKind,
  type ServiceOutcome,
  type UpstreamState,
} from '../../upstream/labels.ts';
import { NOT_TOLD_APART, TOOL_ERROR, oneOf } from './labels.ts';
import type { Metrics } from './metrics.ts';
import {
  CLIENT_ERROR_TYPES,
  CLIENT_METHODS,
  TIMEOUT,
  UNAVAILABLE,
  UPSTREAM_METRICS,
} from './upstream-metrics.ts';

/** A request to an upstream, and what became of it. */
export interface ClientOperation {
  readonly method: string;
  readonly seconds: number;
  /** Why there is no answer; missing when there is one. */
  readonly fault?: { readonly kind: string; readonly isOfSize: boolean } | undefined;
  /** The code of a JSON-RPC error, when that is the answer. */
  readonly errorCode?: number | undefined;
  /** Whether the answer is a result with `isError`. */
  readonly isError: boolean;
  /** Its trace, when that is kept. */
  readonly traceId?: string | undefined;
}

type Method = Parameters<Metrics['mcp_client_operation_duration_seconds']['observe']>[0]['mcp_method_name'];

/** Every `inc`, `observe` and `set` of upstreams. */
export class UpstreamRecorder {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** It is an upstream now: creates what counts for it, at 0, so that `increase()` sees the first of each. */
  added(upstream: string): void {
    for (const state of UPSTREAM_STATES)
      this.#metrics.mcp_upstream_transitions_total.inc({ upstream, state }, 0);
    this.#metrics.mcp_upstream_definition_changes_total.inc({ upstream }, 0);
  }

  /**
   * The state that an upstream is in now.
   * @param since when it came into it, in seconds of Unix time
   */
  state(upstream: string, now: UpstreamState, since: number): void {
    this.#metrics.mcp_upstream_last_transition_timestamp_seconds.set({ upstream }, since);
    for (const state of UPSTREAM_STATES)
      this.#metrics.mcp_upstream_state.set({ upstream, state }, state === now ? 1 : 0);
  }

  /** @param read what is wrong with each upstream, if something is */
  bindFaults(read: () => Iterable<readonly [upstream: string, fault: FaultKind | undefined]>): void {
    const { mcp_upstream_fault: metric } = this.#metrics;
    metric.beforeScrape(() => {
      for (const [upstream, now] of read())
        for (const fault of FAULT_KINDS) metric.set({ upstream, fault }, fault === now ? 1 : 0);
    });
  }

  /** It came into a state. */
  entered(upstream: string, state: UpstreamState, since: number): void {
    this.#metrics.mcp_upstream_transitions_total.inc({ upstream, state });
    this.state(upstream, state, since);
  }

  /** How many of its tools are offered, and how many are not. */
  tools(upstream: string, offered: number, dropped: Dropped): void {
    this.#metrics.mcp_upstream_tools.set({ upstream }, offered);
    for (const [reason, count] of Object.entries(dropped) as [DropReason, number][])
      this.#metrics.mcp_upstream_tools_dropped.set({ upstream, reason }, count);
  }

  /** It came to describe so many of its tools otherwise. */
  definitionsChanged(upstream: string, count: number): void {
    this.#metrics.mcp_upstream_definition_changes_total.inc({ upstream }, count);
  }

  /** A request to it ended. */
  operation(
    upstream: string,
    { method, seconds, fault, errorCode, isError, traceId }: ClientOperation,
  ): void {
    const failure = isError ? TOOL_ERROR : fault && typeOf(fault);
    const error = failure ?? (errorCode === undefined ? undefined : String(errorCode));
    this.#metrics.mcp_client_operation_duration_seconds.observe(
      {
        upstream,
        mcp_method_name: oneOf(CLIENT_METHODS, method) as Method,
        ...(error !== undefined && { error_type: oneOf(CLIENT_ERROR_TYPES, error, NOT_TOLD_APART) }),
      },
      seconds,
      traceId,
    );
  }

  /** It is no upstream any more: its series go. */
  removed(upstream: string): void {
    for (const name of Object.keys(UPSTREAM_METRICS) as (keyof typeof UPSTREAM_METRICS)[])
      this.#metrics[name].removeAll('upstream', upstream);
  }

  /** What became of the Services that were found, and how many there are of each kind. */
  services(counts: Readonly<Record<ServiceOutcome, number>>): void {
    for (const outcome of SERVICE_OUTCOMES)
      this.#metrics.mcp_discovery_services.set({ outcome }, counts[outcome]);
  }

  /** The Kubernetes API did not say which Services there are. */
  discoveryFailed(reason: FailureReason): void {
    this.#metrics.mcp_discovery_errors_total.inc({ reason });
  }

  /** @param read in Unix time, when all of them were last listed */
  bindLastSync(read: () => number): void {
    this.#metrics.mcp_discovery_last_sync_timestamp_seconds.atScrape(read);
  }
}

/** Faults that are about one request, or are made good. */
const HARMLESS: ReadonlySet<string> = new Set(['session_lost', 'given_up']);

function typeOf({ kind, isOfSize }: NonNullable<ClientOperation['fault']>): string {
  if (kind === 'timeout') return TIMEOUT;
  return isOfSize || HARMLESS.has(kind) ? NOT_TOLD_APART : UNAVAILABLE;
}
