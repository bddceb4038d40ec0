import { INSTANCE, SERVICE } from '../../../alerts/source/promql.ts';
import { TURNED_AWAY } from '../../../alerts/source/sessions.ts';
import type { Panel, TimeSeries } from '../dashboard.ts';
import { PARAMETERS, ticketFrom } from '../limits.ts';
import { increase, ours, over, quantile, rate, series, sum } from '../queries.ts';
import { INSTANCE_LEGEND, SERVICE_LEGEND } from '../words.ts';

const FIVE_MINUTES = 300;
const TEN_MINUTES = 600;
const QUARTER = 900;
const HOUR = 3600;

/** How sessions live, and how much room there is for more. */
export const sessions: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Do sessions add up?',
    description:
      'Sessions opened and resumed less those closed within an hour, and by how much the number of sessions that instances hold changed. Good: the two lines are one. They part where an instance was killed, and what it held with it.',
    queries: [
      {
        expr: `${sum(increase('mcp_sessions_opened_total', HOUR))} + ${sum(increase('mcp_sessions_resumed_total', HOUR))} - ${sum(increase('mcp_sessions_closed_total', HOUR))}`,
        legend: 'opened and resumed less closed',
      },
      { expr: sum(`delta(${series('mcp_active_sessions')}[1h])`), legend: 'change in number' },
    ],
    unit: 'short',
    belowZero: true,
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How do sessions begin and end?',
    description:
      'Sessions a second that are opened and resumed by transport, and closed by reason. Opened are those that began, each counted once. Resumed are those that an instance takes up from another, or again: replicas that share sessions resume many. Good: closed by `client`. Mostly `idle`: clients pause, or go away without ending theirs. `evicted`: they gave their places to others. `expired`: too old. `shutdown`: deploys. After `idle`, `evicted` and `shutdown` clients can go on.',
    queries: [
      { expr: sum(rate('mcp_sessions_opened_total'), 'transport'), legend: 'opened over {{transport}}' },
      { expr: sum(rate('mcp_sessions_resumed_total'), 'transport'), legend: 'resumed over {{transport}}' },
      { expr: `${sum(rate('mcp_sessions_closed_total'), 'reason')} > 0`, legend: 'closed: {{reason}}' },
    ],
    unit: 'ops',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How long are sessions held?',
    description:
      'For how long an instance held half and 95 % of the sessions that it closed. A session that moves counts once in each instance. Good: as long as a conversation. Seconds: clients open one for every call, and pay for it, or places are too few.',
    queries: ([0.5, 0.95] as const).map((q) => ({
      expr: quantile(q, 'mcp_session_duration_seconds_bucket'),
      legend: `${q * 100} %`,
    })),
    unit: 's',
    noValue: 'No session was closed in the time shown',
  },
  {
    kind: 'timeseries',
    title: 'Which revisions hold long sessions?',
    description:
      'For how long half of the sessions that were closed were held at most, by protocol revision; up to 5 minutes, where the buckets of OpenTelemetry end. Good: alike for all. One far shorter: its clients cannot keep theirs.',
    queries: [
      {
        expr: quantile(0.5, 'mcp_server_session_duration_seconds_bucket', {
          by: ['mcp_protocol_version'],
          of: ours,
        }),
        legend: '{{mcp_protocol_version}}',
      },
    ],
    unit: 's',
    noValue: 'No session was closed in the time shown, or the metric is switched off',
  },
  {
    ...room('sessions', 'mcp_active_sessions', 'mcp_sessions_limit'),
    description:
      'The share of the places for sessions that are taken, by instance. Good: below 100 %, or at 100 % while nobody is turned away: a session that is not in use gives its place to a new one, and is rebuilt when its client returns.',
    alerts: ['NexusMCPSessionsNearLimit'],
  },
  {
    kind: 'timeseries',
    title: 'Do sessions find a place?',
    description:
      'Within 5 minutes, by instance: sessions that gave up their places, sessions that were resumed, and requests turned away because all sessions were in use. Good: none turned away. A ticket comes where an instance is full and turns clients away, or gives up and resumes more than it has places: raise `sessions.max`, or add replicas.',
    queries: [
      {
        expr: sum(increase('mcp_sessions_closed_total', FIVE_MINUTES, 'reason="evicted"'), INSTANCE),
        legend: `gave way ${INSTANCE_LEGEND}`,
      },
      {
        expr: sum(increase('mcp_sessions_resumed_total', FIVE_MINUTES), INSTANCE),
        legend: `resumed ${INSTANCE_LEGEND}`,
      },
      {
        expr: sum(
          increase('http_server_request_duration_seconds_count', FIVE_MINUTES, TURNED_AWAY),
          INSTANCE,
        ),
        legend: `turned away ${INSTANCE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    alerts: ['NexusMCPSessionsNearLimit'],
  },
  {
    ...room('subscriptions', 'mcp_active_subscriptions', 'mcp_subscriptions_limit'),
    description: `The share of the limit of subscriptions in use, by instance. Good: below ${PARAMETERS.sessionRatio * 100} %. At the limit new clients are refused: add replicas, raise the limit, or find the client that abandons its own.`,
    limits: [ticketFrom(PARAMETERS.sessionRatio)],
    alerts: ['NexusMCPSubscriptionsNearLimit'],
  },
  {
    kind: 'timeseries',
    title: 'Do requests find their session?',
    description: `Requests within 10 minutes whose session id was refused, by reason and service. Good: 0, but for some \`expired\`: clients that come back to a session that is too old, or that they have ended. More than ${PARAMETERS.sessionsNotFound} for another reason: a ticket comes. \`unknown\`: replicas have different keys, or no key in common; \`forged\`: something changes or cuts the header; \`other_caller\`: a session is used with another token.`,
    queries: [
      {
        expr: sum(increase('mcp_session_not_found_total', TEN_MINUTES), SERVICE, 'reason'),
        legend: `{{reason}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.sessionsNotFound)],
    alerts: ['NexusMCPSessionsNotFound'],
  },
  {
    kind: 'timeseries',
    title: 'Do replicas reach one another?',
    description: `Answers and cancellations that replicas passed to one another within 15 minutes, by outcome. Good: \`delivered\`, and \`not_held\` for cancellations, which all are asked about and one needs. More than ${PARAMETERS.peersUnreachable} \`unreachable\` or \`refused\`, while no replica is down: a ticket comes. \`unreachable\`: a network policy or a wrong address; \`refused\`: different keys; \`dropped\`: too many at once.`,
    queries: [
      {
        expr: sum(increase('mcp_peer_messages_total', QUARTER), SERVICE, 'outcome'),
        legend: `{{outcome}} ${SERVICE_LEGEND}`,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.peersUnreachable)],
    alerts: ['NexusMCPPeersUnreachable'],
  },
];

/** How much of a limit is in use. */
function room(
  what: 'sessions' | 'subscriptions',
  active: 'mcp_active_sessions' | 'mcp_active_subscriptions',
  limit: 'mcp_sessions_limit' | 'mcp_subscriptions_limit',
): Omit<TimeSeries, 'description'> {
  return {
    kind: 'timeseries',
    title: `How much room is there for ${what}?`,
    queries: [
      {
        // A stdio server has a limit of 1 and is always at it.
        expr: `${over('max', active, FIVE_MINUTES)} / (${over('max', limit, FIVE_MINUTES)} > 1)`,
        legend: INSTANCE_LEGEND,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data, or a limit of 1',
    max: 1,
  };
}
