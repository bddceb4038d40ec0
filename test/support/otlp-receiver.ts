import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { vi } from 'vitest';

/** What is read of OTLP 1.x: opentelemetry/proto/collector/trace/v1/trace_service.proto and what it imports. */
const PROTO = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
}
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`;
const Request = protobuf.parse(PROTO).root.lookupType('ExportTraceServiceRequest');

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number | boolean>>;
}
interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Record<'traceId' | 'spanId' | 'parentSpanId' | 'name', string> & {
        readonly kind?: number;
        readonly attributes?: readonly KeyValue[];
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
        readonly status?: { readonly code?: number; readonly message?: string };
      })[];
    }[];
  }[];
}

/** A span, as it was received. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | undefined;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly failed: boolean;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
}

/** A receiver of traces by OTLP over HTTP, in protobuf. */
export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Waits for a span with a name, the first or the one that `which` accepts. */
  span(name: string, which?: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  /** Answers every export with a status from now on. */
  answer(status: number): void;
  stop(): void;
}

/** @param status what every export is answered with, at first */
export async function startOtlpReceiver(status = 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void read(request).then((received) => {
      if (status === 200) spans.push(...received);
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async span(name, which = () => true) {
      const found = () => spans.find((span) => span.name === name && which(span));
      try {
        return await vi.waitUntil(found, { timeout: 10_000 });
      } catch (cause) {
        throw new Error(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`, { cause });
      }
    },
    answer(next) {
      status = next;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function read(request: IncomingMessage): Promise<ReceivedSpan[]> {
  if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf')
    throw new Error(`not an export of traces: ${String(request.url)}`);
  const body = await buffer(request);
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const options = { bytes: String, longs: Number };
  const { resourceSpans } = Request.toObject(Request.decode(bytes), options) as Batch;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, attributes = [], links = [], kind = 0, status, ...ids }) => ({
        name,
        traceId: hex(ids.traceId),
        spanId: hex(ids.spanId),
        parentSpanId: hex(ids.parentSpanId),
        kind: KINDS[kind],
        attributes: valuesOf(attributes),
        links: links.map(({ traceId, spanId }) => ({ traceId: hex(traceId), spanId: hex(spanId) })),
        failed: status?.code === STATUS_ERROR,
        resource: valuesOf(resource.attributes),
      })),
    ),
  );
}

const KINDS = [undefined, 'internal', 'server', 'client'] as const;
const STATUS_ERROR = 2;

const hex = (base64 = ''): string => Buffer.from(base64, 'base64').toString('hex');

const valuesOf = (attributes: readonly KeyValue[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? '']));
