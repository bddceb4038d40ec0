import type { Settings } from './config/settings.ts';
import type { Logger } from './monitoring/logging.ts';
import type { Recorder } from './monitoring/metrics/recorder.ts';
import { startTracing } from './monitoring/traces/start-tracing.ts';

/** What tracing needs from the environment of the application. */
interface Surroundings {
  readonly logger: Logger;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly version: string;
  /** Environment variables, for what OpenTelemetry defines. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Starts tracing where there is an endpoint for it; what becomes of spans is counted, and logged when it changes. */
export const loadTracing = (
  { tracing }: Settings,
  { env, version, now, logger }: Surroundings,
  recorder: Recorder,
) =>
  startTracing(tracing.endpoint, env, {
    random: Math.random,
    version,
    now,
    counted: (outcome, spans) => {
      recorder.traceSpans(outcome, spans);
    },
    onError: (error) => {
      logger.warn(
        { err: error },
        'spans cannot be exported and are lost; calls are not affected. Check that the OTLP endpoint is ' +
          'right, up and reachable from here; rate(mcp_trace_spans_total{outcome!="exported"}[5m]) shows the loss',
      );
    },
    onRecovered: () => {
      logger.info('spans are exported again');
    },
  });
