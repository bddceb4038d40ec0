import type { ServerResponse } from 'node:http';
import {
  type AuthInfo,
  type CallToolResult,
  type InboundModernRoute,
  type InputRequiredResult,
  type JSONRPCRequest,
} from '@modelcontextprotocol/server';
import type { Connection, ConnectionOptions } from '../monitoring/door/connection.ts';
import { sendThroughDoor } from '../monitoring/door/door-adapter.ts';
import type { ToolCall } from '../tools/call.ts';
import { isObject, isPlainResult } from '../tools/plain-result.ts';
import type { McpBinding } from './binding.ts';
import { CallAnswer } from './call-answer.ts';
import type { CallContext } from './call-context.ts';
import { complete } from './complete.ts';
import { connectDoor, connectionOptions, nowhere, rewordErrors } from './connect-door.ts';
import { Exchange } from './exchange.ts';
import type { PlainCall } from './plain-request.ts';
import { readerIn } from './sender.ts';
import type { ServerFactory } from './server-factory.ts';
import { ToolCalls } from './tool-calls.ts';
import { MODERN_VERSION } from './versions.ts';

/**
 * Serves tools/call of 2026-07-28, each on its own. When the client goes away first, the call is cancelled (MCP 2026-07-28:
 * closing the response stream is the cancellation).
 */
export class StatelessCalls {
  readonly #binding: McpBinding;
  readonly #servers: ServerFactory;
  readonly #calls: ToolCalls;
  readonly #doorOptions: ConnectionOptions<ToolCall>;

  constructor(binding: McpBinding, servers: ServerFactory) {
    this.#binding = binding;
    this.#servers = servers;
    this.#calls = new ToolCalls(binding, servers.channelOf('modern'), (result) => result);
    this.#doorOptions = connectionOptions(nowhere, { transport: 'http' }, binding);
  }

  /** Serves one on a server of the SDK that is made for it. */
  async serveBySdk(route: InboundModernRoute, response: ServerResponse, authInfo: AuthInfo): Promise<void> {
    const server = this.#servers.create('modern');
    const exchange = new Exchange(route.classification, this.#replyTo(response, authInfo));
    await server.connect(exchange);
    connectDoor(exchange, { transport: 'http' }, this.#binding);
    exchange.serve(route.message as JSONRPCRequest, authInfo, server, response);
    onceGone(response, () => void exchange.close());
  }

  /** Serves a plain one without such a server. The SDK is asked only if it would change the answer, or has rules for it. */
  async servePlain(call: PlainCall, response: ServerResponse, authInfo: AuthInfo): Promise<void> {
    const reply = this.#replyTo(response, authInfo);
    const connection = this.#binding.door.connect(this.#doorOptions);
    const client = new AbortController();
    const pending = connection.begin(call, { authInfo });
    const called = connection.runAs(pending, () =>
      this.#calls.call(call.params, contextOf(call, client.signal, authInfo, reply)),
    );
    onceGone(response, () => {
      reply.stopKeepAlive();
      connection.close();
      client.abort();
    });
    const result = await called.then(unchanged, () => undefined);
    if (reply.isOver) return;
    if (result) {
      const message = { result: complete(result, this.#binding.info), jsonrpc: '2.0', id: call.id };
      if (pending) connection.answer(pending, message);
      reply.end(message);
    } else await this.#answerBySdk({ call, called, connection, reply, response, authInfo });
  }

  #replyTo(response: ServerResponse, authInfo: AuthInfo): CallAnswer {
    return new CallAnswer(response, {
      keepAlive: this.#binding.delays.keepAlive,
      mayStream: readerIn(authInfo)?.takesStreams === true,
    });
  }

  async #answerBySdk({ call, called, connection, reply, response, authInfo }: Called): Promise<void> {
    const server = this.#servers.createToAnswer(called);
    const exchange = new Exchange({ era: 'modern', revision: MODERN_VERSION }, reply);
    await server.connect(exchange);
    sendThroughDoor(exchange, connection);
    rewordErrors(exchange);
    exchange.serve(call, authInfo, server, response);
  }
}

/** A call that has been carried out. */
interface Called {
  readonly call: PlainCall;
  readonly called: Promise<CallToolResult | InputRequiredResult>;
  readonly connection: Connection<ToolCall>;
  readonly reply: CallAnswer;
  readonly response: ServerResponse;
  readonly authInfo: AuthInfo;
}

/** A result that the SDK would send as it is; one whose value is no object is to have text besides. */
function unchanged(result: CallToolResult | InputRequiredResult): CallToolResult | undefined {
  if (!isPlainResult(result)) return undefined;
  const { content, structuredContent: value } = result as CallToolResult;
  return value === undefined || isObject(value) || content.length > 0
    ? (result as CallToolResult)
    : undefined;
}

/** Calls back when the client has gone before its answer, which it may have done while its request was read. */
function onceGone(response: ServerResponse, leave: () => void): void {
  const leaveIfGone = (): void => {
    if (!response.writableFinished) leave();
  };
  if (response.destroyed) leaveIfGone();
  else response.on('close', leaveIfGone);
}

const contextOf = (
  { params }: PlainCall,
  signal: AbortSignal,
  authInfo: AuthInfo,
  reply: CallAnswer,
): CallContext => ({
  mcpReq: {
    _meta: params._meta,
    signal,
    requestState: () => undefined,
    notify(notification) {
      reply.tell({ jsonrpc: '2.0', ...notification });
      return Promise.resolve();
    },
    // Its client has asked for no log.
    log: () => Promise.resolve(),
  },
  http: { authInfo },
});
