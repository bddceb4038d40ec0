import type { Dashboard, Panel, TimeSeries } from './dashboard.ts';
import { GOOD, PAGE, PARAMETERS, TICKET, ticketFrom } from './limits.ts';
import {
  count,
  increase,
  ofOurServices,
  ours,
  over,
  quantile,
  rate,
  series,
  share,
  sum,
  TOOL_CHOSEN,
} from './queries.ts';

const TEN_MINUTES = 600;
const HOUR = 3600;
const DAY = 86_400;

const replicas: readonly Panel[] = [
  {
    kind: 'state-timeline',
    title: 'Which instances are up?',
    description:
      'Instances of services that were seen within a day, and whether Prometheus reaches them. Good: green. One red: a ticket after 10 minutes. All red, or lines that end: agents get no answers; `kubectl get pods -l app.kubernetes.io/name=nexus-mcp`.',
    queries: [{ expr: ofOurServices(series('up')), legend: '{{job}} {{instance}}' }],
    states: { 0: { text: 'down', color: PAGE }, 1: { text: 'up', color: GOOD } },
    unit: 'none',
    noValue: 'No instance was seen within a day',
    alerts: ['NexusMCPDown', 'NexusMCPTargetDown'],
    width: 10,
    height: 8,
  },
  {
    kind: 'table',
    title: 'What runs where?',
    description:
      'Instances by version. Good: one line for each service. Two for longer than a deploy takes: it hangs, or was only partly rolled back.',
    queries: [
      {
        expr: count(
          series('mcp_build_info'),
          'cluster',
          'namespace',
          'job',
          'version',
          'revision',
          'node_version',
          'protocol',
        ),
        legend: 'Instances',
      },
    ],
    labels: {
      cluster: 'Cluster',
      namespace: 'Namespace',
      job: 'Job',
      version: 'Version',
      revision: 'Revision',
      node_version: 'Node.js',
      protocol: 'Newest protocol',
    },
    sortBy: 'Instances',
    unit: 'none',
    noValue: 'No instance found',
    width: 14,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Do all instances show their metrics?',
    description:
      'Instances that Prometheus reaches, and those of them that say what they run, by service. Good: the same number. Fewer say it: recording is switched off there, or something else answers, and the alerts are blind.',
    queries: [
      { expr: sum(ofOurServices(series('up')), 'job', 'namespace'), legend: '{{job}} {{namespace}} reached' },
      {
        expr: count(series('mcp_build_info'), 'job', 'namespace'),
        legend: '{{job}} {{namespace}} with metrics',
      },
    ],
    unit: 'none',
    noValue: 'No instance found',
    alerts: ['NexusMCPMetricsMissing'],
    width: 10,
    height: 8,
  },
  {
    kind: 'table',
    title: 'Which tools are offered?',
    description:
      'Tools, and how many instances offer each. Good: all instances offer all. Fewer: a deploy is under way, or configurations differ.',
    queries: [
      {
        expr: count(series('mcp_tool_info', TOOL_CHOSEN), 'tool_name', 'toolset', 'source', 'isolation'),
        legend: 'Instances',
      },
    ],
    labels: { tool_name: 'Tool', toolset: 'Toolset', source: 'Source', isolation: 'Isolation' },
    sortBy: 'Instances',
    unit: 'none',
    noValue: 'No tools found',
    width: 14,
    height: 8,
  },
];

const protocol: readonly Panel[] = [
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
    width: 8,
    height: 8,
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
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'How long do MCP requests take?',
    description:
      'What 95 % of the requests of each method take less than, all of the server included. Good: `tools/call` as slow as its tools, everything else a few milliseconds.',
    queries: [
      {
        expr: quantile(0.95, 'mcp_server_operation_duration_seconds_bucket', {
          by: ['mcp_method_name'],
          of: ours,
        }),
        legend: '{{mcp_method_name}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No MCP requests in the time shown, or the metric is switched off',
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'How do MCP requests fail?',
    description:
      'MCP requests a second that failed, by method and error type. Good: none. `tool_error` is a tool that failed; a number is a JSON-RPC error: the request itself was wrong.',
    queries: [
      {
        expr: `${sum(ours(rate('mcp_server_operation_duration_seconds_count', 'error_type!=""')), 'mcp_method_name', 'error_type')} > 0`,
        legend: '{{mcp_method_name}} {{error_type}}',
      },
    ],
    unit: 'reqps',
    noValue: 'No MCP request failed in the time shown',
    width: 8,
    height: 8,
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
    width: 8,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'How long do HTTP requests take?',
    description:
      'What 95 % of the requests of each route take less than. Good: `/metrics` and the probes in milliseconds, whatever the tools do. Streams on `/mcp` count when they end.',
    queries: [
      {
        expr: quantile(0.95, 'http_server_request_duration_seconds_bucket', { by: ['http_route'], of: ours }),
        legend: '{{http_route}}',
        exemplars: true,
      },
    ],
    unit: 's',
    noValue: 'No HTTP requests in the time shown',
    width: 8,
    height: 8,
  },
];

const sessions: readonly Panel[] = [
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
    noValue: 'No data',
    width: 8,
    height: 8,
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
    width: 8,
    height: 8,
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
    width: 8,
    height: 8,
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
    description: `Requests within 10 minutes that named a session the server does not have, by instance. Good: 0 but after deploys. More than ${PARAMETERS.sessionsNotFound}: session affinity in front of the replicas is missing, or clients use sessions that ended.`,
    queries: [
      { expr: sum(increase('mcp_session_not_found_total', TEN_MINUTES), 'instance'), legend: '{{instance}}' },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.sessionsNotFound)],
    alerts: ['NexusMCPSessionsNotFound'],
    width: 8,
    height: 8,
  },
];

const refused: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'Who comes with bad credentials?',
    description: `Requests refused within 10 minutes, by what was wrong. Good: 0. More than ${PARAMETERS.authFailures}: \`unknown_token\` is a token that was rotated on one side, or somebody guesses; \`missing\` a client without one.`,
    queries: [
      { expr: sum(increase('mcp_auth_failures_total', TEN_MINUTES), 'reason'), legend: '{{reason}}' },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.authFailures)],
    alerts: ['NexusMCPAuthFailures'],
    width: 12,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'Who is turned away?',
    description: `Calls refused within 10 minutes because the client was over its quota, or may not use the tool. Good: 0. More than ${PARAMETERS.rateLimitedCalls} over quota: an agent loops, or many share one address. Denied ones: an agent that tries what it should not.`,
    queries: [
      {
        expr: sum(increase('mcp_tool_errors_total', TEN_MINUTES, 'reason="rate_limited"')),
        legend: 'over quota',
      },
      { expr: sum(increase('mcp_tool_errors_total', TEN_MINUTES, 'reason="denied"')), legend: 'denied' },
    ],
    unit: 'short',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.rateLimitedCalls)],
    alerts: ['NexusMCPClientsRateLimited'],
    width: 12,
    height: 8,
  },
];

const scrapes: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How long does a scrape take?',
    description:
      'The time Prometheus waits for `/metrics`, by instance. Good: a small part of the scrape timeout. Rising with calls: the event loop is late.',
    queries: [{ expr: ours(series('scrape_duration_seconds')), legend: '{{instance}}' }],
    unit: 's',
    noValue: 'No data',
    width: 12,
    height: 8,
  },
  {
    kind: 'timeseries',
    title: 'How large is a scrape?',
    description:
      'Series an instance exposes, the most of an hour, and twice as many as any of its service had a day ago. Good: flat; it grows with tools. Above the second line a label grows that should not.',
    queries: [
      {
        expr: ours(over('max', 'scrape_samples_scraped', HOUR)),
        legend: '{{instance}}',
      },
      {
        expr: ofOurServices(
          `2 * max by (cluster, namespace, job) (${over('max', 'scrape_samples_scraped', HOUR, DAY)})`,
        ),
        legend: '{{job}} twice a day ago',
        color: TICKET,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    alerts: ['NexusMCPSeriesGrowing'],
    width: 12,
    height: 8,
  },
];

/** All instances, and those who talk to them. */
export const fleet: Dashboard = {
  name: 'fleet',
  title: 'Fleet & protocol',
  answers:
    'Are all instances there and of one version, who speaks which protocol, do sessions add up, who is turned away, and is monitoring itself well?',
  sections: [
    { heading: 'Instances', panels: replicas },
    { heading: 'Protocol', panels: protocol },
    { heading: 'Sessions and subscriptions', panels: sessions },
    { heading: 'Turned away', panels: refused },
    { heading: 'Scrapes', panels: scrapes },
  ],
};

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
    queries: [{ expr: share(over('max', active, 300), series(limit)), legend: '{{instance}}' }],
    unit: 'percentunit',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.sessionRatio)],
    max: 1,
    alerts: [alert],
    width: 8,
    height: 8,
  };
}
