/** The error codes that answers of ours carry or that we tell apart: JSON-RPC 2.0, section 5.1, and MCP. */
export const ERROR_CODES = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internalError: -32_603,
  /** MCP 2026-07-28, "Protocol Version". */
  unsupportedProtocolVersion: -32_022,
  /** MCP 2025-11-25, "Resources". */
  resourceNotFound: -32_002,
  /** MCP 2026-07-28: the client has not said that it can do what the call needs. */
  missingClientCapability: -32_021,
  /** MCP 2025-11-25, "Elicitation": the call goes on once the user has visited a URL. */
  urlElicitationRequired: -32_042,
} as const;

/** Codes that MCP does not have and the SDK's servers send: for a session that is not there, and where none has begun. */
export const SDK_ERROR_CODES = { sessionNotFound: -32_001, serverError: -32_000 } as const;

/** Errors that are the caller's fault carry no `error.type` on the server (OpenTelemetry semantic-conventions-genai, docs/gen-ai/mcp.md, since its pull request 404). */
export const CALLER_FAULTS: readonly string[] = [
  ERROR_CODES.parseError,
  ERROR_CODES.invalidRequest,
  ERROR_CODES.methodNotFound,
  ERROR_CODES.invalidParams,
  ERROR_CODES.resourceNotFound,
].map(String);

/** Why a session was refused in a way that an honest client does not cause: it is another caller's, or its id was changed. */
export type SessionIntrusion = 'other_caller' | 'forged';

/** What a refusal says of an intrusion; nothing where a session was refused for another reason. */
export const intrusionOf = (reason: string): { readonly refusedFor?: SessionIntrusion } =>
  reason === 'other_caller' || reason === 'forged' ? { refusedFor: reason } : {};

/** Why a request over HTTP was not served, for whoever answers it. */
export interface Refusal {
  readonly status: number;
  /** Of the JSON-RPC error. */
  readonly code: number;
  readonly detail: string;
  /** What more the JSON-RPC error says. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The id of the request, where that can be told. */
  readonly id?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The scopes that a token for it needs, where it was refused for want of them. */
  readonly scopes?: readonly string[];
  readonly refusedFor?: SessionIntrusion;
}

/** The message that refuses a request, in the form of JSON-RPC 2.0. `id` is null where the request's cannot be told. */
export const refusal = <Id extends string | number | null = null>(
  code: number,
  message: string,
  id: Id = null as Id,
  data?: unknown,
) => ({ jsonrpc: '2.0', error: { code, message, ...(data !== undefined && { data }) }, id }) as const;
