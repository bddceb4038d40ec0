import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import {
  SpanKind,
  context,
  propagation,
  trace,
  type Context,
  type Span,
  type TimeInput,
  type Tracer,
} from '@opentelemetry/api';
import type { ThreadFollower } from '../../tools/worker-pool.ts';
import { followHttpRequests, type HttpRequest, type TraceHeaders } from './outgoing-requests.ts';
import type { RequestNews } from './thread-requests.ts';
import { fail } from './tracing.ts';

/** Makes a span of every HTTP request that a tool sends from this thread while its call is traced. Call once. */
export function traceOutboundRequests(tracer: Tracer): void {
  followHttpRequests((request) => {
    const active = context.active();
    if (!trace.getSpan(active)) return undefined;
    const span = startSpan(tracer, request, active);
    return {
      headers: headersOf(trace.setSpan(active, span)),
      answered(status) {
        endAnswered(span, status);
      },
      failed(errorType) {
        endFailed(span, errorType);
      },
    };
  });
}

/**
 * Makes spans of the HTTP requests that a call sends from a worker thread, out of what the thread tells of them, so that
 * those it never tells the end of are seen, too.
 * @param moduleUrl of `thread-requests.ts`
 * @param withId has the span that is started in it bear an id
 * @returns `undefined` when the step that runs now is not traced
 */
export function followThread(
  tracer: Tracer,
  moduleUrl: string,
  withId: (spanId: string, start: () => Span) => Span,
): ThreadFollower | undefined {
  const within = context.active();
  if (!trace.getSpan(within)) return undefined;
  const open = new Map<string, Span>();
  const told = ({ spanId, at, ...what }: RequestNews): void => {
    if ('request' in what) {
      open.set(
        spanId,
        withId(spanId, () => startSpan(tracer, what.request, within, at)),
      );
      return;
    }
    const span = open.get(spanId);
    open.delete(spanId);
    if (!span) return;
    if ('status' in what) endAnswered(span, what.status, at);
    else endFailed(span, what.errorType, at);
  };
  const { port1, port2 } = new MessageChannel();
  port1.on('message', told);
  return {
    trace: { moduleUrl, parent: headersOf(within), port: port2 },
    over(lost) {
      for (let news; (news = receiveMessageOnPort(port1));) told(news.message as RequestNews);
      port1.close();
      for (const span of open.values()) {
        if (lost) endFailed(span, 'worker_lost');
        else span.end();
      }
      open.clear();
    },
  };
}

function startSpan(tracer: Tracer, request: HttpRequest, parent: Context, startTime?: TimeInput): Span {
  return tracer.startSpan(
    request.method,
    {
      kind: SpanKind.CLIENT,
      attributes: attributesOf(request),
      ...(startTime !== undefined && { startTime }),
    },
    parent,
  );
}

/** Without the query, which may hold secrets (OpenTelemetry semantic conventions for HTTP, `url.full`). */
function attributesOf({ origin, path, method }: HttpRequest) {
  // CONNECT has no path, but the host it wants a tunnel to.
  const url = URL.parse(method === 'CONNECT' ? '' : path, origin);
  return {
    'http.request.method': method,
    ...(url && {
      'server.address': url.hostname,
      'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      'url.full': `${url.origin}${url.pathname}`,
    }),
  };
}

function endAnswered(span: Span, status: number, at?: TimeInput): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 400) fail(span, String(status));
  span.end(at);
}

function endFailed(span: Span, errorType: string, at?: TimeInput): void {
  fail(span, errorType);
  span.end(at);
}

/** What passes a trace on. Baggage stays here: it is not for whoever a model wants to read. */
function headersOf(within: Context): TraceHeaders {
  const carrier: { traceparent?: string; tracestate?: string } = {};
  propagation.inject(within, carrier);
  const { traceparent = '', tracestate } = carrier;
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
