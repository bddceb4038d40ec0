import {
  context,
  createNoopMeter,
  propagation,
  trace,
  type Attributes,
  type Meter,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
  setGlobalErrorHandler,
} from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type IdGenerator,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { ThreadFollower } from '../../tools/worker-pool.ts';
import type { SpanOutcome } from '../labels.ts';
import { followThread, traceOutboundRequests } from './outbound.ts';
import type { SamplerName, SamplingAndBatches } from './variables.ts';

const SAMPLERS: Record<SamplerName, (ratio: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

/** What the SDK is registered with. */
export interface SdkOptions extends SamplingAndBatches {
  /** Where spans go. */
  readonly url: string;
  readonly version: string;
  /** Told what became of spans. */
  readonly counted: (outcome: SpanOutcome, spans: number) => void;
  /** Told why spans cannot be exported. */
  readonly onError: (error: Error) => void;
}

/** What the SDK of this process does for us. */
export interface RegisteredSdk {
  /** Sends the spans that wait, and waits for those being sent. */
  readonly flush: () => Promise<void>;
  /** See `StartedTracing`. */
  readonly followThread: (moduleUrl: string) => ThreadFollower | undefined;
}

/** Registers the OpenTelemetry SDK for this process: spans go to an OTLP endpoint in batches, and calls never wait. */
export function registerSdk({
  url,
  version,
  sampler,
  ratio,
  batch,
  counted,
  onError,
}: SdkOptions): RegisteredSdk {
  setGlobalErrorHandler((error) => {
    onError(error instanceof Error ? error : new Error(JSON.stringify(error)));
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  const environment = detectResources({
    detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
  });
  const ids = new Ids();
  const exporter = new OTLPTraceExporter({ url });
  const provider = new TracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({ 'service.name': 'nexus-mcp', 'service.version': version }).merge(
      environment,
    ),
    sampler: SAMPLERS[sampler](ratio),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        selfObsMeterProvider: { getMeter: () => countingMeter(counted) },
        ...batch,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer('nexus-mcp');
  traceOutboundRequests(tracer);
  return {
    async flush() {
      await provider.forceFlush();
      // Which does not wait for the batch that is on its way.
      await exporter.forceFlush();
    },
    followThread: (moduleUrl) =>
      followThread(tracer, moduleUrl, (spanId, start) => ids.withSpanId(spanId, start)),
  };
}

/** Random ids, except for a span that has got its id elsewhere. */
class Ids implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #spanId: string | undefined;

  generateTraceId(): string {
    return this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#spanId ?? this.#random.generateSpanId();
  }

  withSpanId<Result>(spanId: string, start: () => Result): Result {
    this.#spanId = spanId;
    try {
      return start();
    } finally {
      this.#spanId = undefined;
    }
  }
}

/** Hears from the SDK what became of spans, in place of a metrics SDK. */
function countingMeter(counted: (outcome: SpanOutcome, spans: number) => void) {
  const createCounter = () => ({
    add(spans: number, attributes?: Attributes) {
      const error = attributes?.['error.type'];
      counted(error === undefined ? 'exported' : error === 'queue_full' ? 'dropped' : 'failed', spans);
    },
  });
  // Not the no-op meter itself, which everyone shares.
  return Object.assign(Object.create(createNoopMeter()) as Meter, { createCounter });
}
