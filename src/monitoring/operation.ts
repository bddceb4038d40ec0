import { METHODS, PROTOCOL_VERSIONS, oneOf, type TransportName } from './labels.ts';

/** An MCP request that was answered, as the OpenTelemetry conventions want it described. */
export interface Operation {
  readonly method: string;
  readonly protocolVersion: string | undefined;
  readonly transport: TransportName;
  /** The tool of a tools/call: its registered name, or `unknown`. */
  readonly tool?: string | undefined;
  /** The JSON-RPC error code, when that was the answer. */
  readonly errorCode?: number | undefined;
  /** Whether the answer was a result with `isError`. */
  readonly isError: boolean;
  readonly seconds: number;
}

/** JSON-RPC errors that are the caller's fault carry no `error.type` (OpenTelemetry semantic conventions for MCP). */
const CALLER_FAULTS: ReadonlySet<number> = new Set([-32700, -32600, -32601, -32602, -32002]);

/**
 * The `error.type` of an operation, if and only if it failed: `tool_error` for `isError`, else the JSON-RPC code.
 * Source: OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md, v1.41.1.
 */
function errorTypeOf({ isError, errorCode }: Pick<Operation, 'isError' | 'errorCode'>): string | undefined {
  if (isError) return 'tool_error';
  return errorCode === undefined || CALLER_FAULTS.has(errorCode) ? undefined : String(errorCode);
}

/** The `network.transport` of those conventions: `pipe` for stdio, `tcp` for Streamable HTTP. */
export const networkTransportOf = (transport: TransportName): 'pipe' | 'tcp' =>
  transport === 'stdio' ? 'pipe' : 'tcp';

/** The attributes of an operation, by their names in those conventions; with underscores they are its labels. */
export function attributesOf(operation: Operation): Record<string, string> {
  const { method, tool, errorCode, protocolVersion, transport } = operation;
  const errorType = errorTypeOf(operation);
  return {
    'mcp.method.name': oneOf(METHODS, method),
    ...(tool !== undefined && { 'gen_ai.tool.name': tool, 'gen_ai.operation.name': 'execute_tool' }),
    ...(errorType !== undefined && { 'error.type': errorType }),
    ...(errorCode !== undefined && { 'rpc.response.status_code': String(errorCode) }),
    'mcp.protocol.version': oneOf(PROTOCOL_VERSIONS, protocolVersion),
    'network.transport': networkTransportOf(transport),
  };
}
