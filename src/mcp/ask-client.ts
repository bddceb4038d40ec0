import { ProtocolError, SdkError, SdkErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import { fieldOf } from '../monitoring/door/message.ts';
import { cancelled, failed, type Failure, type ToolCall } from '../tools/call.ts';
import type { InputRequest } from '../tools/result.ts';

/** Longer than anybody waits: who asks has a deadline of its own. In milliseconds, and the longest that a timer can be. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Puts a call's requests for input to a client of the 2025 era, which is asked while the call waits (MCP 2025-11-25,
 * "Elicitation"); later clients get the requests as their answer.
 * @param elicitation the client's capability
 */
export function askClient(
  { mcpReq }: ServerContext,
  elicitation: unknown,
  randomUuid: () => string,
): NonNullable<ToolCall['ask']> {
  const put = async (
    [key, request]: readonly [string, InputRequest],
    signal: AbortSignal,
  ): Promise<readonly [string, unknown]> => {
    const { method, params } = inWireForm(request, randomUuid);
    return [key, await mcpReq.send({ method, params } as never, { signal, timeout: NO_TIMEOUT_MS })];
  };
  return async (requests, signal) => {
    const entries = Object.entries(requests);
    const isUrl = ([, { params }]: (typeof entries)[number]): boolean => params['mode'] === 'url';
    if (entries.some(isUrl) && fieldOf(elicitation, 'url') === undefined)
      return failed('tool_error', 'This tool asks for input by URL, which the client does not support.');
    try {
      const answers = await Promise.all(entries.map((entry) => put(entry, signal)));
      return { status: 'answered', answers: Object.fromEntries(answers) };
    } catch (error) {
      return failureOf(error);
    }
  };
}

/** In the 2025 era a form says that it is one, and what is asked by URL has an id. */
function inWireForm({ method, params }: InputRequest, randomUuid: () => string): InputRequest {
  const more =
    params['mode'] === 'url'
      ? { elicitationId: params['elicitationId'] ?? randomUuid() }
      : { mode: 'form' as const };
  return { method, params: { ...params, ...more } };
}

/** What a client says of its reasons stays out: it is nothing of ours to say or to log. */
function failureOf(error: unknown): Failure {
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed) return cancelled;
  const how =
    error instanceof ProtocolError ? `it refused with the code ${error.code}` : 'its answer is none';
  return failed('tool_error', `The client did not answer what the tool asked it: ${how}.`);
}
