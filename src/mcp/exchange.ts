import type { ServerResponse } from 'node:http';
import {
  PerRequestHTTPServerTransport,
  type AuthInfo,
  type InboundModernRoute,
  type JSONRPCMessage,
  type Server,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import type { McpBinding } from './binding.ts';
import { connectDoor } from './connect-door.ts';
import { EVENT_STREAM_HEADERS, KEEPALIVE } from './response-stream.ts';
import { readerIn } from './sender.ts';

/**
 * One modern request and its answer, written straight to Node's response: as JSON, or, when something must be said before
 * it, as a stream of events (MCP 2026-07-28, "Streamable HTTP"). The SDK's own way there, through web Request and Response
 * objects, costs more than the call itself; only errors that have an HTTP status of their own still take it.
 */
class Exchange extends PerRequestHTTPServerTransport {
  readonly #response: ServerResponse;
  /** Whether the client takes a stream. */
  readonly #mayStream: boolean;
  /** Runs out when nothing has been said for long. */
  readonly #speaking: NodeJS.Timeout | undefined;

  constructor(
    route: InboundModernRoute,
    response: ServerResponse,
    { keepAliveSeconds, mayStream }: { readonly keepAliveSeconds: number; readonly mayStream: boolean },
  ) {
    super({ classification: route.classification });
    this.#response = response;
    this.#mayStream = mayStream;
    // A proxy in front cuts off an answer of which nothing is heard for long: nginx after a minute, if not told otherwise.
    if (mayStream)
      this.#speaking = setTimeout(() => {
        this.#write(KEEPALIVE);
      }, keepAliveSeconds * 1000);
  }

  override send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (this.#response.writableEnded || this.#response.destroyed) return Promise.resolve();
    if ('method' in message) {
      if (this.#mayStream && options?.relatedRequestId !== undefined) this.#writeEvent(message);
    } else if (this.#isStreaming) {
      this.#writeEvent(message);
      this.#end();
    } else if ('result' in message) {
      const body = JSON.stringify(message);
      this.#response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      this.#end(body);
    } else {
      return super.send(message, options);
    }
    return Promise.resolve();
  }

  override close(): Promise<void> {
    clearTimeout(this.#speaking);
    return super.close();
  }

  get #isStreaming(): boolean {
    return this.#response.headersSent;
  }

  #writeEvent(message: JSONRPCMessage): void {
    this.#write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  #write(text: string): void {
    if (!this.#isStreaming) this.#response.writeHead(200, EVENT_STREAM_HEADERS);
    // In bytes: of text, Node would count characters where it says how much of an answer is unread.
    this.#response.write(Buffer.from(text));
    this.#speaking?.refresh();
  }

  #end(body?: string): void {
    clearTimeout(this.#speaking);
    this.#response.end(body === undefined ? undefined : Buffer.from(body));
  }
}

/**
 * Serves one modern request on a server made for it. When the client goes away first, the request is cancelled
 * (MCP 2026-07-28: closing the response stream is the cancellation).
 */
export async function serveExchange(
  server: Server,
  binding: McpBinding,
  route: InboundModernRoute,
  response: ServerResponse,
  authInfo: AuthInfo,
): Promise<void> {
  const exchange = new Exchange(route, response, {
    keepAliveSeconds: binding.keepAliveSeconds,
    mayStream: readerIn(authInfo)?.takesStreams === true,
  });
  await server.connect(exchange);
  connectDoor(exchange, { transport: 'http' }, binding);
  const cancelIfGone = (): void => {
    if (!response.writableFinished) void exchange.close();
  };
  response.on('close', cancelIfGone);
  // Not awaited: it settles only for errors, which go the SDK's way.
  exchange
    .handleMessage(route.message, { authInfo })
    .then((answer) => writeAnswer(answer, response))
    .catch((error: unknown) => {
      // Closed before an answer means that the client is gone: there is nobody to tell.
      if (response.destroyed || response.writableEnded) return;
      server.onerror?.(error instanceof Error ? error : new Error(String(error)));
      response.destroy();
    });
  // The client may have left while its request was read or its caller was found out.
  if (response.destroyed) cancelIfGone();
}

/** Sends an answer that the SDK has made. */
export async function writeAnswer(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.bytes());
}
