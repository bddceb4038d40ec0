import type { PeerOutcome } from '../../src/monitoring/metrics/labels.ts';
import { lastLines, metricsHere, TEXT, type Alert } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { all, any, INSTANCE, maxBy, oneOf, PromQL, SERVICE, sumBy } from './promql.ts';

const FIVE_MINUTES = 300;
const TEN_MINUTES = 600;
const QUARTER = 900;

/** Requests of MCP for which there was no place: all sessions are in use. */
export const TURNED_AWAY = 'http_route="/mcp", http_response_status_code="503"';

/** What becomes of messages between replicas that are not to become of them. */
const FAILED: readonly PeerOutcome[] = ['unreachable', 'refused'];

/** Sessions and subscriptions that find no place, and sessions that replicas cannot share. */
export function sessionAlerts(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  // Longer than the window: a burst that is over tells nobody anything.
  const waits = { forSeconds: 600, keepFiringForSeconds: 600 } as const;
  return [
    {
      ...waits,
      name: 'NexusMCPSessionsNearLimit',
      severity: 'warning',
      threshold: 'sessionRatio',
      expr: fullOfSessions(parameters),
      summary: 'The server has too few places for sessions.',
      description: `{{ $labels.instance }} of ${TEXT.service} used ${TEXT.percent} of its places for sessions within the last 5 minutes, and it hurts: new clients are refused, or sessions are evicted and rebuilt again and again. Run the command twice: if the requests that got 503 rise, it is the first; if the evicted and resumed sessions rise, the second. First: ${metricsHere('mcp_active_sessions|mcp_sessions_limit|mcp_sessions_(opened|resumed|closed).* [1-9]|http_server_request_duration_seconds_count.*"/mcp".*"503"')}`,
      dashboard: 'fleet',
    },
    {
      ...waits,
      name: 'NexusMCPSubscriptionsNearLimit',
      severity: 'warning',
      threshold: 'sessionRatio',
      expr: nearLimit(parameters, 'mcp_active_subscriptions', 'mcp_subscriptions_limit'),
      summary: 'The server has little room for more subscriptions.',
      description: `{{ $labels.instance }} of ${TEXT.service} used ${TEXT.percent} of its subscriptions within the last 5 minutes; at the limit new clients are refused. Run the command twice: if the count of subscriptions/listen rises fast, a client listens again and again. First: ${metricsHere('mcp_active_subscriptions|mcp_subscriptions_limit|mcp_requests_total.*subscriptions/listen')}`,
      dashboard: 'fleet',
    },
    {
      name: 'NexusMCPSessionsNotFound',
      severity: 'warning',
      threshold: 'sessionsNotFound',
      // A client that comes back to a session that is too old, or that it has ended, is nobody's fault.
      expr: `${sumBy(`${SERVICE}, reason`, promql.increase('mcp_session_not_found_total', TEN_MINUTES, 'reason!="expired"'))} > ${parameters.sessionsNotFound}`,
      // Longer than the clients of a server with a new key take to come back, each of them once.
      forSeconds: 1800,
      keepFiringForSeconds: 600,
      summary: 'Session ids of clients are refused.',
      description: `${TEXT.service} refused ${TEXT.number} requests in the last 10 minutes for their session id (reason {{ $labels.reason }}), and this goes on. unknown: the replicas have different keys, or no key in common, or the server was restarted without a key file; forged: a proxy changes or cuts the header; other_caller: a session is used with another token. Each instance logs the ids of its keys when it starts: they must be the same. First: ${TEXT.allLogs} | grep session_keys | ${lastLines('time, session_keys')}`,
      dashboard: 'fleet',
    },
    {
      name: 'NexusMCPPeersUnreachable',
      severity: 'warning',
      threshold: 'peersUnreachable',
      // Where a replica is down, that is the trouble, and other alerts tell of it: it still has an address, and is asked.
      expr: `${sumBy(`${SERVICE}, outcome`, promql.increase('mcp_peer_messages_total', QUARTER, oneOf('outcome', FAILED)))} > ${parameters.peersUnreachable}\nunless on (${SERVICE})\n${promql.over('avg', 'up', QUARTER)} < 0.5`,
      // Twice the window: pods that go away in a rollout are asked as long as their address is remembered.
      forSeconds: 2 * QUARTER,
      keepFiringForSeconds: QUARTER,
      summary: 'Replicas cannot pass messages of sessions to one another.',
      description: `${TEXT.number} messages between replicas of ${TEXT.service} failed in the last 15 minutes (outcome {{ $labels.outcome }}), and this goes on: answers of clients to tools that ask them are lost, and cancelled calls run on. unreachable: a network policy or a wrong address; refused: the replicas have different keys. First: ${TEXT.policies}`,
      dashboard: 'fleet',
    },
  ];
}

type Limited =
  | readonly ['mcp_active_sessions', 'mcp_sessions_limit']
  | readonly ['mcp_active_subscriptions', 'mcp_subscriptions_limit'];

/** The share in use of what a server holds at most. */
function nearLimit(parameters: Parameters, ...[active, limit]: Limited): string {
  const promql = new PromQL(parameters);
  // A stdio server has a limit of 1 and is always at it.
  return promql.ofTargets(
    `${promql.over('max', active, FIVE_MINUTES)} / (${promql.over('max', limit, FIVE_MINUTES)} > 1) > ${parameters.sessionRatio}`,
  );
}

/**
 * To be full of sessions that nobody uses does no harm: they give way, and are rebuilt when their clients return. It does
 * where none can give way, and where so many do, and return, that each place changes hands within minutes.
 */
function fullOfSessions(parameters: Parameters): string {
  const promql = new PromQL(parameters);
  const counted = (...about: globalThis.Parameters<PromQL['increase']>): string =>
    sumBy(INSTANCE, promql.increase(...about));
  const turnedAway = counted('http_server_request_duration_seconds_count', FIVE_MINUTES, TURNED_AWAY);
  const evicted = counted('mcp_sessions_closed_total', FIVE_MINUTES, 'reason="evicted"');
  const resumed = counted('mcp_sessions_resumed_total', FIVE_MINUTES);
  const places = maxBy(INSTANCE, promql.over('max', 'mcp_sessions_limit', FIVE_MINUTES));
  const harm = any(`${turnedAway} > 0`, all(`${evicted} > ${places}`, `${resumed} > ${places}`));
  const full = nearLimit(parameters, 'mcp_active_sessions', 'mcp_sessions_limit');
  return `${full}\nand on (${INSTANCE})\n(\n${harm}\n)`;
}
