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
/** Where settings of an operator's own modules go. */
export const OWN_SETTINGS =
  'Settings of your own modules are environment variables, which they read themselves';

export const settingsSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on; 0.0.0.0 or :: for all'),
      port: port.default(9999).describe('Port of MCP and REST; 0 picks a free one'),
      allowedHosts: z
        .array(written(readAllowedHost))
        .prefault([])
        .describe(
          'Host names that clients may use, without port; localhost and IP addresses always work. *.example.com allows all names below example.com, * allows all names',
        ),
      allowedOrigins: z
        .array(written(readAllowedOrigin))
        .prefault([])
        .describe(
          'Origins of web pages that may send requests and read the answers (CORS), such as https://app.example.com; pages of localhost and of the server itself may always send requests',
        ),
      trustedProxies: z
        .int()
        .min(0)
        .default(0)
        .describe('Number of reverse proxies in front whose X-Forwarded-For is trusted'),
      bodyBytes: z.int().min(1024).default(1_048_576).describe('Largest request body'),
      headersTimeoutSeconds: seconds.default(10).describe("Time a client has to send a request's headers"),
      requestTimeoutSeconds: seconds
        .default(30)
        .describe('Time a client has to send a whole request; answers and streams are not limited'),
      keepAliveTimeoutSeconds: seconds
        .default(75)
        .describe('Time an idle connection stays open; must be longer than that of a proxy in front'),
      stallTimeoutSeconds: seconds
        .default(30)
        .describe('Time a client may read nothing of an answer before its connection is cut'),
      maxConnections: count.default(4096).describe('Connections open at a time, on each port'),
      bufferedBytes: z
        .int()
        .min(1024)
        .default(134_217_728)
        .describe(
          'Most bytes kept for clients on each port: requests being read and answers not read yet. Above it, the connections that hold most are cut',
        ),
      streamKeepAliveSeconds: seconds
        .default(15)
        .describe(
          'Longest time without a byte in an MCP answer. An answer that takes longer becomes an event stream, whose comments keep the connection open. Must be shorter than the idle timeout of a proxy in front',
        ),
    })
    .prefault({}),
  ops: z
    .strictObject({
      host: z.string().optional().describe('Address of the operations port; server.host if unset'),
      port: port
        .optional()
        .describe(
          'Separate port for probes, /metrics and the full status page. The main port then has no probes and no metrics, and its page shows no calls. Nobody needs a token at this port, so let only the inside of your network reach it. If unset, all are on the main port',
        ),
    })
    .prefault({}),
  auth: authSettings,
  audit: auditSettings,
  tools: z
    .strictObject({
      enabled: z.array(z.string()).default(['*']).describe('Toolsets and tools to offer, by name; * for all'),
      disabled: z.array(z.string()).default([]).describe('Toolsets and tools to leave out of tools.enabled'),
      modules: z
        .array(z.string())
        .default([])
        .describe('Files of tool modules, relative to the configuration file'),
      settings: z
        .record(z.string(), tool)
        .default({})
        .describe(
          `Limits of single tools, by tool name: {timeoutSeconds?, maxConcurrency?}. ${OWN_SETTINGS}`,
        ),
    })
    .prefault({}),
  limits: z
    .strictObject({
      toolTimeoutSeconds: seconds.default(10).describe('Deadline of a call, unless the tool states its own'),
      toolConcurrency: count
        .default(64)
        .describe('Calls of one tool at a time, unless the tool states its own number'),
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
          'Requests and messages that one client may send in a second, on average; 0 for no limit. A client is a token, an IPv4 address or an IPv6 /64',
        ),
      burst: count.default(500).describe('Requests and messages one client may send at once after a pause'),
      upstreamTools: count.default(500).describe('Most tools of all upstreams together'),
    })
    .prefault({}),
  workers: z
    .strictObject({
      maxThreads: count.default(2).describe('Most worker threads; they run the isolated tools'),
      maxHeapMegabytes: z.int().min(16).default(128).describe('Largest heap of one worker thread'),
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
        .describe(
          'Whether metrics are exposed. If not, there is no /metrics, and the status page shows no calls',
        ),
      endpoint: z.boolean().default(true).describe('Whether /metrics is served'),
      needToken: z
        .boolean()
        .default(false)
        .describe(
          'Whether /metrics and the status page on the main port need a token: a static token, or the access token of an account that may use all tools. At ops.port they never need one',
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
          `Further labels of mcp_server_operation_duration_seconds, out of ${OPERATION_ATTRIBUTES.join(', ')}. Each multiplies the number of its series`,
        ),
      durationBuckets: durationBuckets
        .optional()
        .describe(
          'Bounds of mcp_tool_duration_seconds above 10 s, ascending. If unset and a tool has a longer deadline: 30, 60, 120, 300, 600, 1800, 3600 … up to the longest deadline',
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
        .describe(
          'Share of successful calls, 0 to 1, that are logged at info instead of debug; those that took longer than 2.5 s always are',
        ),
      foldSeconds: z
        .number()
        .min(0)
        .max(86_400)
        .default(10)
        .describe(
          'Of equal failed calls, lost threads or cut connections within this time the first 5 are logged; one more line has the number of the others. 0 logs each',
        ),
      arguments: z
        .record(z.string(), z.array(z.string()))
        .default({})
        .describe('Arguments that may be logged, with secrets removed: {tool: [argument]}'),
      results: z.array(z.string()).default([]).describe('Tools whose results may be logged'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe(
          'URL to which spans are sent by OTLP over HTTP, such as http://localhost:4318; nothing is traced if unset',
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
        .describe('Time between becoming not ready and closing connections, for load balancers to notice'),
      idleSeconds: z
        .number()
        .min(0)
        .max(300)
        .default(1)
        .describe('While stopping: time without a request after which a connection is closed'),
      deadlineSeconds: seconds
        .default(25)
        .describe('While stopping: time after which calls that still run are cut off'),
    })
    .prefault({}),
});

/** The effective settings. */
export type Settings = z.infer<typeof settingsSchema>;
