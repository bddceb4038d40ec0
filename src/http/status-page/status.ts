import type { IssuerReport } from '../../authorization/labels.ts';
import type { DiscoveryReport, UpstreamReport } from '../../upstream/labels.ts';
import type { ActivityReport } from '../../monitoring/activity.ts';
import type { AuditReport } from '../../monitoring/audit/audit.ts';
import type { EventLoopReading } from '../../monitoring/metrics/event-loop.ts';
import type { HeapReading } from '../../monitoring/metrics/heap.ts';
import type { Places } from '../../tools/admission.ts';

/** Is anything wrong, with which tool, and why: what a person is told first. */
export interface Verdict {
  /** `unknown` when this port knows nothing of calls. */
  readonly level: 'good' | 'warn' | 'bad' | 'unknown';
  readonly headline: string;
  readonly detail: string;
}

/** What `GET /` says: as JSON, and through it on the page. */
export interface Status {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly verdict: Verdict;
  readonly ready: boolean;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly uptime_seconds: number;
  /** How many there are. */
  readonly tools: number;
  readonly sessions: number;
  readonly sessions_limit: number;
  /** Paths of this port worth a look. */
  readonly links: readonly string[];
  /**
   * Where Prometheus finds metrics: at `/metrics`, at the operations port, or nowhere, because they are not served
   * (`metrics.endpoint`) or switched off (`metrics.enabled`: `not_recorded`).
   */
  readonly metrics: 'served' | 'operations_port' | 'not_served' | 'not_recorded';
  /** `null` when metrics are switched off, and on the main port when the metrics are at the operations port. */
  readonly activity: ActivityReport | null;
  /** How busy the event loop was of late; left out where `activity` is `null`. */
  readonly event_loop?: EventLoopReport;
  /** How full the heap is; left out likewise. */
  readonly heap?: HeapReading;
  /** The places of calls (`limits.concurrency`); left out likewise. */
  readonly places?: Places;
  /** Left out where there is no token file, and on the main port when the metrics are at the operations port. */
  readonly token_file?: TokenFileReport;
  /** Left out where decisions are not written (`audit.enabled`), and likewise. */
  readonly audit?: AuditReport;
  /** The issuers of access tokens; left out where there are none, and on the main port when the metrics are at the operations port. */
  readonly issuers?: readonly IssuerReport[];
  /** The MCP servers whose tools are offered here; left out where there are none, and on the main port when the metrics are at the operations port. */
  readonly upstreams?: readonly UpstreamReport[];
  /** How finding upstreams in Kubernetes goes; left out likewise, and where nobody looks for any. */
  readonly discovery?: DiscoveryReport | undefined;
}

/** Whether the tokens in effect are those of the token file. */
export interface TokenFileReport {
  readonly current: boolean;
  /** For how long they have not been; 0 where they are. */
  readonly stale_seconds: number;
}

/** What the event loop did of late. */
export type EventLoopReport = ReturnType<typeof reportOf>;

export const reportOf = ({
  seconds,
  p99,
  max,
  utilization,
}: Pick<EventLoopReading, 'seconds' | 'p99' | 'max' | 'utilization'>) => ({
  /** A half to a whole minute, or the time since the start. */
  window_seconds: seconds,
  /** How late it was, at the 99th percentile. */
  lag_p99_seconds: p99,
  /** How late it was at most. */
  lag_max_seconds: max,
  /** Share of the time that it was busy. */
  utilization,
});

/** A status before it is judged. */
export type Facts = Omit<Status, 'verdict'>;
