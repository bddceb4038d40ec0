import { randomUUID } from 'node:crypto';
import type { Settings } from './config/settings.ts';
import { loadStateKey } from './config/state-key.ts';
import { loadTokens, type Tokens } from './config/tokens.ts';
import { anonymous, bearer, type Authenticate } from './http/authentication.ts';
import type { McpBinding } from './mcp/binding.ts';
import { RequestState } from './mcp/request-state.ts';
import { MODERN_VERSION } from './mcp/server.ts';
import { describeThrown } from './monitoring/describe-thrown.ts';
import { Activity } from './monitoring/activity.ts';
import { CallLog, observers } from './monitoring/call-log.ts';
import { expose, type ExpositionFormat } from './monitoring/exposition.ts';
import type { Logger } from './monitoring/logging.ts';
import { createMetrics } from './monitoring/metrics.ts';
import { nothingRecorded, Recorder, type GaugeSources } from './monitoring/recorder.ts';
import { collectRuntime, describeBuild } from './monitoring/runtime.ts';
import { startTracing } from './monitoring/traces/start-tracing.ts';
import { builtinToolsets } from './tools/builtin/index.ts';
import { Executor } from './tools/executor.ts';
import { resolvePublicEntry } from './tools/public-entry.ts';
import { createQuota } from './tools/quota.ts';
import { createRegistry, type Registry } from './tools/registry.ts';
import { selectTools } from './tools/selection.ts';
import { loadToolModules } from './tools/tool-modules.ts';
import { WorkerPool } from './tools/worker-pool.ts';

/** What surrounds the application: passed in, so that tests can pass their own. */
export interface Environment {
  readonly logger: Logger;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly version: string;
  readonly revision: string;
  /** Environment variables, for what OpenTelemetry defines. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The server without its transports: tools, executor and monitoring, put together. */
export interface Application {
  readonly registry: Registry;
  readonly executor: Executor;
  readonly workers: WorkerPool;
  readonly binding: McpBinding;
  /** Writes the metrics as text; `undefined` when nothing is recorded. */
  readonly expose: ((format: ExpositionFormat) => Promise<string>) | undefined;
  /** What the tools did lately; `undefined` when nothing is recorded. */
  readonly activity: Activity | undefined;
  readonly authenticate: Authenticate;
  /** Binds the gauges to what they measure, once that exists. */
  watch(sources: Omit<GaugeSources, 'workers'>): void;
  /** Writes what is still held back: folded log lines, and spans. */
  readonly flush: () => Promise<void>;
}

export type ApplicationResult =
  | { readonly ok: true; readonly application: Application }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Builds the application from its settings.
 * @param directory what relative paths in the settings start from
 * @returns every problem of tool modules, tool selection and secret files
 */
export async function createApplication(
  settings: Settings,
  directory: string,
  { logger, now, version, revision, env }: Environment,
): Promise<ApplicationResult> {
  const callers = loadTokens(settings.auth, directory);
  const tools = await loadTools(settings, directory, callers.ok ? (callers.tokens ?? []) : []);
  const stateKey = loadStateKey(settings.sessions, directory);
  if (!tools.ok || !callers.ok || !stateKey.ok) {
    return {
      ok: false,
      problems: [tools, callers, stateKey].flatMap((part) => (part.ok ? [] : part.problems)),
    };
  }
  const { registry } = tools;
  const { tokens } = callers;

  const { metrics, registry: metricsRegistry } = createMetrics();
  const metricsRecorder = settings.metrics.enabled
    ? new Recorder(metrics, registry.tools, settings.metrics)
    : undefined;
  if (metricsRecorder) {
    collectRuntime(metricsRegistry, metrics);
    describeBuild(metrics, { version, revision, protocol: MODERN_VERSION });
  }
  const recorder = metricsRecorder ?? nothingRecorded;

  const started = await startTracing(settings.tracing.endpoint, env, {
    version,
    now,
    counted: (outcome, spans) => {
      recorder.traceSpans(outcome, spans);
    },
    onError: (error) => {
      logger.warn(
        { err: error },
        'spans cannot be exported, and are lost until they can; calls are served as ever. Check that the OTLP endpoint is ' +
          'right, up and reachable from here; rate(mcp_trace_spans_total{outcome!="exported"}[5m]) shows the loss',
      );
    },
    onRecovered: () => {
      logger.info('spans are exported again');
    },
  });
  if (!started.ok) return started;
  const { tracing } = started;

  const workers = new WorkerPool({
    ...settings.workers,
    minThreads: registry.tools.some(({ isolation }) => isolation === 'worker') ? 1 : 0,
    restarted: (reason, { tool, error }) => {
      recorder.workerRestarted(reason);
      const err = error === undefined ? undefined : describeThrown(error);
      logger.warn({ reason, tool, err }, 'worker thread replaced');
    },
  });
  const activity = settings.metrics.enabled ? new Activity(() => registry.tools, now) : undefined;
  const callLog = new CallLog(logger, settings.log);
  const executor = new Executor({
    registry,
    workers,
    quota: createQuota(settings.limits.callsPerSecond, settings.limits.burst, now),
    observer: observers(
      recorder,
      callLog,
      ...(activity ? [activity] : []),
      ...(tracing ? [tracing.outcomes] : []),
    ),
    limits: settings.limits,
    now,
  });
  const binding: McpBinding = {
    info: { name: 'nexus-mcp', title: 'Nexus MCP', version },
    registry,
    executor,
    recorder,
    tracing,
    requestState: new RequestState(stateKey.key),
    authenticated: tokens !== undefined,
    newRequestId: randomUUID,
    now,
    onProtocolError: (error) => {
      logger.debug({ err: error }, 'request refused by the protocol layer');
    },
    onError: (error) => {
      logger.warn({ err: error }, 'error in the protocol layer');
    },
  };
  return {
    ok: true,
    application: {
      registry,
      executor,
      workers,
      binding,
      expose:
        metricsRecorder && ((format) => expose(metricsRegistry, format, now, metricsRecorder.exemplars)),
      activity,
      authenticate: tokens ? bearer(tokens, registry.tools) : anonymous,
      watch: (sources) => {
        metricsRecorder?.watch({
          ...sources,
          workers: () => ({ size: workers.size, busy: workers.lane.busy, waiting: workers.lane.waiting }),
        });
      },
      flush: () => {
        callLog.flush();
        return started.flush();
      },
    },
  };
}

async function loadTools(settings: Settings, directory: string, tokens: Tokens) {
  resolvePublicEntry();
  const modules = await loadToolModules(settings.tools.modules, directory);
  if (!modules.ok) return modules;
  const selected = selectTools([...builtinToolsets(settings), ...modules.toolsets], {
    ...settings.tools,
    granted: Object.fromEntries(
      tokens.map(({ name, tools = [] }) => [`auth.tokensFile: tools of ${name}`, tools]),
    ),
    named: {
      'tools.settings': Object.keys(settings.tools.settings),
      'log.arguments': Object.keys(settings.log.arguments),
      'log.results': settings.log.results,
    },
  });
  if (!selected.ok) return selected;
  const { toolTimeoutSeconds: timeoutSeconds, toolConcurrency: maxConcurrency } = settings.limits;
  return createRegistry(selected.toolsets, { timeoutSeconds, maxConcurrency }, settings.tools.settings);
}
