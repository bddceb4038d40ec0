import { subscribe } from 'node:diagnostics_channel';
import { SpanKind, context, propagation, trace, type Span, type Tracer } from '@opentelemetry/api';
import { fail } from './tracing.ts';

/** What undici, which is `fetch` too, says of a request on its channels; see its docs/api/DiagnosticsChannel.md. */
interface OutboundRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  addHeader(name: string, value: string): unknown;
}

/** Makes a span of every HTTP request that a tool sends by `fetch` or undici while its call is traced. Call once. */
export function traceOutboundRequests(tracer: Tracer): void {
  const spans = new WeakMap<OutboundRequest, Span>();
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: OutboundRequest };
    const active = context.active();
    if (!trace.getSpan(active)) return;
    const span = tracer.startSpan(
      request.method,
      { kind: SpanKind.CLIENT, attributes: attributesOf(request) },
      active,
    );
    spans.set(request, span);
    const carrier: Record<string, string> = {};
    propagation.inject(trace.setSpan(active, span), carrier);
    // Baggage stays here: it is not for whoever a model wants to read.
    for (const name of ['traceparent', 'tracestate']) {
      if (carrier[name] !== undefined) request.addHeader(name, carrier[name]);
    }
  });
  const end = (request: OutboundRequest, finish: (span: Span) => void): void => {
    const span = spans.get(request);
    if (!span) return;
    spans.delete(request);
    finish(span);
    span.end();
  };
  // Not at the end of the body, which nobody may read.
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as { request: OutboundRequest; response: { statusCode: number } };
    end(request, (span) => {
      span.setAttribute('http.response.status_code', response.statusCode);
      if (response.statusCode >= 400) fail(span, String(response.statusCode));
    });
  });
  subscribe('undici:request:error', (message) => {
    const { request, error } = message as { request: OutboundRequest; error: Error };
    end(request, (span) => {
      fail(span, (error as NodeJS.ErrnoException).code ?? error.name);
    });
  });
}

/** Without the query, which may hold secrets (OpenTelemetry semantic conventions for HTTP, `url.full`). */
function attributesOf({ origin, path, method }: OutboundRequest) {
  const url = URL.parse(path, origin);
  return {
    'http.request.method': method,
    ...(url && {
      'server.address': url.hostname,
      'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      'url.full': `${url.origin}${url.pathname}`,
    }),
  };
}
