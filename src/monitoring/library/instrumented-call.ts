import { outcomeOf, resultSize } from '../door/answer.ts';
import { ERROR_CODES } from '../door/json-rpc.ts';
import { fieldOf, type Message } from '../door/message.ts';
import type { CallRecord, Outcome, ToolCall } from '../../tools/call.ts';
import { UNKNOWN_TOOL, type ErrorReason } from '../../tools/reasons.ts';

/** A tools/call of an instrumented server, between its receipt and its answer. */
export interface InstrumentedCall {
  readonly call: ToolCall;
  /** The label of its tool when it came: a registered name, or `unknown`. */
  readonly tool: string;
  readonly startedAt: number;
  /** Whether the server said, step by step, what becomes of the call; otherwise the answer has to tell. */
  reported: boolean;
  /** When the tool's code was entered. */
  runStartedAt?: number;
  /** Seconds in the tool's code, once that was left. */
  runSeconds?: number;
  /** Why it failed, where the answer could not tell. */
  failure?: { readonly reason: ErrorReason; readonly cause: unknown };
}

/**
 * Why an error that a tool threw failed a call. Late work, and arguments that the tool itself refuses as the SDK does,
 * are told apart from bugs. Aborted work is a bug, too: a call that its client cancelled is not answered at all.
 */
export function reasonOfThrown(error: unknown): ErrorReason {
  if (fieldOf(error, 'name') === 'TimeoutError') return 'timeout';
  return fieldOf(error, 'code') === ERROR_CODES.invalidParams ? 'invalid_arguments' : 'exception';
}

/** The record of a call that was answered. */
export function recordOf(instrumented: InstrumentedCall, answer: Message, now: number): CallRecord {
  const outcome = outcomeOfCall(instrumented, answer);
  const totalSeconds = now - instrumented.startedAt;
  const { call, tool, reported } = instrumented;
  const refused =
    outcome.status === 'error' &&
    (outcome.reason === 'unknown_tool' || outcome.reason === 'invalid_arguments');
  const runSeconds = reported ? instrumented.runSeconds : refused ? undefined : totalSeconds;
  const resultBytes = outcome.status === 'success' ? resultSize(answer.result) : undefined;
  return { ...outcome, tool, call, totalSeconds, runSeconds, resultBytes };
}

/** Seconds that a call which is not answered spent in the tool's code so far, if it got there. */
export function secondsInTool(
  { tool, reported, ...call }: InstrumentedCall,
  now: number,
): number | undefined {
  if (call.runSeconds !== undefined) return call.runSeconds;
  const since = reported ? call.runStartedAt : tool === UNKNOWN_TOOL ? undefined : call.startedAt;
  return since === undefined ? undefined : now - since;
}

function outcomeOfCall({ tool, failure }: InstrumentedCall, answer: Message): Outcome {
  const outcome = outcomeOf(answer);
  if (outcome.status === 'success') return outcome;
  const { reason, cause } = failure ?? {
    // The SDK's v1 answers an unknown tool with a result, the v2 with an error.
    reason: tool === UNKNOWN_TOOL ? ('unknown_tool' as const) : outcome.reason,
    cause: undefined,
  };
  return { status: 'error', reason, message: reason, ...(cause !== undefined && { cause }) };
}
