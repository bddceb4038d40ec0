import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
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

/**
 * One modern request and its answer, written straight to Node's response. The SDK's own way there, through web
 * Request and Response objects, costs more than the call itself; anything but a plain result still takes it.
 */
class Exchange extends PerRequestHTTPServerTransport {
  readonly #response: ServerResponse;
  #streaming = false;

  constructor(route: InboundModernRoute, response: ServerResponse) {
    super({ classification: route.classification });
    this.#response = response;
  }

  override send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ('method' in message) this.#streaming = true;
    if (this.#streaming || !('result' in message)) return super.send(message, options);
    const body = JSON.stringify(message);
    this.#response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    this.#response.end(body);
    return Promise.resolve();
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
  const exchange = new Exchange(route, response);
  await server.connect(exchange);
  connectDoor(exchange, { transport: 'http' }, binding);
  const cancelIfGone = (): void => {
    if (!response.writableFinished) void exchange.close();
  };
  response.on('close', cancelIfGone);
  // Not awaited: it settles only for answers that go the SDK's way.
  exchange
    .handleMessage(route.message, { authInfo })
    .then((answer) => writeResponse(answer, response))
    .catch((error: unknown) => {
      // Closed before an answer means that the client is gone: there is nobody to tell.
      if (response.destroyed || response.writableEnded) return;
      server.onerror?.(error instanceof Error ? error : new Error(String(error)));
      response.destroy();
    });
  // The client may have left while its request was read or its caller was found out.
  if (response.destroyed) cancelIfGone();
}

/** Writes a web Response to a Node response; a client that hangs up ends it early. */
async function writeResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) {
    response.end();
    return;
  }
  response.flushHeaders();
  await pipeline(Readable.fromWeb(answer.body), response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}
