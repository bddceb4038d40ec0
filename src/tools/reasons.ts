interface ReasonFacts {
  /** Whether it counts against the service level objective. */
  readonly serverFault: boolean;
  /** Whether the server did not take the call on, for a mistake of its caller: it counts neither as bad nor as a call. */
  readonly refused: boolean;
  /** What REST answers: 200 says that the tool ran. */
  readonly httpStatus: number;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  readonly when: string;
}

/** Every way a tool call fails: the closed set of `reason` in metrics, logs and REST bodies. */
export const ERROR_REASONS = {
  tool_error: {
    serverFault: false,
    refused: false,
    httpStatus: 200,
    retryable: false,
    when: 'the tool ran and reported a failure (`isError`)',
  },
  exception: {
    serverFault: true,
    refused: false,
    httpStatus: 500,
    retryable: false,
    when: 'the tool threw, its upstream answered with an error of its own, or its result is what the schema or the size limit forbids',
  },
  timeout: {
    serverFault: true,
    refused: false,
    httpStatus: 504,
    retryable: true,
    when: 'the deadline of the call passed',
  },
  unavailable: {
    serverFault: true,
    refused: false,
    httpStatus: 503,
    retryable: true,
    when: 'what the tool depends on (what it calls, its upstream, the worker pool) could not be reached',
  },
  overloaded: {
    serverFault: true,
    refused: false,
    httpStatus: 503,
    retryable: true,
    when: 'the server had no free place for the call, or was shutting down',
  },
  invalid_arguments: {
    serverFault: false,
    refused: true,
    httpStatus: 422,
    retryable: false,
    when: "the arguments failed the tool's schema",
  },
  unknown_tool: {
    serverFault: false,
    refused: true,
    httpStatus: 404,
    retryable: false,
    when: 'there is no such tool; the `tool_name` of the call is `unknown`',
  },
  denied: {
    serverFault: false,
    refused: true,
    httpStatus: 403,
    retryable: false,
    when: 'the caller may not use the tool; the answer says `unknown_tool`, or which scopes its token lacks if those would allow the call',
  },
  cancelled: {
    serverFault: false,
    refused: false,
    httpStatus: 499,
    retryable: true,
    when: 'the client cancelled the call, went away (not with a 2025-era session, which it may resume), or did not answer what the tool asked it',
  },
  rate_limited: {
    serverFault: false,
    refused: true,
    httpStatus: 429,
    retryable: true,
    when: 'the client exceeded its own quota',
  },
} as const satisfies Record<string, ReasonFacts>;

export type ErrorReason = keyof typeof ERROR_REASONS;

export const REASONS = Object.keys(ERROR_REASONS) as ErrorReason[];

/** Of calls that the server refused for a mistake of their caller. */
export const REFUSED = REASONS.filter((reason) => ERROR_REASONS[reason].refused).sort();

/** The metrics' `tool_name` of a call to a tool that does not exist; no tool may have this name. */
export const UNKNOWN_TOOL = 'unknown';

/** Why a worker thread had to be replaced: the `reason` of `mcp_worker_restarts_total`. */
export const WORKER_RESTART_REASONS = ['timeout', 'cancelled', 'out_of_memory', 'crashed'] as const;
export type WorkerRestartReason = (typeof WORKER_RESTART_REASONS)[number];

/** The `_meta` key under which a failed result of MCP says its reason, and whether the call may be made again. */
export const FAILURE_META_KEY = 'nexus-mcp/failure';
