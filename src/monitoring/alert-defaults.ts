/**
 * Thresholds that alerts have by default, and that the status page judges by. Whoever changes them for the alerts does not change the
 * page: the server does not see the rules.
 */
export const ALERT_DEFAULTS = {
  /** Fewer failed calls say nothing. */
  minimumBadCalls: 5,
  /** With fewer calls a 95th percentile says nothing. */
  minimumCalls: 20,
  /** Share of a tool's calls that may fail. */
  toolErrorRatio: 0.1,
  /** 95th percentile of a tool's calls, in seconds. */
  toolLatencySeconds: 5,
  /** Share of all calls that must be fast, in percent, and the longest time of a fast one, in seconds. */
  latencyObjective: 95,
  latencyThresholdSeconds: 2.5,
  /** Lag of the event loop at the 99th percentile, in seconds: for a ticket, and for a page. */
  eventLoopLagSeconds: 0.2,
  eventLoopBlockedSeconds: 1,
  /** Share of time that the event loop is busy. */
  eventLoopUtilization: 0.9,
  /** Share of the heap limit that is in use. */
  heapRatio: 0.85,
} as const;
