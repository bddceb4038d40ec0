import type { CallRecord, Settled, ToolCall, ToolResult } from '../../tools/call.ts';
import { UNKNOWN_TOOL, type ErrorReason } from '../../tools/outcome.ts';
import { errorCodeOf, fieldOf, isErrorResult, type Message } from '../message.ts';

/** A tools/call of an instrumented server, between its receipt and its answer. */
export interface InstrumentedCall {
  readonly call: ToolCall;
  /** The label of its tool when it came: a registered name, or `unknown`. */
  readonly tool: string;
  readonly startedAt: number;
  /** Whether the server said, step by step, what becomes of the call; otherwise the answer has to tell. */
  watched: boolean;
  /** When the tool's code was entered. */
  runStartedAt?: number;
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

/** Both JSON-RPC's and what a tool throws to refuse its arguments. */
const INVALID_PARAMS = -32_602;

/** JSON-RPC and MCP codes of answers to a call, where they mean something else than a fault of the server. */
const REASON_OF_CODE: ReadonlyMap<number, ErrorReason> = new Map([
  [-32700, 'invalid_arguments'],
  [-32600, 'invalid_arguments'],
  [INVALID_PARAMS, 'invalid_arguments'],
  [-32601, 'unknown_tool'],
]);

/** MCP 2025-11-25: the call goes on once the user has visited a URL. */
const URL_ELICITATION_REQUIRED = -32_042;

/**
 * Why an error that a tool threw failed a call. Late work, and arguments that the tool itself refuses as the SDK does,
 * are told apart from bugs. Aborted work is a bug, too: a call that its client cancelled is not answered at all.
 */
export function reasonOfThrown(error: unknown): ErrorReason {
  if (fieldOf(error, 'name') === 'TimeoutError') return 'timeout';
  return fieldOf(error, 'code') === INVALID_PARAMS ? 'invalid_arguments' : 'exception';
}

/** The record of a call that was answered. */
export function recordOf(instrumented: InstrumentedCall, answer: Message, now: number): CallRecord {
  const settled = settledOf(instrumented, answer);
  const totalSeconds = now - instrumented.startedAt;
  const { call, tool, watched } = instrumented;
  const refused =
    settled.status === 'error' &&
    (settled.reason === 'unknown_tool' || settled.reason === 'invalid_arguments');
  const runSeconds = watched ? instrumented.runSeconds : refused ? undefined : totalSeconds;
  const resultBytes = settled.status === 'success' ? sizeOf(answer.result) : undefined;
  return { ...settled, tool, call, totalSeconds, runSeconds, resultBytes };
}

/** Seconds that a call which is not answered spent in the tool's code so far, if it got there. */
export function secondsInTool({ tool, watched, ...call }: InstrumentedCall, now: number): number | undefined {
  if (call.runSeconds !== undefined) return call.runSeconds;
  const since = watched ? call.runStartedAt : tool === UNKNOWN_TOOL ? undefined : call.startedAt;
  return since === undefined ? undefined : now - since;
}

function settledOf({ tool, failure }: InstrumentedCall, answer: Message): Settled {
  const failed = (reason: ErrorReason, cause?: unknown): Settled => ({
    status: 'error',
    reason,
    message: reason,
    ...(cause !== undefined && { cause }),
  });
  const code = errorCodeOf(answer);
  const answeredError = 'error' in answer;
  if (code === URL_ELICITATION_REQUIRED) return { status: 'success', result: { content: [] } };
  if (!answeredError && !isErrorResult(answer)) return { status: 'success', result: resultOf(answer.result) };
  if (failure) return failed(failure.reason, failure.cause);
  // The SDK's v1 answers an unknown tool with a result, the v2 with an error.
  if (tool === UNKNOWN_TOOL) return failed('unknown_tool');
  if (answeredError)
    return failed((code === undefined ? undefined : REASON_OF_CODE.get(code)) ?? 'exception');
  return failed('tool_error');
}

/** A result as ours are. */
function resultOf(result: unknown): ToolResult {
  const content = fieldOf(result, 'content');
  const value = fieldOf(result, 'structuredContent');
  return {
    content: Array.isArray(content) ? (content as ToolResult['content']) : [],
    ...(value !== undefined && { value }),
  };
}

/** Bytes of a result as JSON: its content, and its structured content if it has that. Not of what is no tool's result. */
function sizeOf(result: unknown): number | undefined {
  const content = fieldOf(result, 'content');
  if (!Array.isArray(content)) return undefined;
  const structured = fieldOf(result, 'structuredContent');
  try {
    return bytesOf(content) + (structured === undefined ? 0 : bytesOf(structured));
  } catch {
    return undefined; // A function may return what is no JSON.
  }
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
