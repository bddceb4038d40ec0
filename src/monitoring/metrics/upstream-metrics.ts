import { DROP_REASONS, UPSTREAM_STATES } from '../../upstream/labels.ts';
import { ERROR_CODES } from '../door/json-rpc.ts';
import { counter, exactly, gauge, optional } from './declaration.ts';
import { NOT_TOLD_APART, OTHER, TOOL_ERROR } from './labels.ts';
import { openTelemetry, serverOnly } from './row.ts';

/** What upstreams are asked; what else clients ask them, by a relay, is one. */
export const CLIENT_METHODS = [
  'initialize',
  'ping',
  'server/discover',
  'tools/call',
  'tools/list',
  OTHER,
] as const;

/** The `error_type` of a request that was not answered in time. */
export const TIMEOUT = 'timeout';

/** The `error_type` of a request without an answer that could be used. */
export const UNAVAILABLE = 'unavailable';

/** Those of requests to upstreams that are told apart. */
export const CLIENT_ERROR_TYPES = [
  TOOL_ERROR,
  TIMEOUT,
  UNAVAILABLE,
  String(ERROR_CODES.internalError),
  NOT_TOLD_APART,
];

/** Those that are the upstream's fault. A session that is lost is renewed, and what an upstream refuses is for the caller to mend. */
export const CLIENT_FAULTS = [TIMEOUT, UNAVAILABLE, String(ERROR_CODES.internalError)];

/** Which upstreams there are, only the settings say. */
const upstream = exactly([] as readonly string[]);

/** The metrics of upstreams; a part of the table of metrics. */
export const UPSTREAM_METRICS = {
  mcp_upstream_state: serverOnly(
    gauge('The state of an upstream: 1 for the one that it is in, 0 for the others', {
      upstream,
      state: exactly(UPSTREAM_STATES),
    }),
  ),
  mcp_upstream_transitions_total: serverOnly(
    counter('How often an upstream came into a state', { upstream, state: exactly(UPSTREAM_STATES) }),
  ),
  mcp_upstream_last_transition_timestamp_seconds: serverOnly(
    gauge('When an upstream came into the state that it is in, in Unix time', { upstream }),
  ),
  mcp_upstream_tools: serverOnly(gauge('Tools of an upstream that are offered', { upstream })),
  mcp_upstream_tools_dropped: serverOnly(
    gauge('Tools that an upstream lists and that are not offered, by why', {
      upstream,
      reason: exactly(DROP_REASONS),
    }),
  ),
  mcp_upstream_definition_changes_total: serverOnly(
    counter('Tools of an upstream that it came to describe otherwise than when it last listed them', {
      upstream,
    }),
  ),
  // Not by tool: how long an upstream takes for each, mcp_tool_duration_seconds says.
  mcp_client_operation_duration_seconds: serverOnly(
    openTelemetry(
      'Duration of MCP requests to upstreams as the OpenTelemetry semantic conventions define it',
      {
        upstream,
        mcp_method_name: exactly(CLIENT_METHODS),
        error_type: optional(exactly(CLIENT_ERROR_TYPES)),
      },
    ),
  ),
} as const;

/** Those metrics, for the upstreams that there are. */
export const upstreamRows = (names: readonly string[]) =>
  Object.fromEntries(
    Object.entries(UPSTREAM_METRICS).map(([name, row]) => [
      name,
      { ...row, labels: { ...row.labels, upstream: exactly(names) } },
    ]),
  );
