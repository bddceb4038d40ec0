import { FAILURE_REASONS } from '../../kubernetes/labels.ts';
import { DROP_REASONS, FAULT_KINDS, SERVICE_OUTCOMES, UPSTREAM_STATES } from '../../upstream/labels.ts';
import { ERROR_CODES } from '../door/json-rpc.ts';
import { REASONS } from '../../tools/reasons.ts';
import { counter, exactly, follows, gauge, given, optional } from './declaration.ts';
import {
  HTTP_OPERATIONS,
  HTTP_ROUTES,
  NOT_TOLD_APART,
  OTHER,
  RELAY_ROUTE,
  RELAY_SERVED,
  TOOL_ERROR,
} from './labels.ts';
import { onUse, openTelemetry, serverOnly, type Row } from './row.ts';

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

/** They come and go; how many there are at most, only the settings say. */
const upstream = given(0);

/** The metrics of upstreams; a part of the table of metrics. */
export const UPSTREAM_METRICS = {
  mcp_upstream_state: serverOnly(
    gauge(
      'The state of an upstream: 1 for the one that it is in, 0 for the others. When it is removed, its series end',
      {
        upstream,
        state: exactly(UPSTREAM_STATES),
      },
    ),
  ),
  mcp_upstream_fault: serverOnly(
    gauge('Why an upstream is not up: 1 for the fault that its state follows from, 0 for the others', {
      upstream,
      fault: exactly(FAULT_KINDS),
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
    gauge('Tools that an upstream lists and that are not offered, by reason', {
      upstream,
      reason: exactly(DROP_REASONS),
    }),
  ),
  mcp_upstream_definition_changes_total: serverOnly(
    counter('Tools whose definition an upstream changed since it last listed them', {
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

/** Those metrics, for a number of upstreams at most. */
export const upstreamRows = (most: number) =>
  Object.fromEntries(
    Object.entries(UPSTREAM_METRICS).map(([name, row]) => [
      name,
      { ...row, labels: { ...row.labels, upstream: given(most) } },
    ]),
  );

/** The metrics that say more where upstreams are relayed. */
type RelayRows = Readonly<
  Record<
    | 'mcp_tool_calls_total'
    | 'mcp_tool_errors_total'
    | 'mcp_tool_duration_seconds'
    | 'mcp_tool_result_size_bytes'
    | 'http_server_request_duration_seconds',
    Row
  >
>;

/**
 * Those metrics where there are upstreams: they have a route, and `unknown` are also tools that an upstream has and the catalogue
 * does not, whose calls end in any way.
 */
export const relayRows = (rows: RelayRows): RelayRows => ({
  mcp_tool_calls_total: { ...rows.mcp_tool_calls_total, unknownTool: { status: ['success', 'error'] } },
  mcp_tool_errors_total: { ...rows.mcp_tool_errors_total, unknownTool: { reason: REASONS } },
  mcp_tool_duration_seconds: { ...rows.mcp_tool_duration_seconds, unknownTool: {} },
  mcp_tool_result_size_bytes: { ...rows.mcp_tool_result_size_bytes, unknownTool: {} },
  http_server_request_duration_seconds: {
    ...rows.http_server_request_duration_seconds,
    labels: {
      ...rows.http_server_request_duration_seconds.labels,
      http_route: exactly([...HTTP_ROUTES, RELAY_ROUTE]),
      http_request_method: follows('http_route', given(HTTP_OPERATIONS.length + RELAY_SERVED.length)),
    },
  },
});

/** The metrics of finding upstreams in Kubernetes; a part of the table of metrics. */
export const DISCOVERY_METRICS = {
  mcp_discovery_last_sync_timestamp_seconds: serverOnly(
    onUse(
      gauge(
        'When the Kubernetes API last listed the Services, or when the server started if it has not yet, in Unix time',
      ),
    ),
  ),
  mcp_discovery_errors_total: serverOnly(
    counter('Failed requests for Services to the Kubernetes API, by reason', {
      reason: exactly(FAILURE_REASONS),
    }),
  ),
  mcp_discovery_services: serverOnly(
    gauge('Services found, by outcome: upstream, or why they are none', {
      outcome: exactly(SERVICE_OUTCOMES),
    }),
  ),
} as const;
