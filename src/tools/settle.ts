import { z } from 'zod';
import { failed, type Failure, type Outcome, type ToolCall } from './call.ts';
import {
  RESULT_KIND,
  contentBlock,
  errorWithoutFrames,
  explainThrown,
  isMarked,
  type InputRequired,
  type ToolContent,
  type ToolFailure,
} from './result.ts';
import type { CompiledSchema } from './schema.ts';
import { nameOf, strictJson } from './strict-json.ts';

const UNEXPECTED = 'The tool failed unexpectedly; this is a fault of the tool, not of the call.';
const contentBlocks = z.array(contentBlock);

/** What a call that threw is settled as: the client gets a fixed text, the log gets the error. */
export const settleThrown = (cause: unknown): Failure =>
  failed('exception', UNEXPECTED, { cause: explainThrown(cause) ?? String(cause) });

/** What a call is settled as whose tool returned what it may not. */
export const invalidResult = (problem: string): Failure =>
  settleThrown(errorWithoutFrames(`invalid result: ${problem}`));

/** The outcome of a run that returned. */
export interface RunOutcome {
  readonly outcome: Outcome;
  /** Bytes of the result as JSON; missing when there is none. */
  readonly resultBytes?: number;
}

/**
 * Turns what a handler returned into the call's outcome, and measures it.
 * @param output the schema of the tool's result, when it has one
 * @returns `exception` when the value breaks the schema or exceeds `maxBytes`
 */
export async function settle(
  output: CompiledSchema | undefined,
  returned: unknown,
  call: ToolCall,
  maxBytes: number,
): Promise<RunOutcome> {
  const result = asResult(returned);
  switch (result[RESULT_KIND]) {
    case 'failure':
      return { outcome: settleFailure(result) };
    case 'input_required':
      return { outcome: settleInputRequired(result, call) };
    case 'content':
      return settleContent(output, result, maxBytes);
  }
}

function asResult(returned: unknown): ToolContent | ToolFailure | InputRequired {
  if (isMarked(returned)) return returned;
  return { [RESULT_KIND]: 'content', content: [], value: returned };
}

function settleFailure({
  reason,
  message,
  cause,
}: Omit<ToolFailure, 'message'> & { readonly message: unknown }): Outcome {
  if (typeof message === 'string') return failed(reason, message, { cause });
  return invalidResult(`the message of a failure must be a text, not ${nameOf(message)}`);
}

/** The outcome of a call that asks for input, by whether its client can answer. */
export function settleInputRequired(result: InputRequired, call: ToolCall): Outcome {
  const unaskable = problemOfInput(result);
  if (unaskable !== undefined) return invalidResult(unaskable);
  const canAnswer = call.canAnswer?.(result.requests) === true;
  const problem = canAnswer ? call.problemOfRequests?.(result.requests) : undefined;
  if (problem !== undefined) return invalidResult(problem);
  if (canAnswer) return { status: 'success', inputRequired: result };
  const message =
    'This tool needs to ask its client for input, and the client does not support such elicitation.';
  return failed('tool_error', message, { unanswerable: result });
}

const inputRequest = z.looseObject({ method: z.string(), params: z.looseObject({}) });
const inputRequests = z.record(z.string(), inputRequest);

const TAKES_QUESTIONS = 'inputRequired takes { key: elicit(message, schema) }';

/** Why a request for input cannot be sent to anybody, if it cannot. */
function problemOfInput({ requests, state }: InputRequired): string | undefined {
  const shape = inputRequests.safeParse(requests);
  if (!shape.success)
    return [...shape.error.issues.map((issue) => describe('requests', issue)), TAKES_QUESTIONS].join('; ');
  if (state === undefined && Object.keys(shape.data).length === 0)
    return `it asks for nothing; ${TAKES_QUESTIONS}`;
  const loss = state === undefined ? undefined : problemOfJson(state);
  return loss === undefined ? undefined : `state: ${loss}`;
}

/** Why a value is no JSON, if it is none. */
function problemOfJson(value: unknown): string | undefined {
  try {
    strictJson(value);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const isQuestion = (value: unknown): boolean =>
  (value as { readonly method?: unknown } | null | undefined)?.method === 'elicitation/create' &&
  inputRequest.safeParse(value).success;

async function settleContent(
  output: CompiledSchema | undefined,
  { content, value }: ToolContent,
  maxBytes: number,
): Promise<RunOutcome> {
  const broken = (problem: string) => ({ outcome: invalidResult(problem) });
  if (!output && isMcpResult(value)) return broken(IS_MCP_RESULT);
  if (!output && isQuestion(value)) return broken(IS_QUESTION);
  if (!Array.isArray(content)) return broken(`content: it is ${nameOf(content)}; ${TAKES_BLOCKS}`);
  let structured: unknown;
  if (output) {
    const validation = await output.validate(value);
    if (!validation.ok) return broken([...validation.problems, ...hintsFor(content, value)].join('; '));
    structured = validation.value;
  }
  const blocks =
    content.length === 0 ? { success: true as const, data: [] } : contentBlocks.safeParse(content);
  if (!blocks.success)
    return broken(blocks.error.issues.map((issue) => describe('content', issue)).join('; '));
  const shown = output ? structured : value;
  let json: string | undefined;
  try {
    json = shown === undefined ? undefined : strictJson(shown);
  } catch (cause) {
    return broken(cause instanceof Error ? cause.message : String(cause));
  }
  const text = typeof shown === 'string' ? shown : json;
  const result = {
    content: blocks.data.length === 0 && text !== undefined ? [{ type: 'text' as const, text }] : blocks.data,
    ...(shown !== undefined && { value: shown }),
  };
  const bytes =
    Buffer.byteLength(JSON.stringify(result.content)) + (output ? Buffer.byteLength(json ?? '') : 0);
  if (bytes > maxBytes) return { outcome: tooLarge(bytes, maxBytes), resultBytes: bytes };
  return { outcome: { status: 'success', result }, resultBytes: bytes };
}

const TAKES_BLOCKS = "content takes a list of blocks, such as [{ type: 'text', text: 'hello' }]";

const IS_QUESTION = 'it is a question; return inputRequired({ key: elicit(...) })';

const IS_MCP_RESULT = "it is a result of MCP; return content([...]), or failure('...') in place of isError";

/** What its author may have meant with a value that the output schema does not allow. */
function hintsFor(content: ToolContent['content'], value: unknown): readonly string[] {
  if (isMcpResult(value)) return [IS_MCP_RESULT];
  if (isQuestion(value)) return [IS_QUESTION];
  const loss = value === undefined ? undefined : problemOfJson(value);
  if (loss !== undefined) return [loss];
  if (value !== undefined) return [];
  return content.length === 0
    ? ['the handler returned nothing; is a return missing?']
    : ['a tool with output gives its value beside the blocks: content(blocks, value)'];
}

/** The log says why, without the size, which its line has: so equal failures are folded. */
export const tooLarge = (bytes: number, maxBytes: number): Outcome =>
  failed('exception', `The result is too large: ${bytes} bytes, and the server's limit is ${maxBytes}.`, {
    cause: new Error(`invalid result: it is larger than ${maxBytes} bytes (limits.resultBytes)`),
  });

const describe = (whole: string, { path, message }: z.core.$ZodIssue): string =>
  `${[whole, ...path].join('.')}: ${message}`;

const MCP_FIELDS: ReadonlySet<string> = new Set(['content', 'isError', 'structuredContent', '_meta']);

/** What handlers of the SDK return: taken as a value, its `isError` would pass for a success. */
function isMcpResult(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('content' in value)) return false;
  if (!Array.isArray(value.content) || !Object.keys(value).every((field) => MCP_FIELDS.has(field)))
    return false;
  return Object.keys(value).length > 1 || contentBlocks.min(1).safeParse(value.content).success;
}
