import { z } from 'zod';
import { failed, type Settled, type ToolCall } from './call.ts';
import type { RegisteredTool } from './registry.ts';
import {
  RESULT_KIND,
  contentBlock,
  type InputRequired,
  type ToolContent,
  type ToolFailure,
} from './result.ts';

const UNEXPECTED = 'The tool failed unexpectedly; this is a fault of the tool, not of the call.';
const contentBlocks = z.array(contentBlock);

/** What a call that threw is settled as: the client gets a fixed text, the log gets the error. */
export const settleThrown = (cause: unknown): Settled => failed('exception', UNEXPECTED, { cause });

/**
 * Turns what a handler returned into the call's outcome, and measures it.
 * @returns `exception` when the value breaks the tool's own schema or exceeds `maxBytes`
 */
export async function settle(
  tool: RegisteredTool,
  returned: unknown,
  call: ToolCall,
  maxBytes: number,
): Promise<{ settled: Settled; bytes?: number }> {
  const result = asResult(returned);
  switch (result[RESULT_KIND]) {
    case 'failure':
      return { settled: failed(result.reason, result.message) };
    case 'input_required':
      return { settled: settleInputRequired(result, call) };
    case 'content':
      return settleContent(tool, result, maxBytes);
  }
}

function asResult(returned: unknown): ToolContent | ToolFailure | InputRequired {
  if (typeof returned === 'object' && returned !== null && RESULT_KIND in returned)
    return returned as ToolContent | ToolFailure | InputRequired;
  return { [RESULT_KIND]: 'content', content: [], value: returned };
}

function settleInputRequired(result: InputRequired, call: ToolCall): Settled {
  if (call.canElicit) return { status: 'success', inputRequired: result };
  const message = 'This tool needs to ask its client for input, and the client does not support elicitation.';
  return failed('tool_error', message, { unanswerable: result });
}

async function settleContent(
  tool: RegisteredTool,
  { content, value }: ToolContent,
  maxBytes: number,
): Promise<{ settled: Settled; bytes?: number }> {
  const broken = (problem: string) => ({ settled: settleThrown(new Error(`invalid result: ${problem}`)) });
  let structured: unknown;
  if (tool.output) {
    const validation = await tool.output.validate(value);
    if (!validation.ok) return broken(validation.problems.join('; '));
    structured = validation.value;
  }
  const blocks =
    content.length === 0 ? { success: true as const, data: [] } : contentBlocks.safeParse(content);
  if (!blocks.success) return broken(z.prettifyError(blocks.error));
  const shown = tool.output ? structured : value;
  const json = shown === undefined ? undefined : toJson(shown);
  const text = typeof shown === 'string' ? shown : json;
  const result = {
    content: blocks.data.length === 0 && text !== undefined ? [{ type: 'text' as const, text }] : blocks.data,
    ...(shown !== undefined && { value: shown }),
  };
  const bytes =
    Buffer.byteLength(JSON.stringify(result.content)) + (tool.output ? Buffer.byteLength(json ?? '') : 0);
  if (bytes > maxBytes) return { settled: tooLarge(bytes, maxBytes), bytes };
  return { settled: { status: 'success', result }, bytes };
}

const tooLarge = (bytes: number, maxBytes: number): Settled =>
  failed('exception', `The result is too large: ${bytes} bytes, and the server's limit is ${maxBytes}.`);

/** JSON of a value, refusing what JSON.stringify would silently change or drop. */
function toJson(value: unknown): string {
  const json = JSON.stringify(value, (key, part: unknown) => {
    const lost = lostInJson(part);
    if (lost !== undefined) throw new TypeError(`invalid result: ${key && `${key}: `}${lost} is not JSON`);
    return part;
  }) as string | undefined;
  if (json === undefined) throw new TypeError('invalid result: it is not JSON');
  return json;
}

/** What JSON would lose of this value itself; a field that is `undefined` counts as left out. */
function lostInJson(part: unknown): string | undefined {
  if (typeof part === 'number') return Number.isFinite(part) ? undefined : String(part);
  if (['bigint', 'function', 'symbol'].includes(typeof part)) return `a ${typeof part}`;
  return typeof part === 'object' && part !== null && hidesContent(part) ? nameOfClass(part) : undefined;
}

/** Whether all of an object that says something is where JSON does not look, as in a Map, a Promise or an Error. */
function hidesContent(part: object): boolean {
  if (part instanceof Error) return true;
  const prototype: unknown = Object.getPrototypeOf(part);
  const isPlain = Array.isArray(part) || prototype === null || Object.getPrototypeOf(prototype) === null;
  return !isPlain && Object.keys(part).length === 0;
}

function nameOfClass({ constructor: { name } }: object): string {
  return `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`;
}
