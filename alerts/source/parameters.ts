import { z } from 'zod';
import { durationBuckets } from '../../src/config/setting-kinds.ts';
import { ALERT_DEFAULTS } from '../../src/monitoring/alert-defaults.ts';
import { DURATION_BUCKETS, highestOf } from '../../src/monitoring/metrics/bounds.ts';
import { ERROR_REASONS, REASONS } from '../../src/tools/reasons.ts';

/** Severities, as Alertmanager configurations know them: wake someone, work hours, no notification. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * Most samples of a scrape that Prometheus takes. A server whose tools use all of what they can have stays below the ticket up
 * to 600 tools, and below the limit up to 700.
 */
export const SAMPLE_LIMIT = 100_000;

const QUARTER = 900;
const HOUR = 3600;
const DAY = 24 * HOUR;

const share = z.number().gt(0).lt(1);
const seconds = z.number().positive();
/** An alert that waits longer than a day tells nobody anything. */
const wait = z.number().min(0).max(DAY);
const atLeastOne = z.number().min(1).max(1e6);
const latency = seconds.max(DAY);

/** The long window, the short window that confirms it, both in seconds, and how fast the budget burns. */
const burnWindow = z
  .strictObject({
    long: seconds.max(30 * DAY),
    short: seconds.min(60),
    factor: atLeastOne,
  })
  .refine(({ long, short }) => short < long, 'the short window must be shorter than the long one');

/**
 * Two pairs of windows an alert: Google's SRE workbook, chapter 5, "Alerting on SLOs".
 * @param sooner windows that page besides
 */
const slo = (objective: number, sooner: readonly z.infer<typeof burnWindow>[] = []) => ({
  objective: z
    .number()
    .gt(0)
    .lt(100)
    .default(objective)
    .describe('Share of calls that must be good, in percent, over 30 days'),
  page: z
    .array(burnWindow)
    .min(1)
    .default([
      ...sooner,
      { long: HOUR, short: 300, factor: 14.4 },
      { long: 6 * HOUR, short: 1800, factor: 6 },
    ])
    .describe('Windows that page'),
  ticket: z
    .array(burnWindow)
    .min(1)
    .default([
      { long: DAY, short: 2 * HOUR, factor: 3 },
      { long: 3 * DAY, short: 6 * HOUR, factor: 1 },
    ])
    .describe('Windows that open a ticket'),
});

/**
 * Labels of the operator's own: none by which alerts are routed, grouped and inhibited. Those with `__` are Prometheus's.
 * @param taken the labels that are none of the operator's
 */
const labelsBut = (taken: readonly string[]) =>
  z.record(
    z.string().superRefine((name, context) => {
      const refuse = (message: string) => {
        context.addIssue({ code: 'custom', message });
      };
      if (name === 'severity') refuse('is a parameter of its own: alerts.NAME.severity');
      else if (taken.includes(name))
        refuse(
          'alerts are routed, grouped and inhibited by this label, which says whose they are; name it otherwise',
        );
      else if (!/^(?!__)[a-zA-Z_]\w*$/.test(name)) refuse('must be a label name');
    }),
    z.string(),
  );

const OF_ROUTES = ['alertname', 'namespace', 'job', 'instance'] as const;
const labels = labelsBut([...OF_ROUTES, 'cluster']);

const override = z.strictObject({
  enabled: z.boolean().optional(),
  severity: z.enum(SEVERITIES).optional(),
  forSeconds: wait.optional(),
  keepFiringForSeconds: wait.optional(),
  labels: labels.optional(),
});

const toolName = z.string().regex(/^[\w.-]{1,128}$/, 'must be the name of a tool');
const toolOverride = z.strictObject({ errorRatio: share.optional(), latencySeconds: latency.optional() });

/** Reasons that may count against the objective. */
export const COUNTABLE = REASONS.filter((reason) => !ERROR_REASONS[reason].refused);

const serverFaults = COUNTABLE.filter((reason) => ERROR_REASONS[reason].serverFault);

/** What is wrong with thresholds of latency: a quantile cannot exceed the highest bound, so one there could never be crossed. */
function problemsOfLatency({
  durationBuckets: further,
  latency: { thresholdSeconds },
  toolLatencySeconds,
  tools,
}: {
  readonly durationBuckets: readonly number[];
  readonly latency: { readonly thresholdSeconds: number };
  readonly toolLatencySeconds: number;
  readonly tools: Readonly<Record<string, z.infer<typeof toolOverride>>>;
}): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const bounds = [...DURATION_BUCKETS, ...further];
  const highest = highestOf(bounds);
  const others = `; say in durationBuckets which above ${highestOf(DURATION_BUCKETS)} s the servers have besides`;
  const isFast = bounds.slice(0, -1).includes(thresholdSeconds);
  const limits = [
    { path: ['toolLatencySeconds'], limit: toolLatencySeconds },
    ...Object.entries(tools).map(([name, { latencySeconds = 0 }]) => ({
      path: ['tools', name, 'latencySeconds'],
      limit: latencySeconds,
    })),
  ].filter(({ limit }) => limit >= highest);
  return [
    ...(isFast
      ? []
      : [
          {
            path: ['latency', 'thresholdSeconds'],
            message: `must be one of the buckets below the highest: ${bounds.slice(0, -1).join(', ')}${others}`,
          },
        ]),
    ...limits.map(({ path }) => ({
      path,
      message: `must be below the highest bucket, ${highest} s, or the alert could never fire${others}`,
    })),
  ];
}

/** The share of calls that may be bad, for an objective in percent. */
export const budgetOf = (objective: number): number => Number((1 - objective / 100).toPrecision(6));

/** Everything about the rules that an operator may choose, with bounds. */
export const parametersSchema = z
  .strictObject({
    selector: z
      .string()
      .regex(
        /^\w+(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*"(?:, *\w+(?:=~|!~|!=|=)"(?:[^"\\]|\\.)*")*$/,
        'must be PromQL matchers such as job="nexus-mcp", namespace="tools"',
      )
      .default('job=~".*nexus-mcp.*"')
      .describe('PromQL matchers of the targets'),
    mustExist: z
      .boolean()
      .default(false)
      .describe(
        'Whether NexusMCPDown also fires if Prometheus has never found a target; the selector must then name job, and namespace if there is one, with =',
      ),
    badReasons: z
      .array(z.enum(COUNTABLE))
      .min(1)
      .default(serverFaults)
      .describe(
        'Reasons that count against the objective; calls refused for a mistake of the caller never do',
      ),
    availability: z.strictObject(slo(99.5)).prefault({}),
    latency: z
      .strictObject({
        // Of slow calls no other alert pages, and an hour of good ones hides them for three quarters of another.
        ...slo(ALERT_DEFAULTS.latencyObjective, [{ long: QUARTER, short: 300, factor: 14.4 }]),
        thresholdSeconds: z
          .number()
          .default(ALERT_DEFAULTS.latencyThresholdSeconds)
          .describe('Longest time of a fast call; one of the buckets below the highest'),
      })
      .prefault({}),
    durationBuckets: durationBuckets
      .default([])
      .describe(
        `Buckets of mcp_tool_duration_seconds above ${highestOf(DURATION_BUCKETS)} s that all servers have; nexus-mcp check prints them`,
      ),
    minimumBadCalls: atLeastOne
      .default(ALERT_DEFAULTS.minimumBadCalls)
      .describe('With fewer failed calls in a window no ticket is opened'),
    minimumBadCallsToPage: atLeastOne
      .default(8)
      .describe(
        'With fewer failed calls in a window nobody is paged: one agent that tries again is not an outage',
      ),
    minimumCalls: atLeastOne
      .default(ALERT_DEFAULTS.minimumCalls)
      .describe('With fewer calls in a window latency is ignored'),
    outageRatio: share.default(0.7).describe('Share of failed calls within two minutes'),
    toolErrorRatio: share
      .default(ALERT_DEFAULTS.toolErrorRatio)
      .describe("Share of a tool's calls that may fail within 15 minutes"),
    toolLatencySeconds: latency
      .default(ALERT_DEFAULTS.toolLatencySeconds)
      .describe("95th percentile of a tool's call durations in seconds"),
    tools: z.record(toolName, toolOverride).default({}).describe('Thresholds of single tools, by name'),
    upstreamErrorRatio: share
      .default(0.25)
      .describe('Share of the calls sent to an upstream that may fail within 15 minutes'),
    eventLoopLagSeconds: seconds
      .max(10)
      .default(ALERT_DEFAULTS.eventLoopLagSeconds)
      .describe('Lag of the event loop in seconds, at the 99th percentile'),
    eventLoopBlockedSeconds: seconds
      .max(60)
      .default(ALERT_DEFAULTS.eventLoopBlockedSeconds)
      .describe('Lag of the event loop in seconds, at the 99th percentile'),
    eventLoopUtilization: share
      .default(ALERT_DEFAULTS.eventLoopUtilization)
      .describe('Share of time that the event loop is busy'),
    heapRatio: share.default(ALERT_DEFAULTS.heapRatio).describe('Share of the heap limit that is in use'),
    fileDescriptorRatio: share.default(0.8).describe('Share of the file descriptors that are open'),
    sessionRatio: share
      .default(0.9)
      .describe('Share of the limit of sessions, or of subscriptions, that is in use'),
    sessionsNotFound: atLeastOne
      .default(20)
      .describe('Requests with a session id that is refused in 10 minutes, for each reason but `expired`'),
    peersUnreachable: atLeastOne
      .default(5)
      .describe('Messages that replicas could not pass to one another in 15 minutes, for each outcome'),
    overloadedRatio: share.default(0.01).describe('Share of calls refused as overloaded in 5 minutes'),
    overloadedCalls: atLeastOne.default(10).describe('Calls refused as overloaded in 5 minutes'),
    rateLimitedCalls: atLeastOne.default(100).describe('Calls refused for a quota in 5 minutes'),
    authFailures: atLeastOne.default(20).describe('Requests with bad credentials in 5 minutes'),
    connectionsCut: atLeastOne
      .default(20)
      .describe('Connections cut or refused in 5 minutes, for each reason'),
    sampleLimit: z
      .int()
      .min(1)
      .default(SAMPLE_LIMIT)
      .describe('sample_limit of the scrape: the most samples that Prometheus accepts'),
    sampleRatio: share.default(0.8).describe('Share of sampleLimit that a scrape may have'),
    workerRestarts: atLeastOne.default(5).describe('Worker threads replaced in 30 minutes'),
    restarts: atLeastOne.default(3).describe('Starts of one process in an hour'),
    silentToolCalls: atLeastOne.default(50).describe('Successful calls in the same two hours yesterday'),
    alerts: z.record(z.string(), override).default({}).describe('Changes to single alerts, by name'),
    labels: labelsBut(OF_ROUTES).default({}).describe('Labels on every alert'),
    runbookBaseUrl: z
      .string()
      .default('https://github.com/nexus-mcp/nexus-mcp/blob/main/alerts/runbooks')
      .describe(
        'URL of the folder with the runbooks; the default leads nowhere until this project is published',
      ),
    grafanaBaseUrl: z.string().default('http://localhost:3000').describe('Where Grafana is'),
    timeScale: z
      .number()
      .min(0.001)
      .max(1)
      .default(1)
      .describe('Shortens all windows and waits by one factor, for tests'),
  })
  .superRefine((parameters, context) => {
    for (const { path, message } of problemsOfLatency(parameters))
      context.addIssue({ code: 'custom', path: [...path], message });
  })
  .superRefine(({ availability, latency: slow, mustExist, selector }, context) => {
    if (mustExist && !/(^|, *)job="/.test(selector)) {
      const message = 'needs a selector with job="…": an alert about what is not there has no other labels';
      context.addIssue({ code: 'custom', path: ['mustExist'], message });
    }
    for (const [name, { objective, page, ticket }] of Object.entries({ availability, latency: slow })) {
      const budget = budgetOf(objective);
      for (const factor of new Set([...page, ...ticket].map((window) => window.factor))) {
        if (factor * budget < 1) continue;
        context.addIssue({
          code: 'custom',
          path: [name, 'objective'],
          message: `burning ${factor} times a budget of ${(budget * 100).toFixed(2)} % needs more than all calls to fail: it could never fire; raise the objective above ${(100 - 100 / factor).toFixed(2)}`,
        });
      }
    }
  });

export type Parameters = z.infer<typeof parametersSchema>;
export type BurnWindow = z.infer<typeof burnWindow>;

type NumberName = { [K in keyof Parameters]: Parameters[K] extends number ? K : never }[keyof Parameters];

/** A parameter that is one number, as an alert's threshold is. */
export type ThresholdName = Exclude<NumberName, 'timeScale'>;
