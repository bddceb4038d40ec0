import type { ValuesOf } from './declaration.ts';
import { CALLER_FAULTS } from '../door/json-rpc.ts';
import { METHODS, PROTOCOL_VERSIONS, TOOL_ERROR, oneOf, type TransportName } from './labels.ts';
import type { METRICS } from './metrics.ts';

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
  /** Its trace, when that is kept. */
  readonly traceId?: string | undefined;
}

/**
 * The `error.type` of an operation, if and only if it failed: `tool_error` for `isError`, else the JSON-RPC code.
 * Source: OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md, v1.41.1.
 */
function errorTypeOf(code: string | undefined, isError: boolean): string | undefined {
  if (code === undefined) return isError ? TOOL_ERROR : undefined;
  return CALLER_FAULTS.includes(code) ? undefined : code;
}

/** The `network.transport` of those conventions: `pipe` for stdio, `tcp` for Streamable HTTP. */
export const networkTransportOf = (transport: TransportName): 'pipe' | 'tcp' =>
  transport === 'stdio' ? 'pipe' : 'tcp';

/** What those conventions call the labels of `mcp_server_operation_duration_seconds`. */
const ATTRIBUTES = {
  mcp_method_name: 'mcp.method.name',
  gen_ai_tool_name: 'gen_ai.tool.name',
  gen_ai_operation_name: 'gen_ai.operation.name',
  error_type: 'error.type',
  rpc_response_status_code: 'rpc.response.status_code',
  mcp_protocol_version: 'mcp.protocol.version',
  network_transport: 'network.transport',
} as const satisfies Record<Label, string>;

type Labels = (typeof METRICS)['mcp_server_operation_duration_seconds']['labels'];
type Label = keyof Labels;

/** The labels of an operation. */
export function labelsOf(operation: Operation): ValuesOf<Labels> {
  const { method, tool, errorCode, isError, protocolVersion, transport } = operation;
  const code = errorCode === undefined ? undefined : String(errorCode);
  const errorType = errorTypeOf(code, isError);
  return {
    mcp_method_name: oneOf(METHODS, method),
    ...(tool !== undefined && { gen_ai_tool_name: tool, gen_ai_operation_name: 'execute_tool' }),
    ...(errorType !== undefined && { error_type: errorType }),
    ...(code !== undefined && { rpc_response_status_code: code }),
    mcp_protocol_version: oneOf(PROTOCOL_VERSIONS, protocolVersion),
    network_transport: networkTransportOf(transport),
  };
}

/** The same for its span. */
export const attributesOf = (operation: Operation): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labelsOf(operation)).map(([label, value]) => [ATTRIBUTES[label as Label], value]),
  );
