import type { ServerResponse } from 'node:http';
import {
  PerRequestHTTPServerTransport,
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type MessageClassification,
  type Server,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import type { CallAnswer } from './call-answer.ts';

/**
 * Carries one modern request to a server of the SDK, and its answer to Node's response. The SDK's own way there, through web
 * Request and Response objects, costs more than the call itself; only errors still take it, as some have an HTTP status of their own.
 */
export class Exchange extends PerRequestHTTPServerTransport {
  readonly #answer: CallAnswer;

  constructor(classification: MessageClassification, answer: CallAnswer) {
    super({ classification });
    this.#answer = answer;
  }

  override send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ('method' in message) {
      if (options?.relatedRequestId !== undefined) this.#answer.tell(message);
    } else if (this.#answer.isOver || this.#answer.isStream || 'result' in message) this.#answer.end(message);
    else return super.send(message, options);
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.#answer.stopKeepAlive();
    return super.close();
  }

  /** Passes the request to a server that is connected, and writes its answer. */
  serve(request: JSONRPCRequest, authInfo: AuthInfo, server: Server, response: ServerResponse): void {
    // Not awaited: it settles only for errors, which go the SDK's way.
    this.handleMessage(request, { authInfo })
      .then((answer) => writeAnswer(answer, response))
      .catch((error: unknown) => {
        // Closed before an answer means that the client is gone: there is nobody to tell.
        if (this.#answer.isOver) return;
        server.onerror?.(error instanceof Error ? error : new Error(String(error)));
        response.destroy();
      });
  }
}

/** Sends an answer that the SDK has made. */
export async function writeAnswer(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.bytes());
}
