import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { Registry } from 'prom-client';
import { CallLog } from '../call-log.ts';
import { Door } from '../door/door.ts';
import { LiveSessions } from '../live-sessions.ts';
import {
  DURATION_BUCKETS,
  DURATION_STEPS,
  RESULT_SIZE_BUCKETS,
  RESULT_SIZE_STEPS,
} from '../metrics/bounds.ts';
import { CONTENT_TYPES, expose, preferredFormat, type ExpositionFormat } from '../metrics/exposition.ts';
import { METRICS, createMetrics, type MetricName } from '../metrics/metrics.ts';
import type { Row } from '../metrics/row.ts';
import { metricsHandler } from '../metrics/metrics-handler.ts';
import { Recorder } from '../metrics/recorder.ts';
import { collectRuntime, describeBuild } from '../metrics/runtime.ts';
import { observers } from '../observers.ts';
import { Tracing } from '../traces/tracing.ts';
import {
  checkAccept,
  checkBuckets,
  checkCallOfExpressHandler,
  checkLogger,
  checkOperationAttributes,
  checkOptions,
  checkRegistry,
} from './check-options.ts';
import { checkCustomMetrics, createCustomMetrics, type CustomMetrics } from './custom-metrics.ts';
import type { InstrumentedCall } from './instrumented-call.ts';
import { instrumenting } from './instrumenting.ts';
import { KnownTools } from './known-tools.ts';
import { measuredFunction } from './measured-function.ts';
import type { Monitoring, MonitoringOptions } from './monitoring.ts';
import { checkRoom, own, ownerOf, reused, takeOut } from './registry-owner.ts';
import { ToolLists } from './tool-lists.ts';

const UNKNOWN = 'unknown';

/** How long calls may take, and how large results be, nobody says here: up to 300 s, as in the OpenTelemetry conventions, and 16 MiB. */
const DURATIONS = DURATION_STEPS.filter((bound) => bound <= 300);
const RESULT_SIZES = RESULT_SIZE_STEPS.slice(0, 2);

/**
 * Creates monitoring. Traces go wherever the OpenTelemetry SDK that the process has registered sends them; without one
 * there are none.
 * @throws Error with every problem of the declared metrics, or when the registry has metrics of these names
 * @throws TypeError when there is no such option, the registry is none or writes OpenMetrics, the logger is none, or an attribute of operations or a bound of
 * buckets is
 */
export function createMonitoring<const Custom extends CustomMetrics = Readonly<Record<string, never>>>(
  options: MonitoringOptions<Custom> = {},
): Monitoring<Custom> {
  checkOptions(options);
  const { openTelemetryNames = true, operationAttributes = [], logger, maxTools = 500 } = options;
  const {
    registry = new Registry(),
    durationBuckets = DURATIONS,
    resultSizeBuckets = RESULT_SIZES,
  } = options;
  const declared = options.metrics ?? ({} as Custom);
  checkRegistry(registry);
  if (logger !== undefined) checkLogger(logger);
  checkOperationAttributes(operationAttributes);
  checkBuckets('durationBuckets', durationBuckets, DURATION_BUCKETS);
  checkBuckets('resultSizeBuckets', resultSizeBuckets, RESULT_SIZE_BUCKETS);
  const owner = options.reuse ? ownerOf(registry) : undefined;
  // It has metrics that are declared so.
  if (owner) return reused(owner, declared) as Monitoring<Custom>;
  const runtime = options.runtime ?? options.registry === undefined;
  const exposes = (name: MetricName): boolean => {
    const row: Row = METRICS[name];
    return (
      !row.serverOnly &&
      (openTelemetryNames || !row.openTelemetryName) &&
      (runtime || !name.startsWith('nodejs_'))
    );
  };
  checkRoom(
    registry,
    Object.keys(METRICS).filter((name) => exposes(name as MetricName)),
  );
  checkCustomMetrics(declared, registry);

  const others = new Set(registry.getMetricsAsArray());
  const now = (): number => performance.now() / 1000;
  const { metrics } = createMetrics({
    registry,
    exposes,
    operationAttributes,
    durationBuckets,
    resultSizeBuckets,
  });
  const recorder = new Recorder(metrics);
  if (runtime) collectRuntime(registry, metrics);
  const { version = UNKNOWN, revision = UNKNOWN } = options.build ?? {};
  describeBuild(metrics, { version, revision, protocol: UNKNOWN });
  const onError = (error: Error): void => {
    process.emitWarning(error);
  };
  const custom = createCustomMetrics(declared, registry, {
    folded(metric, label) {
      recorder.labelFolded(metric, label);
    },
    spoilt: onError,
  });
  const tracing = new Tracing();
  const log = { successes: 0, foldSeconds: 10, arguments: {}, results: [], ...options.log };
  const callLog = logger && new CallLog(logger, log);
  const observer = observers(onError, recorder, tracing.outcomes, callLog);
  const sessions = new LiveSessions(recorder, now);
  const door = new Door<InstrumentedCall>({ recorder, tracing, now, onError });
  const tools = new KnownTools(recorder, maxTools, now);
  const parts = {
    recorder,
    observer,
    tracing,
    tools,
    lists: new ToolLists(tools, now),
    sessions,
    door,
    functions: new AsyncLocalStorage<string>(),
    now,
    newRequestId: randomUUID,
  };
  recorder.bindGauges({
    sessions: () => sessions.size,
    subscriptions: () => door.listens,
  });
  const write = (format: ExpositionFormat): Promise<Buffer> => expose(registry, format, now);
  const ours = registry.getMetricsAsArray().filter((metric) => !others.has(metric));

  const monitoring: Monitoring<Custom> = {
    custom,
    instrument: instrumenting(parts),
    tool(name, run) {
      if (typeof name !== 'string' || typeof run !== 'function')
        throw new TypeError('tool takes a name and a function');
      return measuredFunction(name, run, parts);
    },
    expressHandler(...given: readonly unknown[]) {
      checkCallOfExpressHandler(given);
      return metricsHandler(write);
    },
    metrics(accept) {
      checkAccept(accept);
      const format = preferredFormat(accept);
      return write(format).then((body) => ({ contentType: CONTENT_TYPES[format], body: String(body) }));
    },
    flush() {
      callLog?.flush();
    },
    dispose() {
      door.close();
      callLog?.flush();
      takeOut(registry, ours);
    },
  };
  own(registry, monitoring, declared);
  return monitoring;
}
