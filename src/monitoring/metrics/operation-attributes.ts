/**
 * What `mcp_server_operation_duration_seconds` is broken down by on request alone, as the OpenTelemetry conventions call it:
 * each multiplies the series of every tool.
 */
export const OPERATION_ATTRIBUTES = [
  'rpc.response.status_code',
  'mcp.protocol.version',
  'network.transport',
] as const;

export type OperationAttribute = (typeof OPERATION_ATTRIBUTES)[number];
