import type { CallObserver, CallRecord } from '../tools/call.ts';
import { ERROR_REASONS, type ErrorReason } from '../tools/reasons.ts';
import { ALERT_DEFAULTS } from './alert-defaults.ts';
import { describeThrown } from './describe-thrown.ts';
import { FoldedLines, type Level, type Line, type LineLogger } from './folded-lines.ts';
import { redactValue } from './redact.ts';

export interface CallLogOptions {
  /** Share of the successful calls that are logged at info, 0 to 1; the others are logged at debug, unless they are slow. */
  readonly successes: number;
  /** Time within which equal failures beyond the first few become one line with their count; 0 for never. */
  readonly foldSeconds: number;
  /** Arguments that may be logged, by tool. */
  readonly arguments: Readonly<Record<string, readonly string[]>>;
  /** Tools whose results may be logged. */
  readonly results: readonly string[];
}

const MAX_VALUE_LENGTH = 500;

/** What lines are written to: a pino logger, or anything like it. */
export type CallLogger = LineLogger;

/** As much of what was thrown tells one failure from another, in characters. */
const MAX_KIND_LENGTH = 200;

/**
 * Logs one line a call: successes at debug, slow ones and callers' faults at info, the server's at warn, exceptions at error. A line
 * of an exception has what was thrown, one of `unavailable` what is down. Of equal failures in quick succession, and of slow calls
 * of one caller, the first few are logged, then how many more there were. Arguments and results appear only where the options name
 * them.
 */
export class CallLog implements CallObserver {
  readonly #logger: CallLogger;
  readonly #options: CallLogOptions;
  readonly #results: ReadonlySet<string>;
  readonly #folded: FoldedLines;
  #successes = 0;

  constructor(logger: CallLogger, options: CallLogOptions) {
    this.#logger = logger;
    this.#options = options;
    this.#results = new Set(options.results);
    this.#folded = new FoldedLines(logger, options.foldSeconds);
  }

  started(): void {
    // A call is logged when it has its outcome.
  }

  finished(record: CallRecord): void {
    const message = 'tool call';
    if (record.status === 'error') {
      const alike = { kind: kindOf(record), level: levelOfFailure(record), message, many: 'tool calls' };
      this.#folded.log(alike, () => this.#describe(record));
      return;
    }
    const level = this.#levelOfSuccess();
    if (this.#logger.isLevelEnabled(level)) this.#logger[level](this.#describe(record), message);
    else if ((record.runSeconds ?? 0) > ALERT_DEFAULTS.latencyThresholdSeconds) {
      const kind = JSON.stringify([record.tool, record.call.caller.id]);
      this.#folded.log({ kind, level: 'info', message, many: 'slow tool calls' }, () =>
        this.#describe(record),
      );
    }
  }

  #levelOfSuccess(): Level {
    this.#successes += this.#options.successes;
    if (this.#successes < 1) return 'debug';
    this.#successes -= 1;
    return 'info';
  }

  /** Logs the lines that are being folded now. */
  flush(): void {
    this.#folded.flush();
  }

  #describe(record: CallRecord): Line {
    const { call, tool, status, totalSeconds, runSeconds, resultBytes } = record;
    return {
      tool,
      status,
      ...(record.status === 'error' && { reason: record.reason }),
      entrance: call.entrance,
      caller: call.caller.name,
      request_id: call.requestId,
      trace_id: call.trace?.traceId,
      span_id: call.trace?.spanId,
      session_id: call.sessionId,
      client_name: call.clientName,
      client_version: call.clientVersion,
      duration_seconds: round(totalSeconds),
      run_seconds: runSeconds === undefined ? undefined : round(runSeconds),
      arguments_bytes: bytesOf(call.arguments),
      result_bytes: resultBytes,
      arguments: this.#argumentsOf(record),
      result: this.#resultOf(record),
      err: errorOf(record),
      why: whyOf(record),
    };
  }

  #argumentsOf({ tool, call }: CallRecord): Record<string, string> | undefined {
    const allowed = Object.hasOwn(this.#options.arguments, tool) ? this.#options.arguments[tool] : undefined;
    const given = call.arguments;
    if (!allowed || typeof given !== 'object' || given === null) return undefined;
    const named = Object.entries(given).filter(([name]) => allowed.includes(name));
    return Object.fromEntries(
      named.map(([name, value]) => [name, redactValue(name, value, MAX_VALUE_LENGTH)]),
    );
  }

  #resultOf(record: CallRecord): string | undefined {
    if (!this.#results.has(record.tool)) return undefined;
    if (record.status === 'error')
      return record.reason === 'tool_error'
        ? redactValue('result', record.message, MAX_VALUE_LENGTH)
        : undefined;
    if (record.inputRequired) return undefined;
    const { content, value } = record.result;
    return redactValue('result', value === undefined ? content : value, MAX_VALUE_LENGTH);
  }
}

/** What was thrown, without what looks like a secret. Not why arguments were refused, which may quote them. */
const errorOf = (record: CallRecord): unknown =>
  record.status === 'success' ||
  record.reason === 'invalid_arguments' ||
  record.cause === undefined ||
  isWhy(record)
    ? undefined
    : describeThrown(record.cause);

/** Whether the cause says in words what is down. */
const isWhy = ({ reason, cause }: Failed): boolean => typeof cause === 'string' && SAYS_WHY.has(reason);

/**
 * What could not be reached, did not end or was full, in words. Of refused arguments which they are, and of a request that never became
 * a call what is wrong with it.
 */
function whyOf(record: CallRecord): string | undefined {
  if (record.status === 'success') return undefined;
  if (record.reason === 'invalid_arguments')
    return record.why ?? record.fields?.join(', ').slice(0, MAX_VALUE_LENGTH);
  if (!SAYS_WHY.has(record.reason)) return undefined;
  const { cause, message } = record;
  return redactValue('why', typeof cause === 'string' ? cause : message, MAX_VALUE_LENGTH);
}

const SAYS_WHY: ReadonlySet<ErrorReason> = new Set(['unavailable', 'timeout', 'overloaded']);

type Failed = Extract<CallRecord, { status: 'error' }>;

function levelOfFailure({ reason }: Failed): Level {
  if (reason === 'exception') return 'error';
  return ERROR_REASONS[reason].serverFault ? 'warn' : 'info';
}

/**
 * Failures are alike when the same tool failed the same caller for the same reason, and threw the same if it threw, or found the same
 * places full. The
 * client's name is left out, because a client could make each of its lines another by it.
 */
function kindOf({ tool, call, reason, cause }: Failed): string {
  const thrown = cause instanceof Error ? `${cause.name}: ${cause.message}` : '';
  const full = reason === 'overloaded' && typeof cause === 'string' ? cause : '';
  return JSON.stringify([tool, call.caller.id, reason, (full || thrown).slice(0, MAX_KIND_LENGTH)]);
}

const bytesOf = (args: unknown): number | undefined =>
  args === undefined ? undefined : Buffer.byteLength(JSON.stringify(args));

const round = (seconds: number): number => Number(seconds.toFixed(6));
