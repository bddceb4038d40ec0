import {
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  isSpanContextValid,
  propagation,
  trace,
  type Context,
  type Span,
  type TextMapGetter,
  type Tracer,
} from '@opentelemetry/api';
import type { CallObserver, CallTrace, Phase } from '../../tools/call.ts';
import { ERROR_REASONS, type ErrorReason } from '../../tools/reasons.ts';
import { flatCopy } from '../flat-copy.ts';
import { HTTP_METHODS, METHODS, NOT_TOLD_APART, oneOf } from '../metrics/labels.ts';
import { attributesOf, type Operation } from '../metrics/operation.ts';

const NAME = 'nexus-mcp';

/** What is known of an MCP request before it is answered. */
export interface OperationStart {
  readonly method: string;
  /** The registered tool of a tools/call, or `unknown`. */
  readonly tool: string | undefined;
  readonly id: string | number;
  readonly sessionId: string | undefined;
  /** `params._meta`, whose `traceparent`, `tracestate` and `baggage` name the parent. */
  readonly meta: unknown;
}

/** The span of an MCP request. */
export interface OperationSpan {
  /** The trace, when it is kept, so that it is worth pointing to. */
  readonly sampledTraceId: string | undefined;
  /** Runs what the request sets off, so that its spans become children of this one. */
  run<Result>(work: () => Result): Result;
  end(operation: Operation): void;
  /** Ends the span of a request that will not be answered. */
  cancel(): void;
}

/**
 * Makes spans by the OpenTelemetry conventions, through the OpenTelemetry API. The SDK that is registered there keeps and
 * sends them; without one nothing is traced.
 */
export class Tracing {
  readonly #tracer = trace.getTracer(NAME);
  #active = false;

  /** Whether an SDK is registered. */
  get active(): boolean {
    // Without an SDK, the ids of a span are all zero. One that was registered is not taken away again.
    this.#active ||= isSpanContextValid(this.#tracer.startSpan('probe', { root: true }).spanContext());
    return this.#active;
  }

  /**
   * The span of an HTTP request; its parent is the one that its `traceparent` header names. Where another instrumentation
   * has made such a span already, there is no second one.
   * @param work is run in it, and gets what ends it, by the matched route's template and the status
   */
  request(
    method: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    work: (end: (route: string, status: number) => void) => void,
  ): void {
    const ambient = context.active();
    if (!this.active || trace.getSpan(ambient)) {
      work(() => undefined);
      return;
    }
    const parent = propagation.extract(ambient, headers, textsOf);
    const name = oneOf(HTTP_METHODS, method, NOT_TOLD_APART);
    const attributes = { 'http.request.method': name };
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    context.with(trace.setSpan(parent, span), work, undefined, (route: string, status: number) => {
      span.updateName(`${name} ${route}`);
      span.setAttribute('http.route', route);
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) markAsError(span, String(status));
      span.end();
    });
  }

  /** The span of an MCP request: its parent is the one the client names, else the HTTP request's, else linked to that. */
  operation({ method, tool, id, sessionId, meta }: OperationStart): OperationSpan | undefined {
    if (!this.active) return undefined;
    const ambient = context.active();
    const here = trace.getSpanContext(ambient);
    // All but the span is kept, since an application may have put its own values there.
    const sent = propagation.extract(trace.deleteSpan(ambient), meta ?? {}, textsOf);
    const isChildOfClient = trace.getSpanContext(sent) !== undefined;
    const parent = isChildOfClient ? sent : ambient;
    const name = oneOf(METHODS, method);
    const span = this.#tracer.startSpan(
      tool === undefined ? name : `${name} ${tool}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'mcp.method.name': name,
          'jsonrpc.request.id': String(id).slice(0, MAX_ID_LENGTH),
          ...(tool !== undefined && { 'gen_ai.tool.name': tool, 'gen_ai.operation.name': 'execute_tool' }),
          ...(sessionId !== undefined && { 'mcp.session.id': sessionId }),
        },
        ...(isChildOfClient && here && { links: [{ context: here }] }),
      },
      parent,
    );
    const { traceId, traceFlags } = span.spanContext();
    return {
      sampledTraceId: isSampled(traceFlags) ? traceId : undefined,
      run(work) {
        return context.with(trace.setSpan(parent, span), work);
      },
      end(operation) {
        const attributes = attributesOf(operation);
        span.setAttributes(attributes);
        if (attributes['error.type'] !== undefined) markAsError(span, attributes['error.type']);
        span.end();
      },
      cancel() {
        span.setAttribute(REASON, 'cancelled');
        span.end();
      },
    };
  }

  /** The place in its trace of the call that the current MCP request makes; `undefined` when it is not traced. */
  currentCall(): CallTrace | undefined {
    const ambient = context.active();
    const span = trace.getSpan(ambient);
    return span && new SpanOfCall(this.#tracer, ambient, span);
  }

  /**
   * Makes a call that is no MCP request in a span of its own, named `execute_tool` after the conventions.
   * @param tool the registered name, or `unknown`
   */
  async call<Result>(tool: string, make: (call: CallTrace | undefined) => Promise<Result>): Promise<Result> {
    if (!this.active) return make(undefined);
    const attributes = { 'gen_ai.tool.name': tool, 'gen_ai.operation.name': 'execute_tool' };
    const span = this.#tracer.startSpan(`execute_tool ${tool}`, { attributes });
    const within = trace.setSpan(context.active(), span);
    try {
      return await context.with(within, make, undefined, new SpanOfCall(this.#tracer, within, span));
    } finally {
      span.end();
    }
  }

  /** Tells each call's span how the call ended. */
  readonly outcomes: CallObserver = {
    started: () => undefined,
    finished(record) {
      if (record.status === 'error') record.call.trace?.failed(record.reason);
    },
  };
}

/** The trace of what is being done now; `undefined` when it is not traced. */
export const currentTraceId = (): string | undefined => trace.getSpanContext(context.active())?.traceId;

const MAX_ID_LENGTH = 100;

/** The attribute that says why a call failed, in the words of `mcp_tool_errors_total`. */
const REASON = 'nexus_mcp.reason';

const isSampled = (flags: number): boolean => (flags & TraceFlags.SAMPLED) !== 0;

/** The longest value that is read of what names a parent (W3C Trace Context, "tracestate Limits"; Baggage, "Limits"). */
const MAX_LENGTHS: Readonly<Record<string, number>> = { traceparent: 200, tracestate: 512, baggage: 8192 };
/** The same of other propagators, where the application has some. */
const MAX_LENGTH = 8192;

/**
 * Reads headers or `_meta` as a client sent them: values that are no text, or too long, are ignored. What a span keeps of
 * them is a copy.
 */
const textsOf: TextMapGetter<unknown> = {
  keys: (carrier) => Object.keys(carrier as object),
  get(carrier, key) {
    const value = (carrier as Readonly<Record<string, unknown>>)[key];
    const isRead = typeof value === 'string' && value.length <= (MAX_LENGTHS[key] ?? MAX_LENGTH);
    return isRead ? flatCopy(value) : undefined;
  },
};

/** Marks a span as an error; `errorType` is one of a few words, never the error's message. */
export function markAsError(span: Span, errorType: string): void {
  span.setAttribute('error.type', errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

class SpanOfCall implements CallTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly #tracer: Tracer;
  readonly #context: Context;
  readonly #span: Span;

  constructor(using: Tracer, within: Context, span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = isSampled(traceFlags);
    this.#tracer = using;
    this.#context = within;
    this.#span = span;
  }

  async phase<Result>(phase: Phase, work: () => Result | Promise<Result>): Promise<Result> {
    const span = this.#tracer.startSpan(phase, {}, this.#context);
    try {
      return await context.with(trace.setSpan(this.#context, span), work);
    } catch (error) {
      markAsError(span, error instanceof Error ? error.name : NOT_TOLD_APART);
      throw error;
    } finally {
      span.end();
    }
  }

  failed(reason: ErrorReason): void {
    this.#span.setAttribute(REASON, reason);
    if (ERROR_REASONS[reason].serverFault) markAsError(this.#span, reason);
  }
}
