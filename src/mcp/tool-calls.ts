import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  type AuthInfo,
  type CallToolResult,
  type ClientCapabilities,
  type Implementation,
  type InputRequiredResult,
  type JSONRPCRequest,
  type ListToolsResult,
  type RequestId,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/labels.ts';
import { ERROR_REASONS } from '../tools/outcome.ts';
import { failed, type Failure, type ToolCall, type ToolResult } from '../tools/call.ts';
import type { InputRequired } from '../tools/result.ts';
import { originIn } from './caller.ts';
import type { McpBinding } from './binding.ts';

/** The `_meta` key under which a failed result carries its reason and whether the call may be made again. */
const FAILURE_META_KEY = 'nexus-mcp/failure';

const MAX_CLIENT_TEXT = 100;

/** The tools half of one MCP server: translates between the SDK's requests and the executor's calls. */
export class ToolCalls {
  readonly #server: Server;
  readonly #binding: McpBinding;
  readonly #transport: TransportName;
  readonly #sessionId: string | undefined;
  /** Requests that reached the executor and have not been answered: how many of each id, which a client may use twice. */
  readonly #reached = new Map<RequestId, number>();

  constructor(server: Server, binding: McpBinding, transport: TransportName, sessionId: string | undefined) {
    this.#server = server;
    this.#binding = binding;
    this.#transport = transport;
    this.#sessionId = sessionId;
  }

  /** Answers tools/list with the tools the caller may use. */
  list(context: ServerContext): ListToolsResult {
    const { caller } = this.#origin(context.http?.authInfo);
    const tools = this.#binding.registry.tools.filter(({ name }) => caller.mayUse(name));
    return { tools: tools.map(({ listing }) => listing) as unknown as ListToolsResult['tools'] };
  }

  /**
   * Answers tools/call.
   * @throws ProtocolError for an unknown tool and a foreign requestState, which MCP answers with an error
   */
  async call(
    params: { readonly name: string; readonly arguments?: Record<string, unknown> | undefined },
    context: ServerContext,
  ): Promise<CallToolResult | InputRequiredResult> {
    const state = this.#binding.requestState.open(params.name, context);
    const { id } = context.mcpReq;
    this.#reached.set(id, (this.#reached.get(id) ?? 0) + 1);
    const call = this.#toolCall(params, state, context);
    const settled = await this.#binding.executor.execute(call);
    // A request that this client cannot answer goes out all the same: the SDK refuses it with the error that MCP wants (-32021).
    if (settled.status === 'error')
      return settled.unanswerable
        ? this.#inputRequired(params.name, settled.unanswerable, context)
        : failureResult(settled, call.requestId);
    return settled.inputRequired
      ? this.#inputRequired(params.name, settled.inputRequired, context)
      : this.#success(params.name, settled.result);
  }

  /**
   * Called when a tools/call request has been answered: counts it as `invalid_arguments` if the SDK
   * refused it before it reached the executor, for example because `arguments` is not an object.
   */
  answered(request: JSONRPCRequest, authInfo: AuthInfo | undefined): void {
    if (this.forget(request.id)) return;
    const name = String(request.params?.['name']);
    const call = {
      ...this.#client(),
      name,
      arguments: undefined,
      ...this.#origin(authInfo),
      signal: neverAborts,
    };
    this.#binding.executor.refuse(call, failed('invalid_arguments', 'refused by the protocol layer'));
  }

  /**
   * Called when a request will not be answered because it was cancelled.
   * @returns whether it had reached the executor
   */
  forget(id: RequestId): boolean {
    const reached = this.#reached.get(id);
    if (reached === undefined) return false;
    if (reached > 1) this.#reached.set(id, reached - 1);
    else this.#reached.delete(id);
    return true;
  }

  #toolCall(
    {
      name,
      arguments: args,
    }: { readonly name: string; readonly arguments?: Record<string, unknown> | undefined },
    state: unknown,
    { mcpReq, http }: ServerContext,
  ): ToolCall {
    const token = mcpReq._meta?.progressToken;
    const send = (sent: Promise<void>): void => {
      sent.catch(this.#binding.onProtocolError);
    };
    return {
      name,
      arguments: args,
      ...this.#origin(http?.authInfo),
      ...this.#client(mcpReq.envelope),
      signal: mcpReq.signal,
      answers: mcpReq.inputResponses,
      state,
      trace: this.#binding.tracing?.currentCall(),
      progress(progress, total, message) {
        if (token === undefined) return;
        const optional = { ...(total !== undefined && { total }), ...(message !== undefined && { message }) };
        const params = { progressToken: token, progress, ...optional };
        send(mcpReq.notify({ method: 'notifications/progress', params }));
      },
      log(level, data) {
        send(mcpReq.log(level, data, name));
      },
      releaseConnection() {
        http?.closeSSE?.();
      },
    };
  }

  #origin(authInfo: AuthInfo | undefined): Pick<ToolCall, 'caller' | 'entrance' | 'requestId' | 'sessionId'> {
    const origin = originIn(authInfo, this.#transport, this.#binding.newRequestId);
    return { ...origin, entrance: 'mcp', sessionId: this.#sessionId };
  }

  /** What the client says of itself: in each request of the modern era, in `initialize` before it. */
  #client(
    envelope?: Readonly<Record<string, unknown>>,
  ): Pick<ToolCall, 'clientName' | 'clientVersion' | 'canElicit'> {
    const info = envelope
      ? (envelope[CLIENT_INFO_META_KEY] as Implementation | undefined)
      : this.#server.getClientVersion();
    const capabilities = envelope
      ? (envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined)
      : this.#server.getClientCapabilities();
    return {
      clientName: info?.name.slice(0, MAX_CLIENT_TEXT),
      clientVersion: info?.version.slice(0, MAX_CLIENT_TEXT),
      canElicit: answersForms(capabilities?.elicitation),
    };
  }

  #success(name: string, { content, value }: ToolResult): CallToolResult {
    const schema = this.#binding.registry.get(name)?.listing.outputSchema;
    const result = { content: [...content], ...(schema && { structuredContent: value }) } as CallToolResult;
    return this.#server.projectCallToolResult(result, schema);
  }

  async #inputRequired(
    tool: string,
    { requests, state }: InputRequired,
    context: ServerContext,
  ): Promise<InputRequiredResult> {
    return {
      resultType: 'input_required',
      inputRequests: requests as unknown as NonNullable<InputRequiredResult['inputRequests']>,
      ...(state !== undefined && {
        requestState: await this.#binding.requestState.seal(tool, state, context),
      }),
    };
  }
}

/** MCP 2025-11-25, elicitation: a capability that names no mode means forms. */
const answersForms = (elicitation: ClientCapabilities['elicitation']): boolean =>
  elicitation !== undefined && (elicitation.form !== undefined || Object.keys(elicitation).length === 0);

function failureResult(failure: Failure, requestId: string): CallToolResult {
  const { reason, message, retryAfterSeconds } = failure;
  // Not -32602 for the rest: MCP wants what the model can correct in the result, where it sees it.
  if (reason === 'unknown_tool') throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
  const details = {
    reason,
    retryable: ERROR_REASONS[reason].retryable,
    requestId,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  return {
    content: [{ type: 'text', text: message }],
    isError: true,
    _meta: { [FAILURE_META_KEY]: details },
  };
}

const neverAborts = new AbortController().signal;
