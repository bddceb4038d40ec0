import { outcomeOf, resultSize, textOf } from './answer.ts';
import { ERROR_CODES } from '../door/json-rpc.ts';
import { fieldOf, type Message } from '../door/message.ts';
import type { Peer } from '../door/peer.ts';
import type { CallObserver, CallRecord, Outcome, ToolCall } from '../../tools/call.ts';
import { UNKNOWN_TOOL, type ErrorReason } from '../../tools/reasons.ts';
import type { KnownTools } from './known-tools.ts';

/** A tools/call of an instrumented server, between its receipt and its answer. */
export interface InstrumentedCall {
  readonly call: ToolCall;
  readonly startedAt: number;
  /** Who made it. */
  readonly peer: Peer;
  /** The label of its tool: a name that the server has, or `unknown` until that is known. */
  tool: string;
  /** Whether the server is known to have no such tool. */
  missing: boolean;
  /** Resolves when its server has said whether it has the tool; missing when it is not being asked. */
  asking?: Promise<void> | undefined;
  /** Whether the server said, step by step, what becomes of the call; otherwise the answer has to tell. */
  reported: boolean;
  /** When the tool's code was entered. */
  runStartedAt?: number;
  /** Seconds in the tool's code, each time that was left. */
  runSeconds?: number;
  /** What the tool's code returned. */
  returned?: unknown;
  /** Why it failed, where the answer could not tell. */
  failure?: { readonly reason: ErrorReason; readonly cause: unknown } | undefined;
  /** Whether its outcome was recorded. */
  finished: boolean;
}

/** The server has the tool of a call, as it showed. */
export function identify(
  call: InstrumentedCall,
  { tools, observer }: { readonly tools: KnownTools; readonly observer: CallObserver },
): void {
  if (call.tool !== UNKNOWN_TOOL || call.finished) return;
  call.tool = tools.learn(call.call.name);
  observer.started(call.tool, call.startedAt);
}

/**
 * Why an error that a tool threw failed a call. Late work, and arguments that the tool itself refuses as the SDK does,
 * are told apart from bugs. Aborted work is a bug, too: a call that its client cancelled is not answered at all.
 */
export function reasonOfThrown(error: unknown): ErrorReason {
  if (isLate(error)) return 'timeout';
  return fieldOf(error, 'code') === ERROR_CODES.invalidParams ? 'invalid_arguments' : 'exception';
}

/** The same of one that a handler of tools/call threw, which becomes the answer. */
export function reasonOfThrownByHandler(error: unknown): ErrorReason | undefined {
  if (isLate(error)) return 'timeout';
  const outcome = outcomeOf({ error: error ?? {} });
  return outcome.status === 'error' ? outcome.reason : undefined;
}

const isLate = (error: unknown): boolean => fieldOf(error, 'name') === 'TimeoutError';

/**
 * The record of a call that was answered.
 * @param totalSeconds from its receipt to its answer
 */
export function recordOf(instrumented: InstrumentedCall, answer: Message, totalSeconds: number): CallRecord {
  const outcome = outcomeOfCall(instrumented, answer);
  const { call, tool, startedAt, reported } = instrumented;
  const refused =
    outcome.status === 'error' &&
    (outcome.reason === 'unknown_tool' || outcome.reason === 'invalid_arguments');
  const runSeconds = reported ? instrumented.runSeconds : refused ? undefined : totalSeconds;
  const resultBytes = outcome.status === 'success' ? resultSize(answer.result) : undefined;
  return { ...outcome, tool, call, endedAt: startedAt + totalSeconds, totalSeconds, runSeconds, resultBytes };
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

function outcomeOfCall(call: InstrumentedCall, answer: Message): Outcome {
  const outcome = outcomeOf(answer);
  if (outcome.status === 'success') return outcome;
  // The SDK's v1 answers an unknown tool with a result, the v2 with an error.
  if (call.missing) return failedFor('unknown_tool');
  const { reason, cause } = call.failure ?? refusedResult(call, answer) ?? outcome;
  // The tools of this server are not known: a call that it refuses may be of an unknown tool.
  const isUnknown = call.tool === UNKNOWN_TOOL && reason === 'invalid_arguments';
  return failedFor(isUnknown ? 'unknown_tool' : reason, cause);
}

const failedFor = (reason: ErrorReason, cause?: unknown): Outcome => ({
  status: 'error',
  reason,
  message: reason,
  ...(cause !== undefined && { cause }),
});

/** What clients must have said to be capable of, so that they can be asked for input. */
const CAPABILITIES: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

/**
 * Why a call failed after its tool had returned well: what it returned is forbidden, or it asked for input, and could not
 * be answered.
 */
function refusedResult({ returned, peer }: InstrumentedCall, answer: Message): InstrumentedCall['failure'] {
  if (returned === undefined || fieldOf(returned, 'isError') === true) return undefined;
  const requests = Object.values(fieldOf(returned, 'inputRequests') ?? {});
  const lacks = requests.some((request) => {
    const capability = CAPABILITIES[String(fieldOf(request, 'method'))];
    return capability !== undefined && fieldOf(peer.capabilities, capability) === undefined;
  });
  return { reason: lacks ? 'tool_error' : 'exception', cause: lacks ? undefined : textOf(answer) };
}
