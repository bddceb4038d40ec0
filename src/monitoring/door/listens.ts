import type { Connection } from './connection.ts';
import type { Pending } from './pending.ts';
import type { Door } from './door.ts';
import { ERROR_CODES } from './json-rpc.ts';
import { mediaTypeOf } from './media-type.ts';
import { LISTEN, fieldOf, isRequest, type Message, type RpcRequest } from './message.ts';
import { statedRevision } from './peer.ts';

/** What answers HTTP requests with servers of its own making, as `createMcpHandler` of the SDK does. */
export interface FetchHandler {
  fetch(request: Request, options?: { readonly parsedBody?: unknown }): Promise<Response>;
}

/** What `createMcpHandler` returns. */
export interface McpHandler extends FetchHandler {
  close(): Promise<void>;
  /** Publishes changes to the streams of `subscriptions/listen`. */
  readonly notify: object;
}

/** Larger bodies are left to the handler, which has limits of its own. */
const MAX_BODY_BYTES = 65_536;

/**
 * Takes the `subscriptions/listen` streams of a handler through the door. The handler answers these requests itself, so
 * that no server sees them; each is in flight until its stream ends.
 * @param served called when a request that a server of the handler has to see was answered with success
 */
export function takeListens<Held>(
  handler: FetchHandler,
  door: Door<Held>,
  served: () => void = () => undefined,
): void {
  const answer = handler.fetch.bind(handler);
  handler.fetch = async (request, options) => {
    const message = await listenIn(request, options?.parsedBody);
    if (!message) {
      const response = await answer(request, options);
      if (request.method === 'POST' && response.ok) served();
      return response;
    }
    // The label is never asked for: a listen calls no tool.
    const connection = door.connect({ transport: 'http', toolLabel: (name) => name });
    const listen = connection.begin(message, { request });
    if (!listen) return answer(request, options);
    return new Listen(connection, listen, request.signal).serve(() => answer(request, options));
  };
}

/** One such request. */
class Listen<Held> {
  readonly #connection: Connection<Held>;
  readonly #listen: Pending<Held>;
  readonly #gone: AbortSignal;

  /** @param gone aborts when the client goes away */
  constructor(connection: Connection<Held>, listen: Pending<Held>, gone: AbortSignal) {
    this.#connection = connection;
    this.#listen = listen;
    this.#gone = gone;
  }

  async serve(answer: () => Promise<Response>): Promise<Response> {
    let response: Response;
    try {
      response = await this.#connection.runAs(this.#listen, answer);
    } catch (error) {
      this.#fail();
      throw error;
    }
    if (response.body && mediaTypeOf(response.headers.get('content-type')) === 'text/event-stream')
      return this.#follow(response, response.body);
    this.#connection.answer(this.#listen, await messageIn(response));
    return response;
  }

  #fail(): void {
    this.#connection.answer(this.#listen, { error: { code: ERROR_CODES.internalError } });
  }

  /** The same response, in flight until its body ends or its client is gone. */
  #follow({ status, statusText, headers }: Response, body: ReadableStream<Uint8Array>): Response {
    const abandon = (): void => {
      this.#connection.drop(this.#listen, 'cancelled');
    };
    this.#gone.addEventListener('abort', abandon, { once: true });
    if (this.#gone.aborted) abandon();
    const reader = body.getReader();
    const followed = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          this.#fail();
          throw error;
        }
        this.#gone.removeEventListener('abort', abandon);
        this.#connection.answer(this.#listen, { result: {} });
        controller.close();
      },
      cancel: async (reason) => {
        abandon();
        await reader.cancel(reason);
      },
    });
    return new Response(followed, { status, statusText, headers });
  }
}

/**
 * The request for a stream, if it is one: 2026-07-28 has its method in a header, too, and its revision in the body. Those
 * without a revision go to servers of earlier ones, which see them.
 */
async function listenIn(request: Request, parsedBody: unknown): Promise<RpcRequest | undefined> {
  if (request.method !== 'POST') return undefined;
  if (parsedBody !== undefined) return listenOf(parsedBody);
  if (request.headers.get('mcp-method') !== LISTEN) return undefined;
  const length = Number(request.headers.get('content-length') ?? Infinity);
  // The id in a body that is too large to read here is not known.
  return length > MAX_BODY_BYTES ? { id: '', method: LISTEN } : listenOf(await bodyOf(request));
}

function listenOf(body: unknown): RpcRequest | undefined {
  const message: Message = {
    id: fieldOf(body, 'id'),
    method: fieldOf(body, 'method'),
    params: fieldOf(body, 'params'),
  };
  const isListen = isRequest(message) && message.method === LISTEN && statedRevision(message) !== undefined;
  return isListen ? message : undefined;
}

/** Read from a copy, so that the handler can read it again, and say what is wrong with it. */
async function bodyOf(request: Request): Promise<unknown> {
  try {
    return await request.clone().json();
  } catch {
    return undefined;
  }
}

/** An answer that is no stream, as far as it is JSON-RPC. */
async function messageIn(response: Response): Promise<Message> {
  if (mediaTypeOf(response.headers.get('content-type')) !== 'application/json') return {};
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return { error: fieldOf(answer, 'error') };
}
