import {
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type InputRequiredResult,
  type ListToolsResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/metrics/labels.ts';
import { ERROR_REASONS, FAILURE_META_KEY, type ErrorReason } from '../tools/reasons.ts';
import { visibleTo } from '../authorization/rights.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import type { Failure, Relayed, ToolCall, ToolResult } from '../tools/call.ts';
import type { OfferedTool, ToolListing } from '../tools/offered-tool.ts';
import { pacedNotices, type Notices, type PacedNotices } from '../tools/paced-notices.ts';
import type { InputRequired } from '../tools/result.ts';
import { readerIn, senderIn, type Reader, type Sender } from './sender.ts';
import { askClient } from './ask-client.ts';
import type { CallContext, CallParams } from './call-context.ts';
import type { McpBinding } from './binding.ts';
import { hintsOf } from './list-changes.ts';
import { sessionName } from './session-id.ts';
import { answers, answersForms, problemOfRequests } from './input-requests.ts';

/** Why a call was not tried, and may be made again as it is. */
const NOT_TRIED: ReadonlySet<ErrorReason> = new Set(['overloaded', 'rate_limited']);

/** How a server's clients reach it. */
export interface Channel {
  readonly era: 'legacy' | 'modern';
  readonly transport: TransportName;
  /** Set where one reader gets all answers, as over stdio. Over HTTP each request has a reader of its own. */
  readonly reader?: Reader | undefined;
  /** Whether a client that comes back for its answer comes to this process; if not, its connection stays open. */
  readonly comesBack: boolean;
}

/** Gives a result the form that the era of its client has for it. */
export type Project = (result: CallToolResult, outputSchema: ToolListing['outputSchema']) => CallToolResult;

/** The tools half of one MCP server: translates between the SDK's requests and the executor's calls. */
export class ToolCalls {
  readonly #project: Project;
  readonly #binding: McpBinding;
  readonly #channel: Channel;

  constructor(binding: McpBinding, channel: Channel, project: Project) {
    this.#project = project;
    this.#binding = binding;
    this.#channel = channel;
  }

  /** Answers tools/list with the tools the caller may use. */
  list(context: ServerContext): ListToolsResult {
    const { caller } = this.#sender(context);
    const tools = visibleTo(caller, this.#binding.catalogue.tools);
    return {
      tools: tools.map(({ listing }) => listing) as unknown as ListToolsResult['tools'],
      ...(this.#channel.era === 'modern' && hintsOf(this.#binding)),
    };
  }

  /**
   * Answers tools/call.
   * @throws ProtocolError for an unknown tool and a foreign requestState, which MCP answers with an error, and for a bug of ours
   */
  async call(params: CallParams, context: CallContext): Promise<CallToolResult | InputRequiredResult> {
    try {
      return await this.#call(params, context);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#binding.onError(error instanceof Error ? error : new Error(String(error)));
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        'The server failed to handle the call; see its log',
      );
    }
  }

  async #call(params: CallParams, context: CallContext): Promise<CallToolResult | InputRequiredResult> {
    const { requestState, door, executor } = this.#binding;
    const { state, giveBack } = requestState.open(params, context);
    const { notices, end } = this.#notices(params.name, context);
    const call = this.#toolCall(params, state, context, notices);
    // From here the executor counts the call; connect-door.ts says how those are counted that never get here.
    door.hold(call);
    const outcome = await executor.execute(call);
    end();
    if (outcome.status === 'error' && NOT_TRIED.has(outcome.reason)) giveBack();
    // A request that this client cannot answer goes out all the same: the SDK refuses it with the error that MCP wants (-32021).
    if (outcome.status === 'error')
      return outcome.unanswerable && this.#channel.era === 'modern'
        ? this.#inputRequired(params, outcome.unanswerable, context)
        : outcome.relayed
          ? this.#relayed(outcome.tool, outcome.relayed)
          : failureResult(outcome, call.requestId);
    return outcome.inputRequired
      ? this.#inputRequired(params, outcome.inputRequired, context)
      : this.#success(outcome.tool, outcome.result);
  }

  #toolCall(
    { name, arguments: args }: CallParams,
    state: unknown,
    context: CallContext,
    { progress, log, releaseConnection }: Notices,
  ): ToolCall {
    const { mcpReq, sessionId } = context;
    const { caller, requestId, waitSeconds } = this.#sender(context);
    const { door, tracing } = this.#binding;
    const peer = door.current?.peer ?? {};
    const elicitation = fieldOf(peer.capabilities, 'elicitation');
    return {
      name,
      arguments: args,
      caller,
      requestId,
      waitSeconds,
      entrance: 'mcp',
      sessionId: sessionId === undefined ? undefined : sessionName(sessionId),
      clientName: peer.name,
      clientVersion: peer.version,
      canElicit: answersForms(elicitation),
      comesBack: this.#channel.comesBack,
      signal: mcpReq.signal,
      answers: mcpReq.inputResponses,
      state,
      canAnswer: (requests) => answers(elicitation, requests),
      problemOfRequests,
      trace: tracing?.currentCall(),
      progress,
      log,
      releaseConnection,
      ...(this.#channel.era === 'legacy' && { ask: askClient(context as ServerContext) }),
    };
  }

  /** What the call may tell its client before the answer, as fast as the client takes it. */
  #notices(name: string, { mcpReq, http }: CallContext): PacedNotices {
    const { now, onProtocolError } = this.#binding;
    const { comesBack, reader = readerIn(http?.authInfo) ?? nobody } = this.#channel;
    const { takesStreams, keepsUp } = reader;
    const token = mcpReq._meta?.progressToken;
    const tell = (send: () => Promise<void>): void => {
      if (takesStreams && !mcpReq.signal.aborted) send().catch(onProtocolError);
    };
    return pacedNotices(
      {
        progress(progress, total, message) {
          if (token === undefined) return;
          const optional = {
            ...(total !== undefined && { total }),
            ...(message !== undefined && { message }),
          };
          const params = { progressToken: token, progress, ...optional };
          tell(() => mcpReq.notify({ method: 'notifications/progress', params }));
        },
        log(level, data) {
          tell(() => mcpReq.log(level, data, name));
        },
        releaseConnection() {
          if (comesBack) http?.closeSSE?.();
        },
      },
      { now, isReady: keepsUp },
    );
  }

  #sender({ http }: Pick<CallContext, 'http'>): Sender {
    return senderIn(http?.authInfo, this.#channel.transport, this.#binding.newRequestId);
  }

  #success(tool: OfferedTool | undefined, { content, value, relayed }: ToolResult): CallToolResult {
    if (relayed) return this.#relayed(tool, relayed);
    const schema = tool?.listing.outputSchema;
    const result = { content: [...content], ...(schema && { structuredContent: value }) } as CallToolResult;
    return this.#project(result, schema);
  }

  /** What an upstream answered, in the form that the era of the client has for it. */
  #relayed(tool: OfferedTool | undefined, result: Relayed): CallToolResult {
    return this.#project(result as CallToolResult, tool?.listing.outputSchema);
  }

  async #inputRequired(
    params: CallParams,
    { requests, state }: InputRequired,
    context: CallContext,
  ): Promise<InputRequiredResult> {
    return {
      resultType: 'input_required',
      inputRequests: requests as unknown as NonNullable<InputRequiredResult['inputRequests']>,
      ...(state !== undefined && {
        requestState: await this.#binding.requestState.seal(params, state, context),
      }),
    };
  }
}

const nobody: Reader = { takesStreams: false, keepsUp: () => false };

function failureResult(failure: Failure, requestId: string): CallToolResult {
  const { reason, message, retryAfterSeconds, scopes } = failure;
  // Not -32602 for the rest: MCP wants what the model can correct in the result, where it sees it.
  if (reason === 'unknown_tool') throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
  const details = {
    reason,
    retryable: ERROR_REASONS[reason].retryable,
    requestId,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(scopes && { scopes }),
  };
  return {
    content: [{ type: 'text', text: message }],
    isError: true,
    _meta: { [FAILURE_META_KEY]: details },
  };
}
