import type { Outcome, ToolResult } from '../../tools/call.ts';
import type { ErrorReason } from '../../tools/reasons.ts';
import { ERROR_CODES } from '../door/json-rpc.ts';
import { errorCodeOf, fieldOf, isErrorResult, type Message } from '../door/message.ts';

/** What the codes of answers to a tools/call mean, where that is no fault of the server. */
const REASON_OF_CODE: ReadonlyMap<number, ErrorReason> = new Map([
  [ERROR_CODES.parseError, 'invalid_arguments'],
  [ERROR_CODES.invalidRequest, 'invalid_arguments'],
  [ERROR_CODES.invalidParams, 'invalid_arguments'],
  [ERROR_CODES.methodNotFound, 'unknown_tool'],
  [ERROR_CODES.missingClientCapability, 'tool_error'],
]);

const failedFor = (reason: ErrorReason): Outcome => ({ status: 'error', reason, message: reason });

/** What both lines of the SDK say of a result that MCP forbids, under the code of invalid arguments. */
const FORBIDDEN_RESULT = 'Invalid tools/call result';

/** The outcome of a call of a tool that exists, by what a server answered to it. */
export function outcomeOf(answer: Message): Outcome {
  const code = errorCodeOf(answer);
  if (code === ERROR_CODES.urlElicitationRequired) return { status: 'success', result: { content: [] } };
  if ('error' in answer) {
    const meant = code === undefined ? undefined : REASON_OF_CODE.get(code);
    return failedFor(textOf(answer)?.includes(FORBIDDEN_RESULT) ? 'exception' : (meant ?? 'exception'));
  }
  return isErrorResult(answer)
    ? failedFor('tool_error')
    : { status: 'success', result: resultOf(answer.result) };
}

/** The words of an answer that says why a call failed. */
export function textOf({ error, result }: Message): string | undefined {
  const content = fieldOf(result, 'content');
  const text: unknown =
    fieldOf(error, 'message') ?? fieldOf(Array.isArray(content) ? content[0] : undefined, 'text');
  return typeof text === 'string' ? text : undefined;
}

/** A result as ours are: what is none of MCP's is the value that a function returned. */
function resultOf(result: unknown): ToolResult {
  const content = fieldOf(result, 'content');
  if (!Array.isArray(content)) return { content: [], value: result ?? null };
  const value = fieldOf(result, 'structuredContent');
  return { content: content as ToolResult['content'], ...(value !== undefined && { value }) };
}

/** Bytes of a tool's result as JSON: its content, and its structured content if it has that; `undefined` for anything else. */
export function resultSize(result: unknown): number | undefined {
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
