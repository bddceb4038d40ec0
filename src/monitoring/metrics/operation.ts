import { UNKNOWN_TOOL } from '../../tools/reasons.ts';
import { CALLER_FAULTS, ERROR_CODES } from '../door/json-rpc.ts';
import { exactly, follows, optional, TOOLS, type Labels } from './declaration.ts';
import {
  METHODS,
  NOT_TOLD_APART,
  PROTOCOL_VERSIONS,
  TOOL_ERROR,
  oneOf,
  type TransportName,
} from './labels.ts';
import type { OperationAttribute } from './operation-attributes.ts';

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

/** The codes that servers fail with, of those told apart: a label has no room for what servers make up. */
const FAULTS = [String(ERROR_CODES.internalError)];

const ERROR_TYPES = [TOOL_ERROR, ...FAULTS, NOT_TOLD_APART];

/** The codes that are told apart, and one for all others. */
const CODES = [...Object.values(ERROR_CODES).map(String), NOT_TOLD_APART];

/** The `network.transport` of those conventions: `pipe` for stdio, `tcp` for Streamable HTTP. */
export const NETWORK_TRANSPORTS = ['pipe', 'tcp'] as const;

export const networkTransportOf = (transport: TransportName): 'pipe' | 'tcp' =>
  transport === 'stdio' ? 'pipe' : 'tcp';

/**
 * The labels of `mcp_server_operation_duration_seconds`. Nothing that a request says adds a value to them: each is held to its
 * set here.
 */
export const OPERATION_LABELS = {
  mcp_method_name: METHODS,
  // There is one if and only if the method is tools/call.
  gen_ai_tool_name: optional(follows('mcp_method_name', { ...TOOLS, values: [UNKNOWN_TOOL] })),
  gen_ai_operation_name: optional(follows('gen_ai_tool_name')),
  error_type: optional(exactly(ERROR_TYPES)),
} as const satisfies Labels;

const FURTHER_LABELS: Readonly<Record<OperationAttribute, Labels>> = {
  'rpc.response.status_code': {
    rpc_response_status_code: optional(exactly(CODES)),
    // The code decides it; without a code, whether the result has isError.
    error_type: optional(follows('rpc_response_status_code', exactly([TOOL_ERROR]))),
  },
  'mcp.protocol.version': { mcp_protocol_version: PROTOCOL_VERSIONS },
  'network.transport': { network_transport: exactly(NETWORK_TRANSPORTS) },
};

/** Those labels, with the ones that were asked for besides. */
export const operationLabels = (further: readonly OperationAttribute[]): Labels =>
  Object.assign({}, OPERATION_LABELS, ...further.map((attribute) => FURTHER_LABELS[attribute])) as Labels;

/** The attribute that each label stands for, in the words of those conventions. */
const ATTRIBUTES = {
  mcp_method_name: 'mcp.method.name',
  gen_ai_tool_name: 'gen_ai.tool.name',
  gen_ai_operation_name: 'gen_ai.operation.name',
  error_type: 'error.type',
  rpc_response_status_code: 'rpc.response.status_code',
  mcp_protocol_version: 'mcp.protocol.version',
  network_transport: 'network.transport',
} as const;

type Label = keyof typeof ATTRIBUTES;
type Described = Readonly<Record<Exclude<Label, OptionalLabel>, string>> &
  Readonly<Record<OptionalLabel, string | undefined>>;
type OptionalLabel = 'gen_ai_tool_name' | 'gen_ai_operation_name' | 'error_type' | 'rpc_response_status_code';

/**
 * What an operation is, exactly. There is an `error.type` if and only if it failed: `tool_error` for `isError`, else the JSON-RPC
 * code, unless that is the caller's fault.
 * Source: OpenTelemetry semantic conventions for MCP, docs/gen-ai/mcp.md, v1.41.1.
 */
function describe({ method, tool, errorCode, isError, protocolVersion, transport }: Operation): Described {
  const code = errorCode === undefined ? undefined : String(errorCode);
  const failure = isError ? TOOL_ERROR : undefined;
  const errorType = code === undefined ? failure : CALLER_FAULTS.includes(code) ? undefined : code;
  return {
    mcp_method_name: oneOf(METHODS, method),
    gen_ai_tool_name: tool,
    gen_ai_operation_name: tool === undefined ? undefined : 'execute_tool',
    error_type: errorType,
    rpc_response_status_code: code,
    mcp_protocol_version: oneOf(PROTOCOL_VERSIONS, protocolVersion),
    network_transport: networkTransportOf(transport),
  };
}

/** The labels of an operation, all there can be: of the codes, those that are told apart. */
export function labelsOf(operation: Operation): Described {
  const described = describe(operation);
  const { error_type, rpc_response_status_code } = described;
  // Most operations succeed, and for them all of it has been said.
  if (error_type === undefined && rpc_response_status_code === undefined) return described;
  return {
    ...described,
    error_type: error_type === undefined ? undefined : oneOf(ERROR_TYPES, error_type, NOT_TOLD_APART),
    rpc_response_status_code:
      rpc_response_status_code === undefined
        ? undefined
        : oneOf(CODES, rpc_response_status_code, NOT_TOLD_APART),
  };
}

/** The same for its span, which has room for every code. */
export const attributesOf = (operation: Operation): Record<string, string> =>
  Object.fromEntries(
    Object.entries(describe(operation)).flatMap(([label, value]) =>
      value === undefined ? [] : [[ATTRIBUTES[label as Label], value]],
    ),
  );
