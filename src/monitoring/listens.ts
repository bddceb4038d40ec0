import {
  LISTEN,
  errorCodeOf,
  fieldOf,
  isRequest,
  paramOf,
  statedVersion,
  type Message,
  type RpcRequest,
} from './message.ts';
import type { Recorder } from './recorder.ts';
import type { OperationSpan, Tracing } from './traces/tracing.ts';

/** What answers HTTP requests with servers of its own making, as `createMcpHandler` of the SDK does. */
export interface FetchHandler {
  fetch(request: Request, options?: { readonly parsedBody?: unknown }): Promise<Response>;
}

interface ListenParts {
  readonly recorder: Pick<Recorder, 'request' | 'operation'>;
  readonly tracing: Tracing | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/** What is known of a stream from its request. */
interface Listen {
  readonly protocolVersion: string | undefined;
  readonly startedAt: number;
  readonly span: OperationSpan | undefined;
}

/** What a client is told when its request fails for no fault of its own; JSON-RPC 2.0, "Error object". */
const INTERNAL_ERROR = -32603;

/** Larger bodies are left to the handler, which has limits of its own. */
const MAX_BODY_BYTES = 65_536;

/**
 * The `subscriptions/listen` streams of handlers, which answer these requests themselves: no server sees them. Each is
 * counted as a request, is open until its stream ends, and has a span as long as that.
 */
export class Listens {
  readonly #parts: ListenParts;
  readonly #open = new Set<Listen>();

  constructor(parts: ListenParts) {
    this.#parts = parts;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  watch(handler: FetchHandler): void {
    const answer = handler.fetch.bind(handler);
    handler.fetch = async (request, options) => {
      const message = await listenIn(request, options?.parsedBody);
      if (!message) return answer(request, options);
      return this.#serve(message, request, () => answer(request, options));
    };
  }

  async #serve(message: RpcRequest, request: Request, answer: () => Promise<Response>): Promise<Response> {
    const { recorder, tracing, now } = this.#parts;
    const protocolVersion =
      statedVersion(message) ?? request.headers.get('mcp-protocol-version') ?? undefined;
    recorder.request(LISTEN, protocolVersion, 'http');
    const meta = paramOf(message, '_meta');
    const span = tracing?.operation({
      method: LISTEN,
      tool: undefined,
      id: message.id,
      sessionId: undefined,
      meta,
    });
    const listen = { protocolVersion, startedAt: now(), span };
    let response: Response;
    try {
      response = await (span ? span.run(answer) : answer());
    } catch (error) {
      this.#end(listen, INTERNAL_ERROR);
      throw error;
    }
    if (response.body && mediaTypeOf(response) === 'text/event-stream')
      return this.#follow(listen, response, response.body, request.signal);
    this.#end(listen, await refusalOf(response));
    return response;
  }

  /** The same response, known to be open until its body ends or its client is gone. */
  #follow(listen: Listen, response: Response, body: ReadableStream<Uint8Array>, gone: AbortSignal): Response {
    this.#open.add(listen);
    const close = (end: () => void): void => {
      gone.removeEventListener('abort', abandon);
      if (this.#open.delete(listen)) end();
    };
    const abandon = (): void => {
      close(() => listen.span?.cancel());
    };
    gone.addEventListener('abort', abandon);
    if (gone.aborted) abandon();
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
          close(() => {
            this.#end(listen, INTERNAL_ERROR);
          });
          throw error;
        }
        close(() => {
          this.#end(listen, undefined);
        });
        controller.close();
      },
      cancel: async (reason) => {
        abandon();
        await reader.cancel(reason);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(followed, { status, statusText, headers });
  }

  #end({ protocolVersion, startedAt, span }: Listen, errorCode: number | undefined): void {
    const { recorder, now } = this.#parts;
    const operation = {
      method: LISTEN,
      protocolVersion,
      transport: 'http',
      tool: undefined,
      errorCode,
      isError: false,
      seconds: now() - startedAt,
      traceId: span?.sampledTraceId,
    } as const;
    recorder.operation(operation);
    span?.end(operation);
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
  return length > MAX_BODY_BYTES ? { id: '', method: LISTEN } : listenOf(await bodyOf(request));
}

function listenOf(body: unknown): RpcRequest | undefined {
  const message: Message = {
    id: fieldOf(body, 'id'),
    method: fieldOf(body, 'method'),
    params: fieldOf(body, 'params'),
  };
  const isListen = isRequest(message) && message.method === LISTEN && statedVersion(message) !== undefined;
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

/** The JSON-RPC error code of an answer that is no stream. */
async function refusalOf(response: Response): Promise<number | undefined> {
  if (mediaTypeOf(response) !== 'application/json') return undefined;
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return errorCodeOf({ error: fieldOf(answer, 'error') });
}

const mediaTypeOf = ({ headers }: Response): string | undefined =>
  headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
