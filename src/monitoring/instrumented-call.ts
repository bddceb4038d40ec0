import type { CallRecord, Settled, ToolCall } from '../tools/call.ts';
import { UNKNOWN_TOOL, type ErrorReason } from '../tools/outcome.ts';
import { errorCodeOf, fieldOf, isErrorResult, type Message } from './message.ts';

/** A tools/call of an instrumented server, between its receipt and its answer. */
export interface InstrumentedCall {
  readonly call: ToolCall;
  /** The label of its tool when it came: a registered name, or `unknown`. */
  readonly tool: string;
  readonly startedAt: number;
  /** Whether the server says, step by step, what becomes of calls; otherwise the answer has to tell. */
  readonly watched: boolean;
  /** Seconds in the tool's code, once that was left. */
  runSeconds?: number;
  /** Why it failed, where the answer could not tell. */
  failure?: { readonly reason: ErrorReason; readonly cause: unknown };
}

/** What runs now: a tool, and the call it is part of if a server was called. */
export interface RunningCall {
  readonly tool: string;
  readonly call?: InstrumentedCall;
}

/** A caller by name alone: nothing here is authorised or limited. */
export const callerNamed = (name: string): ToolCall['caller'] => ({
  name,
  quotaKey: name,
  mayUse: () => true,
});

/** JSON-RPC and MCP codes of answers to a call, where they mean something else than a fault of the server. */
const REASON_OF_CODE: ReadonlyMap<number, ErrorReason> = new Map([
  [-32700, 'invalid_arguments'],
  [-32600, 'invalid_arguments'],
  [-32602, 'invalid_arguments'],
  [-32601, 'unknown_tool'],
]);

/** MCP 2025-11-25: the call goes on once the user has visited a URL. */
const URL_ELICITATION_REQUIRED = -32_042;

/**
 * Why a thrown error failed a call. Errors that name a fault of the caller by their code, as those of the SDK do, and
 * those of aborted signals are told apart from bugs.
 */
export function reasonOfThrown(error: unknown): ErrorReason {
  const name = fieldOf(error, 'name');
  if (name === 'AbortError') return 'cancelled';
  if (name === 'TimeoutError') return 'timeout';
  const code = fieldOf(error, 'code');
  return (typeof code === 'number' ? REASON_OF_CODE.get(code) : undefined) ?? 'exception';
}

/** The record of a call that was answered. */
export function recordOf(instrumented: InstrumentedCall, answer: Message, now: number): CallRecord {
  const settled = settledOf(instrumented, answer);
  const totalSeconds = now - instrumented.startedAt;
  const reached = settled.status === 'success' || settled.reason === 'tool_error';
  const runSeconds = instrumented.watched ? instrumented.runSeconds : reached ? totalSeconds : undefined;
  const { call, tool } = instrumented;
  const resultBytes = settled.status === 'success' ? sizeOf(answer.result) : undefined;
  return { ...settled, tool, call, totalSeconds, runSeconds, resultBytes };
}

function settledOf({ tool, watched, runSeconds, failure }: InstrumentedCall, answer: Message): Settled {
  const failed = (reason: ErrorReason, cause?: unknown): Settled => ({
    status: 'error',
    reason,
    message: reason,
    ...(cause !== undefined && { cause }),
  });
  const code = errorCodeOf(answer);
  const answeredError = 'error' in answer;
  if (code === URL_ELICITATION_REQUIRED) return success;
  if (!answeredError && !isErrorResult(answer)) return success;
  if (failure) return failed(failure.reason, failure.cause);
  // The SDK's v1 answers an unknown tool with a result, the v2 with an error.
  if (tool === UNKNOWN_TOOL) return failed('unknown_tool');
  if (answeredError)
    return failed((code === undefined ? undefined : REASON_OF_CODE.get(code)) ?? 'exception');
  // A tool that was called and is not registered under this name any more, or not enabled.
  if (watched && runSeconds === undefined) return failed('unknown_tool');
  return failed('tool_error');
}

const success: Settled = { status: 'success', result: { content: [] } };

/** Bytes of a result as JSON: its content, and its structured content if it has that. */
function sizeOf(result: unknown): number | undefined {
  const content = fieldOf(result, 'content');
  const structured = fieldOf(result, 'structuredContent');
  if (content === undefined) return undefined;
  return bytesOf(content) + (structured === undefined ? 0 : bytesOf(structured));
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
