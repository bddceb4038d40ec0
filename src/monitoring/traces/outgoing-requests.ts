import { subscribe } from 'node:diagnostics_channel';

/** What undici publishes of a request. */
interface UndiciRequest {
  /** May be a URL in older versions, which tools may bring. */
  readonly origin: unknown;
  readonly path: string;
  readonly method: string;
  /** Names and values in turn; one text in older versions. */
  readonly headers?: unknown;
  addHeader(name: string, value: string): unknown;
}

/** An HTTP request that is being sent. */
export interface HttpRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  readonly method: string;
}

/** What passes a trace on (W3C Trace Context, section 3). */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Who follows a request: hears once what became of it. */
export interface RequestFollower {
  /** Sent along. */
  readonly headers: TraceHeaders;
  /** The head of the response is here; its body, which nobody may read, is not waited for. */
  answered(status: number): void;
  failed(errorType: string): void;
}

/**
 * Follows the HTTP requests that this thread sends by `fetch` or undici, which tell of themselves on diagnostics channels
 * (undici, docs/api/DiagnosticsChannel.md). Call once in a thread.
 * @param begin is called where the request is made, in its asynchronous context
 */
export function followHttpRequests(begin: (request: HttpRequest) => RequestFollower | undefined): void {
  const followers = new WeakMap<object, RequestFollower>();
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: UndiciRequest };
    const { origin, path, method } = request;
    const follower = begin({ origin: String(origin), path, method });
    if (!follower) return;
    followers.set(request, follower);
    if (namesTrace(request)) return;
    const { traceparent, tracestate } = follower.headers;
    request.addHeader('traceparent', traceparent);
    if (tracestate !== undefined) request.addHeader('tracestate', tracestate);
  });
  const end = (request: object, tell: (follower: RequestFollower) => void): void => {
    const follower = followers.get(request);
    followers.delete(request);
    if (follower) tell(follower);
  };
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as { request: object; response: { statusCode: number } };
    // Another head follows an informational one, except where the protocol is switched.
    if (response.statusCode < 200 && response.statusCode !== 101) return;
    end(request, (follower) => {
      follower.answered(response.statusCode);
    });
  });
  subscribe('undici:request:error', (message) => {
    const { request, error } = message as { request: object; error: unknown };
    end(request, (follower) => {
      follower.failed(errorTypeOf(error));
    });
  });
}

/** Whether its sender passes a trace on: of two such headers a receiver takes neither (W3C Trace Context). */
function namesTrace({ headers }: UndiciRequest): boolean {
  const words: readonly unknown[] = Array.isArray(headers) ? headers : String(headers).split(/[:\r\n]+/);
  return words.some((word) => String(word).trim().toLowerCase() === 'traceparent');
}

function errorTypeOf(error: unknown): string {
  // Only what a signal was aborted with need not be an error.
  if (!(error instanceof Error)) return 'AbortError';
  // The codes of DOMException are numbers.
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
