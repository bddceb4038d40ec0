import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { anonymous, bearer, type Authenticate } from './authorization/authentication.ts';
import type { Settings } from './config/settings.ts';
import { loadSecrets } from './config/secrets.ts';
import { isReadOnce } from './config/tokens.ts';
import { loadIssuers, type OAuth } from './load-issuers.ts';
import { loadTools, longestDeadline, offerTools } from './load-tools.ts';
import { loadUpstreams, type Paces, type UpstreamsHandle } from './load-upstreams.ts';
import type { McpBinding } from './mcp/binding.ts';
import { RequestState } from './mcp/request-state.ts';
import { answerDelays } from './mcp/response-stream.ts';
import { Seal } from './mcp/seal.ts';
import { Audit } from './monitoring/audit/audit.ts';
import type { AuditOutput } from './monitoring/audit/audit-output.ts';
import { Activity } from './monitoring/activity.ts';
import { CallLog } from './monitoring/call-log.ts';
import { Losses } from './monitoring/losses.ts';
import { Door } from './monitoring/door/door.ts';
import type { ExpositionFormat } from './monitoring/metrics/exposition.ts';
import type { Logger } from './monitoring/logging.ts';
import { observers } from './monitoring/observers.ts';
import type { OnCut } from './http/connections.ts';
import type { GaugeSources, Recorder } from './monitoring/metrics/recorder.ts';
import type { Tracing } from './monitoring/traces/tracing.ts';
import type { ToolCall } from './tools/call.ts';
import type { Catalogue } from './tools/catalogue.ts';
import { Executor } from './tools/executor.ts';
import { createQuota, type Quota } from './tools/quota.ts';
import type { WorkerPool } from './tools/worker-pool.ts';
import { createServerMetrics, keepSeries } from './server-metrics.ts';
import { TokensInEffect } from './tokens-in-effect.ts';
import { loadTracing } from './load-tracing.ts';
import { warningsOf } from './warnings.ts';

/** What surrounds the application: passed in, so that tests can pass their own. */
export interface Environment extends Paces {
  readonly logger: Logger;
  /** Where decisions are written; missing where they are not. */
  readonly auditOutput?: AuditOutput | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  readonly version: string;
  readonly revision: string;
  /** Environment variables, for what Node and OpenTelemetry define. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The server without its transports: tools, executor and monitoring, put together. */
export interface Application {
  readonly info: { readonly name: string; readonly title: string; readonly version: string };
  readonly catalogue: Catalogue;
  /** Settings that are valid but probably a mistake, in words; the log has them, too. */
  readonly warnings: readonly string[];
  readonly executor: Executor;
  /** What each client may ask for. */
  readonly quota: Quota;
  readonly workers: Pick<WorkerPool, 'close' | 'leftBehind'>;
  /** Missing when there are none. */
  readonly upstreams: UpstreamsHandle | undefined;
  readonly recorder: Recorder;
  /** Missing when nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** What MCP connections are served with. */
  readonly mcp: McpBinding;
  /** The bounds of `mcp_tool_duration_seconds`, in seconds. */
  readonly durationBuckets: readonly number[];
  /** Writes the metrics as text; `undefined` when metrics are switched off. */
  readonly expose: ((format: ExpositionFormat) => Promise<Buffer>) | undefined;
  /** What the tools did lately; `undefined` when metrics are switched off. */
  readonly activity: Activity | undefined;
  /** Missing where decisions are not written. */
  readonly audit: Audit | undefined;
  readonly authenticate: Authenticate;
  /** Missing when there are no issuers of access tokens. */
  readonly oauth: OAuth | undefined;
  /** The tokens of a file that can be read again; missing when there is no such file. */
  readonly tokens: TokensInEffect | undefined;
  /** Whether callers must say who they are. */
  readonly authenticated: boolean;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly newRequestId: () => string;
  /** Binds the gauges of sessions to what they measure, once that exists. */
  readonly bindGauges: (
    sources: Pick<GaugeSources, 'sessions' | 'sessionsLimit' | 'subscriptionsLimit' | 'connections'>,
  ) => void;
  readonly connectionCut: OnCut;
  /** Refuses new calls, and those that wait for their clients; resolves when those in flight have been answered. */
  readonly finishCalls: () => Promise<void>;
  /** The calls that are being carried out, or have not been answered yet. */
  readonly callsInFlight: () => readonly ToolCall[];
  /** Writes what is still held back: folded log lines, spans and audit events. */
  readonly flush: () => Promise<void>;
}

export type ApplicationResult =
  | { readonly ok: true; readonly application: Application }
  | { readonly ok: false; readonly problems: readonly string[] };

/** How long an answer may take from the call's outcome to the client, in milliseconds. */
const ANSWER_MS = 1000;

/**
 * Builds the application from its settings.
 * @param directory what relative paths in the settings start from
 * @returns every problem of tool modules, tool selection and secret files
 */
export async function createApplication(
  settings: Settings,
  directory: string,
  environment: Environment,
): Promise<ApplicationResult> {
  const { logger, now, version, auditOutput } = environment;
  const read = loadSecrets(settings, directory);
  const loaded = await loadTools(settings, directory, read.ok ? (read.secrets.tokens ?? []) : []);
  const metrics = createServerMetrics(settings, longestDeadline(settings, loaded), environment);
  const { recorder, durationBuckets } = metrics;
  const losses = new Losses(recorder, logger, settings.log.foldSeconds);
  const tools = await offerTools(settings, loaded, losses);
  const audit =
    auditOutput &&
    new Audit(auditOutput, {
      process: processName(),
      unixTime: environment.unixTime,
      recorder: recorder.audit,
      logger,
    });
  const upstreamsRead = loadUpstreams(settings, directory, { ...environment, audit });
  const problems = [tools, read, upstreamsRead].flatMap((part) => (part.ok ? [] : part.problems));
  const traced = await loadTracing(settings, environment, recorder);
  if (!traced.ok) problems.push(...traced.problems);
  if (!tools.ok || !traced.ok || !read.ok || !upstreamsRead.ok) {
    if (tools.ok) await tools.workers.close();
    return { ok: false, problems };
  }

  const { catalogue, workers, taken, problemsOf } = tools;
  const { tracing } = traced;
  const warnings = warningsOf(settings, catalogue);
  for (const warning of warnings) logger.warn(warning);
  keepSeries(catalogue, metrics, logger);
  const running = () => executor.running;
  const activity = settings.metrics.enabled
    ? new Activity({ recorder, tools: () => catalogue.tools, running, now, bounds: durationBuckets })
    : undefined;
  const onError = (error: Error): void => {
    logger.warn({ err: error }, 'error in the protocol layer');
  };
  const onObserverError = (error: Error): void => {
    logger.error({ err: error }, 'a call was not recorded everywhere; its caller got its answer');
  };
  const callLog = new CallLog(logger, settings.log);
  const quota = createQuota(settings.limits.callsPerSecond, settings.limits.burst, now);
  const executor = new Executor({
    catalogue,
    quota,
    observer: observers(onObserverError, activity, recorder, callLog, tracing?.outcomes, audit),
    limits: settings.limits,
    now,
  });
  const door = new Door<ToolCall>({ recorder, tracing, now, onError });
  const { auth } = settings;
  const { file, tokens, stateKeys } = read.secrets;
  const [hashKey] = stateKeys;
  // A door of their own: what listens to an upstream is none of our subscriptions.
  const relayDoor = new Door<ToolCall>({ recorder, tracing, now, onError });
  const upstreams = await upstreamsRead.join(catalogue, recorder, taken, {
    door: relayDoor,
    tracing,
    executor,
    seal: new Seal(stateKeys, 'relayed session', randomBytes),
    hashKey,
  });
  const inEffect =
    file && tokens && !isReadOnce(file.path)
      ? new TokensInEffect(file, tokens, { auth, problemsOf, recorder, logger, audit, now })
      : undefined;
  const byToken = inEffect?.authenticate ?? (tokens ? bearer(tokens) : anonymous);
  const oauth = loadIssuers(auth, { ...environment, recorder, hashKey, audit });
  const shared = {
    info: { name: 'nexus-mcp', title: 'Nexus MCP', version },
    catalogue,
    executor,
    recorder,
    audit,
    tracing,
    authenticated: tokens !== undefined || oauth !== undefined,
    now,
    newRequestId: randomUUID,
  };
  return {
    ok: true,
    application: {
      ...shared,
      quota,
      warnings,
      workers,
      upstreams,
      mcp: {
        ...shared,
        changingList: upstreams,
        door,
        randomBytes,
        unixTime: environment.unixTime,
        stateKeys,
        quota,
        delays: answerDelays(settings.server.streamKeepAliveSeconds, now),
        requestState: new RequestState(stateKeys, settings.limits.inputWaitSeconds, shared),
        onProtocolError: (error) => {
          logger.debug({ err: error }, 'request refused by the protocol layer');
        },
        onError,
      },
      durationBuckets,
      expose: metrics.expose,
      activity,
      authenticate: oauth ? oauth.callers.or(tokens ? byToken : bearer([])) : byToken,
      oauth,
      tokens: inEffect,
      bindGauges: (sources) => {
        recorder.bindGauges({
          ...sources,
          subscriptions: () => door.listens,
          workers: () => ({ size: workers.size, busy: workers.lane.busy, waiting: workers.lane.waiting }),
        });
      },
      connectionCut: losses.connection,
      finishCalls: () => finishCalls(executor, [door, relayDoor]),
      callsInFlight: () => callsInFlight(executor, door),
      flush: async () => {
        callLog.flush();
        losses.flush();
        await Promise.all([traced.flush(), audit?.close()]);
      },
    },
  };
}

/** The host name, which is that of the pod, and a random part, because several processes may share a host. */
const processName = (): string => `${hostname()}-${randomBytes(4).toString('hex')}`;

async function finishCalls(executor: Executor, doors: readonly Door<ToolCall>[]): Promise<void> {
  await executor.drain();
  const answered = new AbortController();
  const patience = sleep(ANSWER_MS, undefined, { signal: answered.signal }).catch(() => undefined);
  await Promise.race([Promise.all(doors.map((door) => door.idle())), patience]);
  answered.abort();
}

function callsInFlight(executor: Executor, door: Door<ToolCall>): readonly ToolCall[] {
  const waiting = [...door.inFlight].flatMap(({ held }) => (held ? [held] : []));
  return [...new Set([...executor.inFlight, ...waiting])];
}
