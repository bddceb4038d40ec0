import { ERROR_CODES } from '../../monitoring/door/json-rpc.ts';
import { failed, type ToolResult } from '../../tools/call.ts';
import { RESULT_KIND } from '../../tools/result.ts';
import { invalidResult, type RunOutcome } from '../../tools/settle.ts';
import { isTooDeep } from '../nesting.ts';
import { isAboutTool, ofError, ofErrorResult, relayedOf } from '../outcomes.ts';
import { fieldOf, type Message } from './messages.ts';

/** Who answered a call. */
interface Answerer {
  readonly name: string;
  /** Whether the reasons that it gives for failures are taken over. */
  readonly trustReasons: boolean;
  /** Whether the catalogue has the tool that was called. */
  readonly isKnown: boolean;
}

/** What a call ended in, by the answer to it, which is passed on as it is. */
export function outcomeOf({ error, result }: Message, { name, trustReasons, isKnown }: Answerer): RunOutcome {
  if (error !== undefined) {
    const [given, words] = [fieldOf(error, 'code'), fieldOf(error, 'message')];
    const code = typeof given === 'number' ? given : ERROR_CODES.internalError;
    const message = typeof words === 'string' ? words : 'it gives no reason';
    if (!isKnown && isAboutTool({ code, message }))
      return { outcome: failed('unknown_tool', 'The upstream has no such tool.') };
    return { outcome: ofError({ code, message }, name) };
  }
  if (typeof result !== 'object' || result === null) return { outcome: invalidResult('it is no object') };
  const given = result as Readonly<Record<string, unknown>>;
  if (isTooDeep(given)) return { outcome: { status: 'success', result: { content: [] } } };
  const { content, structuredContent, isError, resultType } = given;
  if (resultType === 'input_required')
    return {
      outcome: { status: 'success', inputRequired: { [RESULT_KIND]: 'input_required', requests: {} } },
    };
  if (isError === true) return { outcome: ofErrorResult(given, trustReasons) };
  return {
    outcome: {
      status: 'success',
      result: {
        content: (Array.isArray(content) ? content : []) as ToolResult['content'],
        ...(structuredContent !== undefined && { value: structuredContent }),
      },
    },
    resultBytes: Buffer.byteLength(JSON.stringify(relayedOf(given, true))),
  };
}
