import { allLogs, metrics, policies } from '../commands.ts';
import { ticket, type Scenario } from '../scenario.ts';
import { counter, gauge, once } from '../series.ts';
import { on, server } from '../server.ts';

/** From a time on, until another. */
const between = (from: string, until: string, perSecond: number) =>
  counter({ perSecond: 0, until: from }, { perSecond, until }, { perSecond: 0 });

/** A place for each session is taken: of the 1000 that a server holds. */
const FULL = { mcp_active_sessions: gauge({ is: 1000 }) };

const places: readonly Scenario[] = [
  {
    name: 'all sessions of one of two replicas are in use, and clients are turned away',
    about: ['NexusMCPSessionsNearLimit'],
    series: [
      ...server({
        instance: 'a',
        gauges: {
          mcp_active_sessions: gauge({ is: 500, until: '15m' }, { is: 950, until: '40m' }, { is: 500 }),
        },
        turnedAway: between('15m', '40m', 0.1),
        failedScrapes: ['20m'],
      }),
      ...server({ instance: 'b', gauges: FULL }),
    ],
    fires: {
      '24m': [],
      '27m': [
        ticket('NexusMCPSessionsNearLimit', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} used 95% of its places for sessions within the last 5 minutes, and it hurts: new clients are refused, or sessions are evicted and rebuilt again and again. Run the command twice: if the requests that got 503 rise, it is the first; if the evicted and resumed sessions rise, the second. First: ${metrics(n, 'mcp_active_sessions|mcp_sessions_limit|mcp_sessions_(opened|resumed|closed).* [1-9]|http_server_request_duration_seconds_count.*"/mcp".*"503"')}`,
          dashboard: 'fleet',
        }),
      ],
      '53m': [ticket('NexusMCPSessionsNearLimit', on('a'))],
      '57m': [],
    },
  },
  {
    name: 'sessions give way and come back faster than once in five minutes',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({
      gauges: FULL,
      evicted: between('15m', '40m', 5),
      resumed: between('15m', '40m', 4.5),
    }),
    fires: { '24m': [], '31m': [ticket('NexusMCPSessionsNearLimit', on('a'))], '57m': [] },
  },
  {
    name: 'a server is full of sessions that nobody uses',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({
      gauges: FULL,
      evicted: counter({ perSecond: 1 }),
      resumed: counter({ perSecond: 0.9 }),
    }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'a client opens a session for each call, and comes back to none',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({ gauges: FULL, evicted: counter({ perSecond: 20 }) }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'replicas take up one another’s sessions, and have room',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({
      gauges: { mcp_active_sessions: gauge({ is: 500 }) },
      resumed: counter({ perSecond: 50 }),
    }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'a server that has room turns requests away while it stops',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({
      gauges: { mcp_active_sessions: gauge({ is: 900 }) },
      turnedAway: counter({ perSecond: 1 }),
    }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'a stdio server has its one session',
    about: ['NexusMCPSessionsNearLimit'],
    series: server({
      gauges: { mcp_active_sessions: gauge({ is: 1 }), mcp_sessions_limit: gauge({ is: 1 }) },
    }),
    fires: { '20m': [], '40m': [] },
  },
];

const subscriptions: readonly Scenario[] = [
  {
    name: 'one of two replicas is nearly full of subscriptions',
    about: ['NexusMCPSubscriptionsNearLimit'],
    series: [
      ...server({
        instance: 'a',
        gauges: {
          mcp_active_subscriptions: gauge({ is: 500, until: '15m' }, { is: 950, until: '40m' }, { is: 500 }),
        },
        failedScrapes: ['20m'],
      }),
      ...server({ instance: 'b', gauges: { mcp_active_subscriptions: gauge({ is: 500 }) } }),
    ],
    fires: {
      '24m': [],
      '26m': [
        ticket('NexusMCPSubscriptionsNearLimit', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} used 95% of its subscriptions within the last 5 minutes; at the limit new clients are refused. Run the command twice: if the count of subscriptions/listen rises fast, a client listens again and again. First: ${metrics(n, 'mcp_active_subscriptions|mcp_subscriptions_limit|mcp_requests_total.*subscriptions/listen')}`,
          dashboard: 'fleet',
        }),
      ],
      '53m': [ticket('NexusMCPSubscriptionsNearLimit', on('a'))],
      '57m': [],
    },
  },
  {
    name: 'nine in ten subscriptions are open',
    about: ['NexusMCPSubscriptionsNearLimit'],
    series: server({ gauges: { mcp_active_subscriptions: gauge({ is: 900 }) } }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'a stdio server has its one of subscriptions',
    about: ['NexusMCPSubscriptionsNearLimit'],
    series: server({
      gauges: { mcp_active_subscriptions: gauge({ is: 1 }), mcp_subscriptions_limit: gauge({ is: 1 }) },
    }),
    fires: { '20m': [], '40m': [] },
  },
];

const ids: readonly Scenario[] = [
  {
    name: 'two replicas have different keys',
    about: ['NexusMCPSessionsNotFound'],
    series: ['a', 'b'].flatMap((instance) =>
      server({ instance, notFound: { unknown: between('15m', '1h', 0.5) } }),
    ),
    fires: {
      '30m': [],
      '44m': [],
      '48m': [
        ticket(
          'NexusMCPSessionsNotFound',
          { reason: 'unknown' },
          {
            says: ({ text, n }) =>
              `${text} refused 600 requests in the last 10 minutes for their session id (reason unknown), and this goes on. unknown: the replicas have different keys, or no key in common, or the server was restarted without a key file; forged: a proxy changes or cuts the header; other_caller: a session is used with another token. Each instance logs the ids of its keys when it starts: they must be the same. First: ${allLogs(n)} | grep session_keys | tail -5 | jq -cR 'fromjson? | {time, session_keys}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '1h15m': [ticket('NexusMCPSessionsNotFound', { reason: 'unknown' })],
      '1h25m': [],
    },
  },
  {
    name: 'a deploy with a new key ends sessions that three hundred clients still name',
    about: ['NexusMCPSessionsNotFound'],
    series: [
      ...server({ instance: 'a', until: '15m' }),
      ...server({ instance: 'b', from: '14m', notFound: { unknown: between('15m', '25m', 0.5) } }),
    ],
    fires: { '17m': [], '30m': [], '50m': [] },
  },
  {
    name: 'clients come back to sessions that are too old, or that they have ended',
    about: ['NexusMCPSessionsNotFound'],
    series: server({ notFound: { expired: counter({ perSecond: 1 }) } }),
    fires: { '20m': [], '50m': [] },
  },
  {
    name: 'some ids are refused for each reason',
    about: ['NexusMCPSessionsNotFound'],
    series: server({
      notFound: {
        unknown: counter({ perSecond: 0.02 }),
        forged: counter({ perSecond: 0.02 }),
        other_caller: counter({ perSecond: 0.02 }),
      },
    }),
    fires: { '20m': [], '50m': [] },
  },
];

const peers: readonly Scenario[] = [
  {
    name: 'a network policy keeps two replicas from one another',
    about: ['NexusMCPPeersUnreachable'],
    series: ['a', 'b'].flatMap((instance) =>
      server({ instance, cancellations: { unreachable: between('15m', '1h', 0.01) } }),
    ),
    fires: {
      '30m': [],
      '44m': [],
      '52m': [
        ticket(
          'NexusMCPPeersUnreachable',
          { outcome: 'unreachable' },
          {
            says: ({ text, n }) =>
              `18 messages between replicas of ${text} failed in the last 15 minutes (outcome unreachable), and this goes on: answers of clients to tools that ask them are lost, and cancelled calls run on. unreachable: a network policy or a wrong address; refused: the replicas have different keys. First: ${policies(n)}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '1h25m': [ticket('NexusMCPPeersUnreachable', { outcome: 'unreachable' })],
      '1h35m': [],
    },
  },
  {
    name: 'a replica has a key of its own',
    about: ['NexusMCPPeersUnreachable'],
    series: server({ cancellations: { refused: counter({ perSecond: 0.01 }) } }),
    fires: { '30m': [], '50m': [ticket('NexusMCPPeersUnreachable', { outcome: 'refused' })] },
  },
  {
    name: 'pods that have just gone away in a rollout are asked',
    about: ['NexusMCPPeersUnreachable'],
    series: server({ cancellations: { unreachable: between('15m', '27m', 0.5) } }),
    fires: { '30m': [], '46m': [], '1h': [] },
  },
  {
    name: 'a replica that starts again and again is asked, and is down',
    about: ['NexusMCPPeersUnreachable'],
    series: [
      ...server({ instance: 'a', cancellations: { unreachable: counter({ perSecond: 0.1 }) } }),
      ...server({ instance: 'b', gauges: { up: gauge({ is: 0 }) } }),
    ],
    fires: { '50m': [ticket('NexusMCPTargetDown', on('b'))] },
  },
  {
    name: 'replicas have no use for cancellations of others, and a few messages fail',
    about: ['NexusMCPPeersUnreachable'],
    series: server({
      cancellations: {
        delivered: counter({ perSecond: 1 }),
        not_held: counter({ perSecond: 5 }),
        dropped: counter({ perSecond: 0.1 }),
        unreachable: once('20m', 4),
        refused: once('21m', 4),
      },
    }),
    fires: { '20m': [], '50m': [] },
  },
];

export const sessionScenarios: readonly Scenario[] = [...places, ...subscriptions, ...ids, ...peers];
