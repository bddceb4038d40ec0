/** The bounds of `mcp_tool_duration_seconds` that are always there, in seconds: a contract that dashboards and rules rely on. */
export const DURATION_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;

/** Further bounds above them, for longer deadlines. */
export const DURATION_STEPS = [30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200] as const;

/** The bounds of `mcp_tool_result_size_bytes` that are always there, in bytes. */
export const RESULT_SIZE_BUCKETS = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576] as const;

/** Further bounds above them: 4 MiB, and four times as much each. */
export const RESULT_SIZE_STEPS = [4, 16, 64, 256, 1024, 4096].map((mebibytes) => mebibytes * 1_048_576);

/** Source: OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md, v1.41.1. */
export const OTEL_MCP_BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] as const;

/** Most bounds that can be chosen besides: each is a series of every tool. */
export const MOST_FURTHER_BUCKETS = 16;

/** The highest of some bounds. */
export const highestOf = (bounds: readonly number[]): number => Math.max(...bounds);

/**
 * The bounds beyond those that are always there for values up to a limit: the steps below it, then the limit itself, so that what
 * exceeds it is told from all that came near. None where the limit is within what is always there.
 */
export const furtherBuckets = (
  always: readonly number[],
  steps: readonly number[],
  limit: number,
): readonly number[] => (limit > highestOf(always) ? [...steps.filter((step) => step < limit), limit] : []);

/** Whether each bound is above the one before. */
export const isAscending = (bounds: readonly number[]): boolean =>
  bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? Infinity));
