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
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanOutcome } from '../metrics/labels.ts';
import { traceOutboundRequests } from './outbound.ts';
import { samplerOf } from './samplers.ts';
import type { SamplingAndBatches } from './variables.ts';

/** What the SDK is registered with. */
export interface SdkOptions extends SamplingAndBatches {
  /** Where spans go. */
  readonly url: string;
  readonly version: string;
  readonly random: () => number;
  /** Told what became of spans. */
  readonly counted: (outcome: SpanOutcome, spans: number) => void;
  /** Told why spans cannot be exported. */
  readonly onError: (error: Error) => void;
}

/**
 * Registers the OpenTelemetry SDK for this process: spans go to an OTLP endpoint in batches, and calls never wait.
 * @returns what sends the spans that wait, and waits for those being sent
 */
export function registerSdk({
  url,
  version,
  sampler,
  ratio,
  batch,
  random,
  counted,
  onError,
}: SdkOptions): () => Promise<void> {
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
  const exporter = new OTLPTraceExporter({ url });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'nexus-mcp', 'service.version': version }).merge(
      environment,
    ),
    sampler: samplerOf(sampler, ratio, random),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        selfObsMeterProvider: { getMeter: () => countingMeter(counted) },
        ...batch,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  traceOutboundRequests(provider.getTracer('nexus-mcp'));
  return async () => {
    await provider.forceFlush();
    // The provider does not wait for the batch that is on its way.
    await exporter.forceFlush();
  };
}

/** The SDK counts its spans with a meter; this one passes the counts on to `counted`. */
function countingMeter(counted: (outcome: SpanOutcome, spans: number) => void) {
  const createCounter = () => ({
    add(spans: number, attributes?: Attributes) {
      const error = attributes?.['error.type'];
      counted(error === undefined ? 'exported' : error === 'queue_full' ? 'dropped' : 'failed', spans);
    },
  });
  // A copy, because everyone shares the no-op meter.
  return Object.assign(Object.create(createNoopMeter()) as Meter, { createCounter });
}
