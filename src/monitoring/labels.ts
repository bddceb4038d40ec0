/** The closed sets that label values come from; whatever is not in its set is `other`. */

/** Request methods of MCP 2024-11-05 to 2026-07-28. */
export const METHODS: readonly string[] = [
  'completion/complete',
  'initialize',
  'logging/setLevel',
  'ping',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'server/discover',
  'subscriptions/listen',
  'tools/call',
  'tools/list',
];

/** Released revisions of MCP. */
export const PROTOCOL_VERSIONS: readonly string[] = [
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
  '2026-07-28',
];

export const TRANSPORTS = ['http', 'stdio'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/**
 * Why a session ended: its client said so or hung up, it was idle too long, the server stopped.
 */
export const SESSION_CLOSE_REASONS = ['client', 'idle', 'shutdown'] as const;
export type SessionCloseReason = (typeof SESSION_CLOSE_REASONS)[number];

/** What became of a span: received by the OTLP endpoint, not received, or not sent because too many waited. */
export const SPAN_OUTCOMES = ['exported', 'failed', 'dropped'] as const;
export type SpanOutcome = (typeof SPAN_OUTCOMES)[number];

/** Source: RFC 9110 section 9.3, and RFC 5789. */
export const HTTP_METHODS: readonly string[] = [
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
];

/** The value if it is listed, else `rest`. */
export const oneOf = (values: readonly string[], value: string | undefined, rest = 'other'): string =>
  value !== undefined && values.includes(value) ? value : rest;
