import { subscribe } from 'node:diagnostics_channel';
import { SpanKind, context, propagation, trace, type Span, type Tracer } from '@opentelemetry/api';
import { markAsError } from './tracing.ts';

/** What undici publishes of a request. */
interface UndiciRequest {
  /** Scheme, host and port; may be a URL in older versions, which tools may bring. */
  readonly origin: unknown;
  /** With the query. */
  readonly path: string;
  readonly method: string;
  /** Names and values in turn; one text in older versions. */
  readonly headers?: unknown;
  addHeader(name: string, value: string): unknown;
}

/**
 * Makes a span of every HTTP request that a tool sends from this thread while its call is traced, and passes the trace on
 * with it. `fetch` and undici tell of their requests on diagnostics channels (undici, docs/api/DiagnosticsChannel.md). Call
 * once in a process.
 */
export function traceOutboundRequests(tracer: Tracer): void {
  const open = new WeakMap<object, Span>();
  // Published where the request is made, so that the active context is that of the step that makes it.
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: UndiciRequest };
    const active = context.active();
    if (!trace.getSpan(active)) return;
    const options = { kind: SpanKind.CLIENT, attributes: attributesOf(request) };
    const span = tracer.startSpan(request.method, options, active);
    open.set(request, span);
    if (namesTrace(request)) return;
    const carrier: Record<string, string> = {};
    propagation.inject(trace.setSpan(active, span), carrier);
    // Baggage and tracestate stay here: what a client says there is not for whoever a model wants to read.
    const { traceparent } = carrier;
    if (traceparent !== undefined) request.addHeader('traceparent', traceparent);
  });
  const end = (request: object, finish: (span: Span) => void): void => {
    const span = open.get(request);
    open.delete(request);
    if (!span) return;
    finish(span);
    span.end();
  };
  // The head of the response ends the span: its body may never be read.
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as { request: object; response: { statusCode: number } };
    const { statusCode } = response;
    // Another head follows an informational one, except where the protocol is switched.
    if (statusCode < 200 && statusCode !== 101) return;
    end(request, (span) => {
      span.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 400) markAsError(span, String(statusCode));
    });
  });
  subscribe('undici:request:error', (message) => {
    const { request, error } = message as { request: object; error: unknown };
    end(request, (span) => {
      markAsError(span, errorTypeOf(error));
    });
  });
}

/** Without the query, which may hold secrets (OpenTelemetry semantic conventions for HTTP, `url.full`). */
function attributesOf({ origin, path, method }: UndiciRequest) {
  // CONNECT has no path, but the host it wants a tunnel to.
  const url = URL.parse(method === 'CONNECT' ? '' : path, String(origin));
  return {
    'http.request.method': method,
    ...(url && {
      'server.address': url.hostname,
      'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      'url.full': `${url.origin}${url.pathname}`,
    }),
  };
}

/** Whether its sender passes a trace on: a receiver takes neither of two such headers (W3C Trace Context). */
function namesTrace({ headers }: UndiciRequest): boolean {
  const words: readonly unknown[] = Array.isArray(headers) ? headers : String(headers).split(/[:\r\n]+/);
  return words.some((word) => String(word).trim().toLowerCase() === 'traceparent');
}

function errorTypeOf(error: unknown): string {
  // A request can be aborted with any value; everything else that undici publishes is an error.
  if (!(error instanceof Error)) return 'AbortError';
  // The codes of DOMException are numbers.
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
