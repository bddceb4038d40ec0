import type { Settings } from './config/settings.ts';
import { MODERN_VERSION } from './mcp/versions.ts';
import type { Logger } from './monitoring/logging.ts';
import {
  DURATION_BUCKETS,
  DURATION_STEPS,
  furtherBuckets,
  highestOf,
  RESULT_SIZE_BUCKETS,
  RESULT_SIZE_STEPS,
} from './monitoring/metrics/bounds.ts';
import { expose, type ExpositionFormat } from './monitoring/metrics/exposition.ts';
import { createMetrics } from './monitoring/metrics/metrics.ts';
import { Recorder } from './monitoring/metrics/recorder.ts';
import { collectRuntime, describeBuild } from './monitoring/metrics/runtime.ts';
import type { Catalogue } from './tools/catalogue.ts';

/** The metrics of a server, and what writes and records them. */
export interface ServerMetrics {
  readonly recorder: Recorder;
  /** The bounds of `mcp_tool_duration_seconds`, in seconds. */
  readonly durationBuckets: readonly number[];
  /** Writes the metrics as text; `undefined` when they are switched off. */
  readonly expose: ((format: ExpositionFormat) => Promise<Buffer>) | undefined;
}

/**
 * Creates the metrics. Those of calls are always recorded; a setting decides whether any are exposed.
 * @param longestDeadline the longest that a call of a tool may take, in seconds: up to there durations are told apart
 */
export function createServerMetrics(
  { metrics: settings, limits, upstreams, discovery, auth }: Settings,
  longestDeadline: number,
  environment: {
    readonly now: () => number;
    readonly version: string;
    readonly revision: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): ServerMetrics {
  const durationBuckets =
    settings.durationBuckets ?? furtherBuckets(DURATION_BUCKETS, DURATION_STEPS, longestDeadline);
  const { metrics, registry } = createMetrics({
    exposes: (_name, row) => settings.openTelemetryNames || !row.openTelemetryName,
    operationAttributes: settings.operationAttributes,
    durationBuckets,
    mostUpstreams: upstreams.length + (discovery.enabled ? discovery.maxUpstreams : 0),
    issuers: auth.issuers.length,
    resultSizeBuckets: furtherBuckets(RESULT_SIZE_BUCKETS, RESULT_SIZE_STEPS, limits.resultBytes),
  });
  const { now, version, revision, env } = environment;
  if (settings.enabled) collectRuntime(registry, metrics, env['NODE_OPTIONS']);
  describeBuild(metrics, { version, revision, protocol: MODERN_VERSION });
  const write = (format: ExpositionFormat): Promise<Buffer> => expose(registry, format, now);
  return {
    recorder: new Recorder(metrics),
    durationBuckets: [...DURATION_BUCKETS, ...durationBuckets],
    expose: settings.enabled ? write : undefined,
  };
}

/** Has every tool that is offered its series, and no other. Tells once of a tool that may take longer than can be told apart. */
export function keepSeries(
  catalogue: Catalogue,
  { recorder, durationBuckets, expose: isExposed }: ServerMetrics,
  logger: Logger,
): void {
  const highest = highestOf(durationBuckets);
  let isTold = !isExposed;
  catalogue.subscribe(({ removed, added }) => {
    // A tool that takes the place of another of its name keeps the series.
    const kept = new Set(added.map(({ name }) => name));
    for (const { name } of removed) if (!kept.has(name)) recorder.removeTool(name);
    for (const tool of added) recorder.addTool(tool);
    const slow = added.find(({ timeoutSeconds }) => timeoutSeconds > highest);
    if (!slow || isTold) return;
    isTold = true;
    logger.warn(
      { tool: slow.name, timeout_seconds: slow.timeoutSeconds },
      `a tool may take longer than ${highest} s, the highest bound of mcp_tool_duration_seconds: the metrics cannot show how long ` +
        'such calls take; name its deadline in metrics.durationBuckets',
    );
  });
}
