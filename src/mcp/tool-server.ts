import {
  Server,
  type JSONRPCRequest,
  type Result,
  type ServerContext,
  type ServerOptions,
} from '@modelcontextprotocol/server';
import { isCallParams, isPlainMeta } from './messages.ts';
import { isObject, isPlainResult } from '../tools/plain-result.ts';
import type { McpBinding } from './binding.ts';
import type { CallParams } from './call-context.ts';
import { ToolCalls, type Channel } from './tool-calls.ts';

type Handler = (request: JSONRPCRequest, context: ServerContext) => Promise<Result>;

/**
 * The SDK's server, which validates a call twice and its result once. Those with which it would find nothing wrong, and which it
 * would not change, are spared that: it takes longer than most calls.
 */
export class ToolServer extends Server {
  readonly #era: Channel['era'];
  readonly #calls: ToolCalls;

  constructor(binding: McpBinding, options: ServerOptions, channel: Channel) {
    super(binding.info, options);
    const calls = new ToolCalls(binding, channel, (result, schema) =>
      this.projectCallToolResult(result, schema),
    );
    this.#era = channel.era;
    this.#calls = calls;
    this.setRequestHandler('tools/list', (_request, context) => calls.list(context));
    this.setRequestHandler('tools/call', (request, context) => calls.call(request.params, context));
    this.onerror = binding.onProtocolError;
  }

  protected override _wrapHandler(method: string, handler: Handler): Handler {
    const validating = super._wrapHandler(method, handler);
    if (method !== 'tools/call') return validating;
    return async (request, context) => {
      if (!needsNoValidation(request, context)) return validating(request, context);
      const result: Result = await this.#calls.call(request.params, context);
      if (isPlainResult(result) && (this.#era === 'modern' || hasObject(result))) return result;
      // Such as one that asks for input, for which it has rules.
      return super._wrapHandler(method, () => Promise.resolve(result))(request, context);
    };
  }
}

/** Whether a call is nothing but a name and arguments, and not one that its client comes back with. */
function needsNoValidation(
  request: JSONRPCRequest,
  { mcpReq }: ServerContext,
): request is JSONRPCRequest & { readonly params: CallParams } {
  const params: unknown = request.params;
  return (
    isCallParams(params) &&
    isPlainMeta(params._meta) &&
    mcpReq.inputResponses === undefined &&
    mcpReq.requestState() === undefined
  );
}

/** Whether the structured value of a result is an object, which it is in the 2025 era, or it has none. */
const hasObject = ({ structuredContent: value }: Result): boolean => value === undefined || isObject(value);
