import { SERVICE } from '../../../alerts/source/promql.ts';
import type { Panel, TimeSeries } from '../dashboard.ts';
import { PARAMETERS, ticketFrom } from '../limits.ts';
import { increase, ours, over, quantile, rate, series, sum } from '../queries.ts';
import { INSTANCE_LEGEND, SERVICE_LEGEND } from '../words.ts';

const TEN_MINUTES = 600;
const HOUR = 3600;

/** How sessions live, and how much room there is for more. */
export const sessions: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Do sessions add up?',
    description:
      'Sessions opened less sessions closed within an hour, and by how much the number of sessions changed. Good: the two lines are one. They part where an instance was killed, and its sessions with it.',
    queries: [
      {
        expr: `${sum(increase('mcp_sessions_opened_total', HOUR))} - ${sum(increase('mcp_sessions_closed_total', HOUR))}`,
        legend: 'opened less closed',
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
      'Sessions a second that are opened by transport, and closed by reason. Good: closed by `client`. Mostly `idle`: clients go away without ending theirs. `shutdown`: deploys.',
    queries: [
      { expr: sum(rate('mcp_sessions_opened_total'), 'transport'), legend: 'opened over {{transport}}' },
      { expr: `${sum(rate('mcp_sessions_closed_total'), 'reason')} > 0`, legend: 'closed: {{reason}}' },
    ],
    unit: 'ops',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How long do sessions last?',
    description:
      'What half and 95 % of the sessions that ended lasted less than. Good: as long as a conversation. Seconds: clients open one for every call, and pay for it.',
    queries: ([0.5, 0.95] as const).map((q) => ({
      expr: quantile(q, 'mcp_session_duration_seconds_bucket'),
      legend: `${q * 100} %`,
    })),
    unit: 's',
    noValue: 'No session ended in the time shown',
  },
  {
    kind: 'timeseries',
    title: 'Which revisions hold long sessions?',
    description:
      'What half of the sessions that ended lasted less than, by protocol revision; up to 5 minutes, where the buckets of OpenTelemetry end. Good: alike for all. One far shorter: its clients cannot keep theirs.',
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
    noValue: 'No session ended in the time shown, or the metric is switched off',
  },
  nearLimit('sessions', 'mcp_active_sessions', 'mcp_sessions_limit', 'NexusMCPSessionsNearLimit'),
  nearLimit(
    'subscriptions',
    'mcp_active_subscriptions',
    'mcp_subscriptions_limit',
    'NexusMCPSubscriptionsNearLimit',
  ),
  {
    kind: 'timeseries',
    title: 'Do requests find their session?',
    description: `Requests within 10 minutes that named a session the server does not have, by service. Good: 0 but after deploys. More than ${PARAMETERS.sessionsNotFound}: session affinity in front of the replicas is missing, or clients use sessions that ended.`,
    queries: [
      {
        expr: sum(increase('mcp_session_not_found_total', TEN_MINUTES), SERVICE),
        legend: SERVICE_LEGEND,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.sessionsNotFound)],
    alerts: ['NexusMCPSessionsNotFound'],
  },
];

function nearLimit(
  what: 'sessions' | 'subscriptions',
  active: 'mcp_active_sessions' | 'mcp_active_subscriptions',
  limit: 'mcp_sessions_limit' | 'mcp_subscriptions_limit',
  alert: `NexusMCP${string}`,
): TimeSeries {
  return {
    kind: 'timeseries',
    title: `How much room is there for ${what}?`,
    description: `The share of the limit of ${what} in use, by instance. Good: below ${PARAMETERS.sessionRatio * 100} %. At the limit new clients are refused: add replicas, raise the limit, or find the client that abandons its own.`,
    queries: [
      {
        // A stdio server has a limit of 1 and is always at it.
        expr: `${over('max', active, 300)} / (${over('max', limit, 300)} > 1)`,
        legend: INSTANCE_LEGEND,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data, or a limit of 1',
    limits: [ticketFrom(PARAMETERS.sessionRatio)],
    max: 1,
    alerts: [alert],
  };
}
