import { UPSTREAM_STATES, type Dropped, type DropReason, type UpstreamState } from '../../upstream/labels.ts';
import { NOT_TOLD_APART, TOOL_ERROR, oneOf } from './labels.ts';
import type { Metrics } from './metrics.ts';
import { CLIENT_ERROR_TYPES, TIMEOUT, UPSTREAM_METRICS } from './upstream-metrics.ts';

/** A request to an upstream, and what became of it. */
export interface ClientOperation {
  readonly method: string;
  readonly seconds: number;
  /** Why there is no answer; missing when there is one. */
  readonly fault?: { readonly kind: string } | undefined;
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

  /** The state that an upstream is in now. */
  state(upstream: string, now: UpstreamState): void {
    for (const state of UPSTREAM_STATES)
      this.#metrics.mcp_upstream_state.set({ upstream, state }, state === now ? 1 : 0);
  }

  /** It came into a state. */
  entered(upstream: string, state: UpstreamState): void {
    this.#metrics.mcp_upstream_transitions_total.inc({ upstream, state });
    this.state(upstream, state);
  }

  /** How many of its tools are offered, and how many are not. */
  tools(upstream: string, offered: number, dropped: Dropped): void {
    this.#metrics.mcp_upstream_tools.set({ upstream }, offered);
    for (const [reason, count] of Object.entries(dropped) as [DropReason, number][])
      this.#metrics.mcp_upstream_tools_dropped.set({ upstream, reason }, count);
  }

  /** A request to it ended. */
  operation(
    upstream: string,
    { method, seconds, fault, errorCode, isError, traceId }: ClientOperation,
  ): void {
    const failure = isError ? TOOL_ERROR : fault?.kind === 'timeout' ? TIMEOUT : fault?.kind;
    const error = failure ?? (errorCode === undefined ? undefined : String(errorCode));
    this.#metrics.mcp_client_operation_duration_seconds.observe(
      {
        upstream,
        mcp_method_name: method as Method,
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
}
