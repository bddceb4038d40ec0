import { maxBy, SERVICE } from '../../../alerts/source/promql.ts';
import type { Panel } from '../dashboard.ts';
import { GOOD, PARAMETERS, TICKET, ticketFrom } from '../limits.ts';
import { increase, ours, over, quantile, rate, series, sum } from '../queries.ts';
import { INSTANCE_LEGEND, NO_FAILURES, SERVICE_LEGEND } from '../words.ts';

/** As the alerts. */
const FIVE_MINUTES = 300;
const QUARTER = 900;
const HOUR = 3600;

/** What is spoken, and how it is answered. */
export const protocol: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Which protocol revisions are spoken?',
    description:
      'MCP requests a second by protocol revision and transport. Good: old ones fade out; one that nobody speaks any more need not be kept for anybody. `other` is a client that names a revision that does not exist.',
    queries: [
      {
        expr: sum(rate('mcp_requests_total'), 'protocol_version', 'transport'),
        legend: '{{protocol_version}} over {{transport}}',
      },
    ],
    unit: 'reqps',
    noValue: 'No MCP requests in the time shown',
    stacked: true,
  },
  {
    kind: 'timeseries',
    title: 'What do clients ask for?',
    description:
      'MCP requests a second by method. Good: mostly `tools/call`. Many `initialize` or `server/discover`: clients that connect anew for every call.',
    queries: [{ expr: `${sum(rate('mcp_requests_total'), 'method')} > 0`, legend: '{{method}}' }],
    unit: 'reqps',
    noValue: 'No MCP requests in the time shown',
    stacked: true,
  },
  {
    kind: 'timeseries',
    title: 'How long do MCP requests take?',
    description:
      'What 95 % of the requests of each method take less than, all of the server included. Good: `tools/call` as slow as its tools, everything else a few milliseconds. Streams of `subscriptions/listen`, which last as long as clients want, are left out.',
    queries: [
      {
        expr: quantile(0.95, 'mcp_server_operation_duration_seconds_bucket', {
          by: ['mcp_method_name'],
          matching: 'mcp_method_name!="subscriptions/listen"',
          of: ours,
        }),
        legend: '{{mcp_method_name}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No MCP requests in the time shown, or the metric is switched off',
  },
  {
    kind: 'timeseries',
    title: 'How do MCP requests fail?',
    description:
      'MCP requests a second that failed, by method and error type. Good: none. `tool_error` is a call that failed, whoever is at fault; a number is a JSON-RPC error of the server. Malformed requests do not count.',
    queries: [
      {
        expr: `${sum(ours(rate('mcp_server_operation_duration_seconds_count', 'error_type!=""')), 'mcp_method_name', 'error_type')} > 0`,
        legend: '{{mcp_method_name}} {{error_type}}',
      },
    ],
    unit: 'reqps',
    noValue: NO_FAILURES,
  },
  {
    kind: 'timeseries',
    title: 'What does HTTP answer?',
    description:
      'HTTP requests a second by route and status. Good: 200 and 202. 5xx: see why calls fail on the Overview. 401 and 403: credentials. 404 on `/mcp`: sessions that ended.',
    queries: [
      {
        expr: `${sum(ours(rate('http_server_request_duration_seconds_count')), 'http_route', 'http_response_status_code')} > 0`,
        legend: '{{http_route}} {{http_response_status_code}}',
      },
    ],
    unit: 'reqps',
    noValue: 'No HTTP requests in the time shown',
    stacked: true,
  },
  {
    kind: 'timeseries',
    title: 'How long do HTTP requests take?',
    description:
      'What 95 % of the requests of each route take less than. Good: `/metrics` and the probes in milliseconds, whatever the tools do. Streams on `/mcp` count when they end. What takes longer than 10 s is shown as 10 s.',
    queries: [
      {
        expr: quantile(0.95, 'http_server_request_duration_seconds_bucket', { by: ['http_route'], of: ours }),
        legend: '{{http_route}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No HTTP requests in the time shown',
  },
];

/** Who is refused. */
export const refused: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Who comes with bad credentials?',
    description: `Requests refused within 5 minutes, by what was wrong and service. Good: 0. More than ${PARAMETERS.authFailures}: \`unknown_token\` is a token that was rotated on one side, or somebody guesses; \`missing\` a client without one. \`keys_unavailable\` is our fault at any number: an issuer gives no keys.`,
    queries: [
      {
        expr: sum(increase('mcp_auth_failures_total', FIVE_MINUTES), SERVICE, 'reason'),
        legend: `{{reason}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.authFailures)],
    alerts: ['NexusMCPAuthFailures'],
  },
  {
    kind: 'timeseries',
    title: 'Who is turned away?',
    description: `Calls refused within 5 minutes, by service, because the client was over its quota, or may not use the tool. Good: 0. More than ${PARAMETERS.rateLimitedCalls} over quota: an agent loops, or many share one address. Denied ones: an agent that tries what it should not.`,
    queries: [
      {
        expr: sum(increase('mcp_tool_errors_total', FIVE_MINUTES, 'reason="rate_limited"'), SERVICE),
        legend: `over quota ${SERVICE_LEGEND}`,
      },
      {
        expr: sum(increase('mcp_tool_errors_total', FIVE_MINUTES, 'reason="denied"'), SERVICE),
        legend: `denied ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.rateLimitedCalls)],
    alerts: ['NexusMCPClientsRateLimited'],
  },
  {
    kind: 'timeseries',
    title: 'Whose connections are cut?',
    description: `Connections cut or refused within 5 minutes, by reason and service. Good: 0. More than ${PARAMETERS.connectionsCut}: \`too_many\`, all that may be open are; \`buffered\`, too much is kept for clients together; \`stalled\`, a client reads nothing; \`pipelined\`, one sends requests ahead.`,
    queries: [
      {
        expr: sum(increase('http_server_connections_cut_total', FIVE_MINUTES), SERVICE, 'reason'),
        legend: `{{reason}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.connectionsCut)],
    alerts: ['NexusMCPConnectionsCut'],
  },
  {
    kind: 'timeseries',
    title: 'How full is the server of connections?',
    description:
      'Open connections of clients as a share of the most that may be open, by instance. Good: far below 100 %. At 100 % new ones are refused: clients that never hang up, or `server.maxConnections` is too low.',
    queries: [
      {
        expr: ours(
          `${series('http_server_open_connections')} / (${series('http_server_connections_limit')} > 0)`,
        ),
        legend: INSTANCE_LEGEND,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How much is kept for clients?',
    description:
      'Bytes of requests in hand and of answers that clients have not read, by instance. Good: little, and no plateau. At `server.bufferedBytes` the connections with most are cut.',
    queries: [{ expr: ours(series('http_server_buffered_bytes')), legend: INSTANCE_LEGEND }],
    unit: 'bytes',
    noValue: 'No data',
  },
  {
    kind: 'state-timeline',
    title: 'Are the tokens those of the file?',
    description:
      'Whether the tokens in effect are those of `auth.tokensFile`, by instance. Good: green, or no line where there is no such file. Red: the file has changed and cannot be used; new tokens are refused, and those that were taken out are still good. The log says why.',
    queries: [{ expr: ours(series('mcp_token_file_current')), legend: INSTANCE_LEGEND }],
    states: { 0: { text: 'of before', color: TICKET }, 1: { text: 'current', color: GOOD } },
    unit: 'none',
    noValue: 'No data, or no token file',
    alerts: ['NexusMCPTokenFileStale'],
  },
  {
    kind: 'timeseries',
    title: 'How old are the keys that tokens are verified with?',
    description:
      'How long ago an issuer of access tokens last gave its keys, by issuer, at the instance where that is longest ago. Good: under fifteen minutes. At `auth.keysKeptSeconds`, a day if that is not set, its tokens are refused; where an instance has started without keys, already. The panel beside says why.',
    queries: [
      {
        expr: maxBy(`${SERVICE}, issuer`, over('min', 'mcp_auth_keys_age_seconds', FIVE_MINUTES)),
        legend: `{{issuer}} ${SERVICE_LEGEND}`,
      },
    ],
    limits: [ticketFrom(HOUR)],
    unit: 's',
    noValue: 'No data, or no issuers of access tokens',
    alerts: ['NexusMCPAuthKeysStale'],
  },
  {
    kind: 'timeseries',
    title: 'Do issuers give their keys?',
    description:
      'How often issuers of access tokens were asked for their keys within an hour, by outcome. Good: some six an hour for each instance, all `success`. `unreachable`: no answer; `error_status`, `invalid`, `empty`: an answer without keys. The log says what is wrong.',
    queries: [
      {
        expr: `${sum(increase('mcp_auth_key_refreshes_total', HOUR), SERVICE, 'issuer', 'outcome')} > 0`,
        legend: `{{issuer}}: {{outcome}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'none',
    noValue: 'No data, or no issuers of access tokens',
  },
  {
    kind: 'timeseries',
    title: 'Is every decision written down?',
    description:
      'Audit events lost within 15 minutes, and writes of them that failed within 5, by service. Good: 0. `lost`: more waited than there is room for, and those events are gone. `write failed`: tried again until it succeeds; the disk is full, or gone.',
    queries: [
      {
        expr: sum(increase('mcp_audit_events_total', QUARTER, 'outcome="lost"'), SERVICE),
        legend: `lost ${SERVICE_LEGEND}`,
      },
      {
        expr: sum(increase('mcp_audit_write_errors_total', FIVE_MINUTES), SERVICE),
        legend: `write failed ${SERVICE_LEGEND}`,
      },
    ],
    limits: [ticketFrom(0)],
    unit: 'short',
    noValue: 'No data, or no audit events',
    alerts: ['NexusMCPAuditEventsLost'],
  },
];
