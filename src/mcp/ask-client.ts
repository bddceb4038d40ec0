import { ProtocolError, SdkError, SdkErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import { cancelled, failed, type Failure, type ToolCall } from '../tools/call.ts';
import type { InputRequest } from '../tools/result.ts';

/** Longer than anybody waits: who asks has a deadline of its own. In milliseconds, and the longest that a timer can be. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Puts a call's requests for input to a client of the 2025 era, which is asked while the call waits (MCP 2025-11-25,
 * "Elicitation"); later clients get the requests as their answer.
 */
export function askClient({ mcpReq }: ServerContext): NonNullable<ToolCall['ask']> {
  const put = async (
    [key, { method, params }]: readonly [string, InputRequest],
    signal: AbortSignal,
  ): Promise<readonly [string, unknown]> => {
    // A question that does not say so is a form.
    const question = { method, params: { mode: 'form', ...params } };
    return [key, await mcpReq.send(question as never, { signal, timeout: NO_TIMEOUT_MS })];
  };
  return async (requests, signal) => {
    try {
      const answers = await Promise.all(Object.entries(requests).map((entry) => put(entry, signal)));
      return { status: 'answered', answers: Object.fromEntries(answers) };
    } catch (error) {
      return failureOf(error);
    }
  };
}

/** What a client says of its reasons stays out: it is nothing of ours to say or to log. */
function failureOf(error: unknown): Failure {
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) return cancelled;
  const how =
    error instanceof ProtocolError
      ? `it refused with the code ${error.code}`
      : 'its answer is not one that MCP knows';
  return failed('tool_error', `The client did not answer what the tool asked it: ${how}.`);
}
