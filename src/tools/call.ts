import type { Caller } from '../authorization/caller.ts';
import type { ErrorReason } from './reasons.ts';
import type { ContentBlock, InputRequired } from './result.ts';
import type { LogLevel } from './tool.ts';

/** How a call came in. */
export type Entrance = 'mcp' | 'rest' | 'cli' | 'function';

/** The steps of a call that a trace shows. */
export type Phase = 'validate' | 'queue' | 'run';

/** A call's place in a distributed trace. */
export interface CallTrace {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the trace is kept, so that it is worth pointing to. */
  readonly sampled: boolean;
  /** Runs a step of the call so that the trace shows it. */
  phase<Result>(phase: Phase, work: () => Result | Promise<Result>): Promise<Result>;
  failed(reason: ErrorReason): void;
}

/** A client's answers to requests for input, by key. */
export type Answers = Readonly<Record<string, unknown>>;

/** What became of requests for input that were put to a client. */
export type Answered = { readonly status: 'answered'; readonly answers: Answers } | Failure;

/** A request to run a tool, as it reaches the executor from any transport. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: unknown;
  readonly caller: Caller;
  readonly entrance: Entrance;
  /** Joins the log line with what the client was told. */
  readonly requestId: string;
  /** Aborts when the client cancels or goes away. */
  readonly signal: AbortSignal;
  readonly sessionId?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  /** Whether the client can answer an elicitation. */
  readonly canElicit: boolean;
  /** Whether a later call with answers comes to this process, so that something may be kept for it. Default: not known. */
  readonly comesBack?: boolean | undefined;
  /**
   * What the quota of the caller said when the request came in: 0, or the seconds to wait. Left out where the executor is to
   * ask it.
   */
  readonly waitSeconds?: number | undefined;
  readonly answers?: Answers | undefined;
  readonly state?: unknown;
  /** Missing when the call is not traced. */
  readonly trace?: CallTrace | undefined;
  /**
   * Asks the client while the call waits, until `signal` aborts, whose reason is a text that the client may be told. Missing where the
   * client is not asked so: a later call then brings the answers.
   */
  readonly ask?: (requests: InputRequired['requests'], signal: AbortSignal) => Promise<Answered>;
  /** Whether the client can answer requests for input; missing where it can answer none. */
  canAnswer?(requests: InputRequired['requests']): boolean;
  /** What is wrong with requests for input, where the client can be asked for some. */
  problemOfRequests?(requests: InputRequired['requests']): string | undefined;
  progress?(progress: number, total?: number, message?: string): void;
  log?(level: LogLevel, data: unknown): void;
  releaseConnection?(): void;
}

/** What a tool that succeeded gave back. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  /** The value its output schema describes; any JSON value. */
  readonly value?: unknown;
  /** The result as an upstream gave it, which MCP clients get as it is. */
  readonly relayed?: Relayed;
}

/** A result of MCP that another server made. */
export type Relayed = Readonly<Record<string, unknown>>;

/** The tool's value; of a tool that returns content blocks, their text when that is all there is. */
export function plainValue({ content, value }: ToolResult): unknown {
  if (value !== undefined) return value;
  const [only] = content;
  if (only === undefined) return null;
  return content.length === 1 && only.type === 'text' ? only.text : content;
}

export type Outcome =
  | { readonly status: 'success'; readonly result: ToolResult; readonly inputRequired?: undefined }
  | { readonly status: 'success'; readonly inputRequired: InputRequired }
  | Failure;

/** A failed call, in words that are safe to show to the client. */
export interface Failure {
  readonly status: 'error';
  readonly reason: ErrorReason;
  readonly message: string;
  /** For `invalid_arguments`: each problem. */
  readonly problems?: readonly string[];
  /** For `invalid_arguments`, and for the log only: the fields of the tool's schema that these are in. */
  readonly fields?: readonly string[] | undefined;
  /** For `invalid_arguments` of the protocol layer, and for the log only: what is wrong, without anything that the client sent. */
  readonly why?: string | undefined;
  /** For `rate_limited` and `overloaded`: when to try again. */
  readonly retryAfterSeconds?: number;
  /** For the log only: what was thrown, or what is wrong with the result. */
  readonly cause?: unknown;
  /** For `denied`: all the scopes that a token needs for it, where there are some that would do. */
  readonly scopes?: readonly string[];
  /** The request for input that this client cannot answer. */
  readonly unanswerable?: InputRequired;
  /** The result with `isError` as an upstream gave it, which MCP clients get as it is. */
  readonly relayed?: Relayed;
}

export const failed = (reason: ErrorReason, message: string, more: Partial<Failure> = {}): Failure => ({
  status: 'error',
  reason,
  message,
  ...more,
});

export const cancelled = failed('cancelled', 'The call was cancelled.');

/** The arguments do not fit the tool's schema. */
export const invalidArguments = ({ problems = [], fields }: Pick<Failure, 'problems' | 'fields'>): Failure =>
  failed('invalid_arguments', `Invalid arguments: ${problems.join('; ')}`, { problems, fields });

export const overloaded = (message: string): Failure =>
  failed('overloaded', message, { retryAfterSeconds: 1 });

export const shuttingDown = overloaded('The server is shutting down; try again.');

/** @param wait seconds until the call would be within its caller's quota */
export const rateLimited = (wait: number): Failure =>
  failed('rate_limited', `Too many calls; try again in ${wait.toFixed(1)} s.`, { retryAfterSeconds: wait });

/** One finished call: what metrics and the log are made of. */
export type CallRecord = Outcome & {
  /** The registered name, or `unknown`. */
  readonly tool: string;
  readonly call: ToolCall;
  /** When it had its outcome: seconds of a monotonic clock. */
  readonly endedAt: number;
  /** Seconds from the executor's first sight of the call to its outcome. */
  readonly totalSeconds: number;
  /** Seconds in the tool's code; `undefined` when the call did not reach it. */
  readonly runSeconds: number | undefined;
  /** Bytes of the result as JSON; `undefined` when there is none. */
  readonly resultBytes: number | undefined;
};

/** Hears of every call: `started` for a registered tool, then `finished` once for each call. */
export interface CallObserver {
  /** @param at seconds of the clock of {@link CallRecord.endedAt} */
  started(tool: string, at: number): void;
  finished(record: CallRecord): void;
}
