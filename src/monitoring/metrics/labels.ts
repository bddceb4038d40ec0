/** The closed sets that label values come from. */

/** What label values that were not declared, or are too many, become. */
export const OTHER = 'other';

/** What became of an audit event: it was taken to be written, or there was no room for it. */
export const AUDIT_OUTCOMES = ['accepted', 'lost'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

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
 * Why a process holds a session no longer: its client ended it or hung up, it was idle too long, it gave its place to another,
 * it is too old, the server stopped.
 */
export const SESSION_CLOSE_REASONS = ['client', 'idle', 'evicted', 'expired', 'shutdown'] as const;
export type SessionCloseReason = (typeof SESSION_CLOSE_REASONS)[number];

/**
 * Why a session id was refused: it was not made with a key of this server, it is too old or its client has ended it, it was
 * changed or cut, it was made for another caller.
 */
export const SESSION_NOT_FOUND_REASONS = ['unknown', 'expired', 'forged', 'other_caller'] as const;
export type SessionNotFoundReason = (typeof SESSION_NOT_FOUND_REASONS)[number];

/** What one replica passes on to another: the client's answer to what a tool asked it, or the cancellation of a call. */
export const PEER_MESSAGES = ['answer', 'cancellation'] as const;
export type PeerMessage = (typeof PEER_MESSAGES)[number];

/**
 * What became of such a message: the other took it, had no use for it, has other keys, could not be reached, or was not asked
 * because too many others were being asked.
 */
export const PEER_OUTCOMES = ['delivered', 'not_held', 'refused', 'unreachable', 'dropped'] as const;
export type PeerOutcome = (typeof PEER_OUTCOMES)[number];

/**
 * Why a connection was cut, or refused: too many are open, it has too many requests without an answer, its client does not
 * read an answer, or too much is kept for all of them together, and most for it.
 */
export const CONNECTION_CUT_REASONS = ['too_many', 'pipelined', 'stalled', 'buffered'] as const;
export type ConnectionCutReason = (typeof CONNECTION_CUT_REASONS)[number];

/** What became of a span: received by the OTLP endpoint, not received, or not sent because too many waited. */
export const SPAN_OUTCOMES = ['exported', 'failed', 'dropped'] as const;
export type SpanOutcome = (typeof SPAN_OUTCOMES)[number];

/** The `error_type` of an answer that is a result with `isError`. */
export const TOOL_ERROR = 'tool_error';

/** What the OpenTelemetry conventions call values that are not told apart. */
export const NOT_TOLD_APART = '_OTHER';

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

/** The route of requests that no route matched. */
export const UNMATCHED = 'unmatched';

const READ: readonly string[] = ['GET', 'HEAD'];
const CALLED: readonly string[] = ['POST'];

/** Where clients learn how to get a token (RFC 9728), and the rest of the path says for what. */
export const WELL_KNOWN_ROUTE = '/.well-known/oauth-protected-resource{/*resource}';

/** The methods that are told apart, by the template of this server's route: those that it serves. */
export const HTTP_SERVED: Readonly<Record<string, readonly string[]>> = {
  '/': READ,
  [WELL_KNOWN_ROUTE]: READ,
  '/execute': CALLED,
  '/healthz': READ,
  '/livez': READ,
  '/mcp': ['GET', 'POST', 'DELETE'],
  '/metrics': READ,
  '/openapi.json': READ,
  '/readyz': READ,
  '/tools': READ,
  '/tools/:name': READ,
  '/tools/:name/execute': CALLED,
  [UNMATCHED]: ['GET', 'POST'],
};

/** The methods that are told apart, of all these routes together. */
export const HTTP_OPERATIONS: readonly string[] = Object.values(HTTP_SERVED).flat();

/** The route of whole upstreams, where there are some, and its methods. What is answered there is up to them. */
export const RELAY_ROUTE = '/servers/:name/mcp';
export const RELAY_SERVED: readonly string[] = ['GET', 'POST', 'DELETE'];

export const HTTP_ROUTES: readonly string[] = Object.keys(HTTP_SERVED);

/** What this server answers; 499 says that the client went away before an answer. */
export const HTTP_STATUS_CODES: readonly string[] = [
  ...['200', '202', '304'],
  ...['400', '401', '403', '404', '405', '406', '409', '413', '415', '422', '429', '499'],
  ...['500', '503', '504'],
];

/** The value if it is listed, else `rest`. */
export const oneOf = (values: readonly string[], value: string | undefined, rest = OTHER): string =>
  value !== undefined && values.includes(value) ? value : rest;
