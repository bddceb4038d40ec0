import { ERROR_REASONS, REASONS, REFUSED, type ErrorReason } from '../tools/outcome.ts';
import type { CallCounts } from './call-counts.ts';

/** What one tool did lately. */
export interface ToolActivity {
  readonly name: string;
  /** Calls that ended. */
  readonly calls: number;
  /** Those of them that were not refused for a mistake of the caller: what shares are of, here and in the alerts. */
  readonly accepted: number;
  /** Those that failed, by reason; reasons that did not occur are left out. */
  readonly errors: Readonly<Partial<Record<ErrorReason, number>>>;
  /** Those that failed through the server's fault. */
  readonly server_faults: number;
  /** Whether those are so many, and so large a share, that something must be done. */
  readonly failing: boolean;
  /** Whether the tool is offered now; `unknown` stands for calls to tools that do not exist. */
  readonly registered: boolean;
  /** Calls accepted and not yet answered, now. */
  readonly in_flight: number;
  /** For how long calls have been in flight while no accepted one ended; 0 when none is in flight. */
  readonly stalled_seconds: number;
  /** Whether that is so long that the calls may hang. */
  readonly stuck: boolean;
  /** Quantiles of the time in the tool's code; `null` when no call reached it, the highest bound when above it. */
  readonly p50_seconds: number | null;
  readonly p95_seconds: number | null;
  /** Whether one in 20 of enough calls took too long. */
  readonly slow: boolean;
  readonly calls_since_start: number;
}

/** What all tools did in a part of the window. */
export interface Interval {
  /** How long ago it began. */
  readonly seconds_ago: number;
  readonly seconds: number;
  readonly calls: number;
  readonly errors: number;
  /** Those of the errors that are the server's fault. */
  readonly server_faults: number;
}

/** What the tools did within the last five minutes, or since the start if that was later. */
export interface ActivityReport {
  readonly window_seconds: number;
  /** Whether that is all there was. */
  readonly since_start: boolean;
  /** The tools that are offered, `unknown`, and those that are gone but had calls within the window. */
  readonly tools: readonly ToolActivity[];
  /** Oldest first. */
  readonly history: readonly Interval[];
  /** Requests refused for their credentials. */
  readonly auth_failures: number;
  readonly reasons: Readonly<Record<ErrorReason, { readonly server_fault: boolean; readonly when: string }>>;
}

/** The defaults of the alert on the errors of a tool. */
const FAILING_CALLS = 5;
const FAILING_SHARE = 0.1;

/** The defaults of the alert on the latency of a tool. */
const SLOW_CALLS = 20;
const SLOW_SECONDS = 5;

/** Sooner than the alert, which waits for ten minutes, since the page wakes nobody. */
const STUCK_SECONDS = 60;

const SERVER_FAULTS = REASONS.filter((reason) => ERROR_REASONS[reason].serverFault);

/** @param counts what ended within the window */
export function reportTool(
  known: Pick<ToolActivity, 'name' | 'registered' | 'in_flight' | 'stalled_seconds' | 'calls_since_start'>,
  counts: CallCounts,
): ToolActivity {
  const { calls, server_faults } = totals(counts);
  const accepted = calls - counts.of(...REFUSED);
  const errors = REASONS.map((reason) => [reason, counts.of(reason)] as const);
  const p95 = counts.quantile(0.95);
  return {
    ...known,
    calls,
    accepted,
    errors: Object.fromEntries(errors.filter(([, count]) => count > 0)),
    server_faults,
    failing: server_faults >= FAILING_CALLS && server_faults >= FAILING_SHARE * accepted,
    stuck: known.stalled_seconds >= STUCK_SECONDS,
    p50_seconds: counts.quantile(0.5),
    p95_seconds: p95,
    slow: (p95 ?? 0) > SLOW_SECONDS && counts.run >= SLOW_CALLS,
  };
}

/** What an interval says of the calls that ended in it. */
export const totals = (counts: CallCounts): Pick<Interval, 'calls' | 'errors' | 'server_faults'> => ({
  calls: counts.of('calls'),
  errors: counts.of(...REASONS),
  server_faults: counts.of(...SERVER_FAULTS),
});

export const REASON_FACTS = Object.fromEntries(
  REASONS.map((reason) => {
    const { serverFault, when } = ERROR_REASONS[reason];
    return [reason, { server_fault: serverFault, when }];
  }),
) as ActivityReport['reasons'];
