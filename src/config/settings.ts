import { z } from 'zod';
import { readAllowedHost, readAllowedOrigin } from '../http/host-names.ts';
import { OPERATION_ATTRIBUTES } from '../monitoring/metrics/operation-attributes.ts';
import { auditSettings } from './audit-settings.ts';
import { authSettings } from './auth-settings.ts';
import { discoverySettings } from './discovery-settings.ts';
import { sessionSettings } from './session-settings.ts';
import { count, durationBuckets, port, seconds, written } from './setting-kinds.ts';
import { upstreamSettings } from './upstream-settings.ts';

const tool = z.strictObject({
  timeoutSeconds: seconds.optional(),
  maxConcurrency: count.optional(),
});

/**
 * Every setting, with its default, its bounds and what it does. The table of docs/settings.md is generated from it, and the
 * names of environment variables and flags follow from the keys.
 */
export const settingsSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on; 0.0.0.0 or :: for all'),
      port: port.default(9999).describe('Port of MCP and REST; 0 picks a free one'),
      allowedHosts: z
        .array(written(readAllowedHost))
        .prefault([])
        .describe(
          'Host names clients may use, without port, besides localhost and IP addresses; *.example.com for those below, * for any',
        ),
      allowedOrigins: z
        .array(written(readAllowedOrigin))
        .prefault([])
        .describe(
          'Origins whose pages may ask and read the answers (CORS), as https://app.example.com; pages of localhost and of the server itself may ask, too',
        ),
      trustedProxies: z
        .int()
        .min(0)
        .default(0)
        .describe('Reverse proxies in front whose X-Forwarded-For is believed'),
      bodyBytes: z.int().min(1024).default(1_048_576).describe('Largest request body'),
      headersTimeoutSeconds: seconds.default(10).describe("Time a client has to send a request's headers"),
      requestTimeoutSeconds: seconds
        .default(30)
        .describe('Time a client has to send a whole request; answers and streams are not limited'),
      keepAliveTimeoutSeconds: seconds
        .default(75)
        .describe('Time an idle connection stays open; longer than that of a proxy in front'),
      stallTimeoutSeconds: seconds
        .default(30)
        .describe('Time a client may read nothing of an answer before its connection is cut'),
      maxConnections: count.default(4096).describe('Connections open at a time, on each port'),
      bufferedBytes: z
        .int()
        .min(1024)
        .default(134_217_728)
        .describe(
          'Requests in hand and answers that clients have not read, together on each port; above it the connections with most are cut',
        ),
      streamKeepAliveSeconds: seconds
        .default(15)
        .describe(
          'Longest silence of an MCP answer: one that takes longer becomes a stream with comments; shorter than what a proxy in front waits',
        ),
    })
    .prefault({}),
  ops: z
    .strictObject({
      host: z.string().optional().describe('Address of the operations port; the one of server.host if unset'),
      port: port
        .optional()
        .describe(
          'A second port for probes, metrics and what / says of calls, which then leave the main one',
        ),
    })
    .prefault({}),
  auth: authSettings,
  audit: auditSettings,
  tools: z
    .strictObject({
      enabled: z.array(z.string()).default(['*']).describe('Toolsets and tools to offer, by name; * for all'),
      disabled: z.array(z.string()).default([]).describe('Toolsets and tools to leave out of those'),
      modules: z
        .array(z.string())
        .default([])
        .describe('Files of tool modules, relative to the configuration file'),
      settings: z
        .record(z.string(), tool)
        .default({})
        .describe('Limits of single tools, by tool name: {timeoutSeconds?, maxConcurrency?}'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      toolTimeoutSeconds: seconds.default(10).describe('Deadline of a call whose tool states none'),
      toolConcurrency: count.default(64).describe('Calls of one tool at a time, if the tool states none'),
      concurrency: count.default(256).describe('Calls at a time, all tools together'),
      queue: z.int().min(0).default(1024).describe('Calls that may wait for a place'),
      queueWaitSeconds: seconds.default(5).describe('Time a call may wait for a place'),
      inputWaitSeconds: seconds.default(300).describe('Time a client may take to answer what a tool asks'),
      resultBytes: z.int().min(1024).default(1_048_576).describe('Largest tool result, as JSON'),
      callsPerSecond: z
        .number()
        .min(0)
        .default(100)
        .describe(
          'Steady rate of requests and messages of one client: token, IPv4 address or IPv6 /64; 0 for no limit',
        ),
      burst: count.default(500).describe('Requests and messages one client may send at once after a pause'),
      upstreamTools: count.default(500).describe('Most tools offered of all upstreams together'),
    })
    .prefault({}),
  workers: z
    .strictObject({
      maxThreads: count.default(2).describe('Threads for isolated tools'),
      maxHeapMegabytes: z.int().min(16).default(128).describe('Heap of one thread'),
    })
    .prefault({}),
  sessions: sessionSettings,
  upstreams: upstreamSettings,
  discovery: discoverySettings,
  network: z
    .strictObject({
      allowPrivateAddresses: z
        .boolean()
        .default(false)
        .describe('Lets the network tools reach loopback, private and link-local addresses'),
      fetchTimeoutSeconds: seconds.default(8).describe('Deadline of fetch_url_content, redirects included'),
      fetchMaxBytes: z.int().min(1024).default(1_048_576).describe('Largest body fetch_url_content reads'),
      fetchMaxCharacters: z
        .int()
        .min(100)
        .default(4000)
        .describe('Characters of text fetch_url_content returns'),
      fetchMaxRedirects: z.int().min(0).max(20).default(5).describe('Redirects fetch_url_content follows'),
      dnsTimeoutSeconds: seconds.default(5).describe('Deadline of dns_lookup'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Whether metrics are exposed; if not, there is no /metrics, and / says nothing of calls'),
      endpoint: z.boolean().default(true).describe('Whether /metrics is served'),
      needToken: z
        .boolean()
        .default(false)
        .describe(
          'Whether /metrics and / on the main port need a token: a static one, or that of an account that may use all tools',
        ),
      openTelemetryNames: z
        .boolean()
        .default(true)
        .describe(
          'Whether /metrics has mcp_server_operation_duration_seconds and mcp_server_session_duration_seconds',
        ),
      operationAttributes: z
        .array(z.enum(OPERATION_ATTRIBUTES))
        .default([])
        .describe(
          `Further attributes of mcp_server_operation_duration_seconds, each of which multiplies its series: ${OPERATION_ATTRIBUTES.join(', ')}`,
        ),
      durationBuckets: durationBuckets
        .optional()
        .describe(
          'Bounds of mcp_tool_duration_seconds above 10 s, ascending; if unset, and a tool has a longer deadline: 30, 60, 120, 300, 600, 1800, 3600 … below the longest deadline, and that',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('Least severe level to log; debug has a line for each successful call'),
      successes: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe('Share of successful calls, 0 to 1, that are logged at info instead of debug'),
      foldSeconds: z
        .number()
        .min(0)
        .max(86_400)
        .default(10)
        .describe(
          'Time within which equal failed calls, lost threads or cut connections beyond the first 5 become one line with their count; 0 for never',
        ),
      arguments: z
        .record(z.string(), z.array(z.string()))
        .default({})
        .describe('Arguments that may be logged, without what looks like a secret: {tool: [argument]}'),
      results: z.array(z.string()).default([]).describe('Tools whose results may be logged'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe(
          'Where spans are sent to, by OTLP over HTTP, such as http://localhost:4318; nothing is traced if unset',
        ),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      delaySeconds: z
        .number()
        .min(0)
        .max(300)
        .default(0)
        .describe('Time between turning not ready and letting connections go, for load balancers to notice'),
      idleSeconds: z
        .number()
        .min(0)
        .max(300)
        .default(1)
        .describe('Time without a request after which a connection is closed while stopping'),
      deadlineSeconds: seconds.default(25).describe('Time after which what still runs is cut off'),
    })
    .prefault({}),
});

/** The effective settings. */
export type Settings = z.infer<typeof settingsSchema>;
