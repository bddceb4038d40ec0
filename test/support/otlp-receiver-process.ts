/** The receiver's process: takes exports over HTTP, and tells its parent their spans. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { ReceivedSpan, ReceiverMessage } from './otlp-receiver.ts';

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
        readonly startTimeUnixNano: number;
        readonly endTimeUnixNano: number;
        readonly traceState?: string;
        readonly kind?: number;
        readonly attributes?: readonly KeyValue[];
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
        readonly status?: { readonly code?: number; readonly message?: string };
      })[];
    }[];
  }[];
}

const tell = (message: ReceiverMessage): void => void process.send?.(message);

let status = Number(process.argv[2]);
process.on('message', (next: number) => (status = next));
const server = createServer((request, response) => {
  void read(request).then((received) => {
    tell(status === 200 ? { spans: received } : { refused: received });
    response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
tell({ port: (server.address() as AddressInfo).port });
// Nobody is left to be told.
process.on('disconnect', () => process.exit());

async function read(request: IncomingMessage): Promise<ReceivedSpan[]> {
  if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf')
    throw new Error(`not an export of traces: ${String(request.url)}`);
  const body = await buffer(request);
  const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const options = { bytes: String, longs: Number };
  const { resourceSpans } = Request.toObject(Request.decode(bytes), options) as Batch;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceState = '', attributes = [], links = [], kind = 0, status, ...ids }) => ({
        name,
        startedAt: ids.startTimeUnixNano / 1e6,
        endedAt: ids.endTimeUnixNano / 1e6,
        traceState,
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
