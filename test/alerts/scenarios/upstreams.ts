import { allLogs, logs, status } from '../commands.ts';
import { info, ticket, type AlertName, type Firing, type Scenario } from '../scenario.ts';
import { counter, gauge, once, sum, type Time, type Values } from '../series.ts';
import { server } from '../server.ts';

const firing = (alert: AlertName, upstream = 'weather', more: Firing['labels'] = {}): Firing =>
  ticket(alert, { upstream, ...more });

/** So many calls a second, between two times. */
const between = (from: Time, until: Time, perSecond: number): Values =>
  counter({ perSecond: 0, until: from }, { perSecond, until }, { perSecond: 0 });

const isUp = gauge({ is: 1 });

const DOWN = 'NexusMCPUpstreamDown';

const downScenarios: readonly Scenario[] = [
  {
    name: 'an upstream that nobody calls goes down for one of two replicas, and comes back',
    about: [DOWN],
    series: [
      ...server({
        instance: 'a',
        upstreams: {
          weather: { up: gauge({ is: 1, until: '15m' }, { is: 0, until: '40m' }, { is: 1 }) },
          maps: {},
        },
        failedScrapes: ['20m'],
      }),
      ...server({ instance: 'b', upstreams: { weather: {}, maps: {} } }),
    ],
    fires: {
      '15m': [],
      '19m': [],
      '22m': [
        ticket(
          DOWN,
          { upstream: 'weather' },
          {
            says: ({ text, n }) =>
              `Upstream weather of ${text} was up for only 0% of the last 5 minutes, as seen by the instance with the worst connection. Its tools stay listed, if it ever was up, and their calls fail as unavailable or timeout. The server says in which state it is, and why. First: ${status(n, 'if .upstreams then .upstreams[] | select(.name == "weather") else . end')}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '40m': [firing(DOWN)],
      '50m': [],
    },
  },
  {
    name: 'an upstream is restarted, twice',
    about: [DOWN],
    series: server({
      upstreams: {
        weather: {
          up: gauge(
            { is: 1, until: '15m' },
            { is: 0, until: '17m' },
            { is: 1, until: '30m' },
            { is: 0, until: '32m' },
            { is: 1 },
          ),
        },
      },
    }),
    fires: { '18m': [], '25m': [], '33m': [], '40m': [] },
  },
  {
    name: 'pods that could not reach an upstream are replaced by some that can',
    about: [DOWN],
    series: [
      ...server({ instance: 'a', until: '30m', upstreams: { weather: { up: gauge({ is: 0 }) } } }),
      ...server({ instance: 'b', from: '29m', upstreams: { weather: {} } }),
    ],
    fires: { '2m': [], '10m': [firing(DOWN)], '29m': [firing(DOWN)], '45m': [] },
  },
];

const FAILING = 'NexusMCPUpstreamFailing';

const failingScenarios: readonly Scenario[] = [
  {
    name: 'half of the calls sent to an upstream fail in every way, seen by two replicas, and then none',
    about: [FAILING],
    series: ['a', 'b'].flatMap((instance) =>
      server({
        instance,
        upstreams: {
          weather: {
            calls: {
              success: counter({ perSecond: 0.1 }),
              timeout: between('20m', '50m', 0.05),
              unavailable: between('20m', '50m', 0.03),
              '-32603': between('20m', '50m', 0.02),
            },
          },
          maps: { calls: { success: counter({ perSecond: 5 }), timeout: counter({ perSecond: 0.2 }) } },
        },
      }),
    ),
    fires: {
      '20m': [],
      '25m': [],
      '40m': [
        ticket(
          FAILING,
          { upstream: 'weather' },
          {
            says: ({ text, n }) =>
              `50% of the calls that ${text} sent to upstream weather in the last 15 minutes timed out, got no answer, or ended in an internal error of the upstream. Agents that need its tools are stuck. First: ${logs(n)} | grep upstream | grep 'weather' | tail -5 | jq -cR 'fromjson? | {time, msg, tool, reason, why, error: (.err.message? // .err)}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '60m': [firing(FAILING)],
      '1h20m': [],
    },
  },
  {
    name: 'the tools of an upstream say that they failed, it refuses arguments, and clients give up',
    about: [FAILING],
    series: server({
      upstreams: {
        weather: {
          calls: {
            success: counter({ perSecond: 1 }),
            tool_error: counter({ perSecond: 5 }),
            _OTHER: counter({ perSecond: 5 }),
          },
        },
      },
    }),
    fires: { '10m': [], '30m': [], '1h': [] },
  },
  {
    name: 'the only calls sent to an upstream fail, and they are few',
    about: [FAILING],
    series: server({
      upstreams: { weather: { calls: { timeout: sum(once('10m'), once('12m'), once('15m'), once('20m')) } } },
    }),
    fires: { '16m': [], '22m': [], '30m': [] },
  },
  {
    name: 'an upstream fails, and goes down altogether: calls are kept from it then',
    about: [FAILING, DOWN],
    series: server({
      upstreams: {
        weather: {
          up: gauge({ is: 1, until: '40m' }, { is: 0, until: '1h20m' }, { is: 1 }),
          calls: { success: between('0s', '40m', 0.1), unavailable: between('20m', '40m', 0.1) },
        },
      },
    }),
    fires: {
      '20m': [],
      '39m': [firing(FAILING)],
      // It goes on firing, and is inhibited.
      '48m': [firing(FAILING), firing(DOWN)],
      '1h': [firing(DOWN)],
      '1h30m': [],
    },
  },
  {
    name: 'pods are replaced while an upstream fails, and its failures are those of the pods that are gone',
    about: [FAILING],
    series: [
      ...server({
        instance: 'a',
        until: '40m',
        upstreams: {
          weather: {
            calls: { success: counter({ perSecond: 0.1 }), unavailable: counter({ perSecond: 0.1 }) },
          },
        },
      }),
      ...server({
        instance: 'b',
        from: '39m',
        upstreams: { weather: { calls: { success: counter({ perSecond: 0.2 }) } } },
      }),
    ],
    fires: { '4m': [], '20m': [firing(FAILING)], '40m': [firing(FAILING)], '1h10m': [] },
  },
  {
    name: 'a process that calls an upstream in vain starts again and again',
    about: [FAILING],
    series: server({
      restarts: ['20m', '50m'],
      upstreams: {
        weather: {
          up: isUp,
          calls: { success: counter({ perSecond: 0.1 }), timeout: counter({ perSecond: 0.1 }) },
        },
      },
    }),
    fires: { '4m': [], '20m': [firing(FAILING)], '30m': [firing(FAILING)], '1h': [firing(FAILING)] },
  },
];

const DROPPED = 'NexusMCPUpstreamToolsDropped';
const drops = (reason: string): Firing => firing(DROPPED, 'weather', { reason });

const droppedScenarios: readonly Scenario[] = [
  {
    name: 'an upstream has tools whose names are taken, until it has a prefix of its own',
    about: [DROPPED],
    series: ['a', 'b'].flatMap((instance) =>
      server({
        instance,
        upstreams: {
          weather: {
            dropped: {
              collision: gauge({ is: 0, until: '10m' }, { is: 3, until: '50m' }, { is: 0 }),
              excluded: gauge({ is: 7 }),
            },
          },
          maps: {},
        },
      }),
    ),
    fires: {
      '10m': [],
      '24m': [],
      '32m': [
        ticket(
          DROPPED,
          { upstream: 'weather', reason: 'collision' },
          {
            says: ({ text, n }) =>
              `For 5 minutes or more ${text} has left out tools that upstream weather lists: 3 for the reason collision. Agents do not see them. First: ${allLogs(n)} | grep 'tools that are not offered' | grep '"upstream":"weather"' | tail -5 | jq -cR 'fromjson? | {time, dropped, left_out}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '55m': [drops('collision')],
      '1h10m': [],
    },
  },
  {
    name: 'an upstream is deployed with a tool that is none, and deployed again',
    about: [DROPPED],
    series: server({
      upstreams: {
        weather: { dropped: { schema: gauge({ is: 0, until: '10m' }, { is: 1, until: '20m' }, { is: 0 }) } },
      },
      failedScrapes: ['14m'],
    }),
    fires: { '12m': [], '20m': [], '26m': [], '40m': [] },
  },
  {
    name: 'tools of an upstream are left out because the settings say so',
    about: [DROPPED],
    series: server({ upstreams: { weather: { dropped: { excluded: gauge({ is: 5 }) } } } }),
    fires: { '20m': [], '1h': [] },
  },
  {
    name: 'pods that offer too few tools are replaced by some that may offer more',
    about: [DROPPED],
    series: [
      ...server({
        instance: 'a',
        until: '50m',
        upstreams: { weather: { dropped: { limit: gauge({ is: 9 }) } } },
      }),
      ...server({ instance: 'b', from: '49m', upstreams: { weather: {} } }),
    ],
    fires: { '14m': [], '30m': [drops('limit')], '49m': [drops('limit')], '1h10m': [] },
  },
  {
    name: 'a process that leaves out tools starts again, and leaves them out again',
    about: [DROPPED],
    series: server({
      restarts: ['40m'],
      upstreams: {
        weather: {
          // Until it has read the list.
          dropped: { name: gauge({ is: 2, until: '40m' }, { is: 0, until: '41m' }, { is: 2 }) },
        },
      },
    }),
    fires: { '14m': [], '30m': [drops('name')], '42m': [drops('name')], '1h10m': [drops('name')] },
  },
];

const CHANGED = 'NexusMCPUpstreamDefinitionChanged';
const changed = info(CHANGED, { upstream: 'weather' });

const changedScenarios: readonly Scenario[] = [
  {
    name: 'an upstream describes two tools otherwise, as both replicas see it',
    about: [CHANGED],
    series: ['a', 'b'].flatMap((instance) =>
      server({ instance, upstreams: { weather: { definitionChanges: once('20m', 2) }, maps: {} } }),
    ),
    fires: {
      '20m': [],
      '23m': [
        info(
          CHANGED,
          { upstream: 'weather' },
          {
            says: ({ text, n }) =>
              `Upstream weather of ${text} changed the descriptions, schemas or annotations of 2 tools within an hour. Models act on what they read there; whoever approved these tools approved the former text. First: ${allLogs(n)} | grep 'changed the descriptions' | grep '"upstream":"weather"' | tail -5 | jq -cR 'fromjson? | {time, changed_tools}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '1h10m': [changed],
      '1h25m': [],
    },
  },
  {
    name: 'pods are replaced, whose successors find the definitions of an upstream as they are',
    about: [CHANGED],
    series: [
      ...server({
        instance: 'a',
        until: '30m',
        upstreams: { weather: { definitionChanges: counter({ perSecond: 0 }) } },
      }),
      ...server({ instance: 'b', from: '29m', upstreams: { weather: {} } }),
    ],
    fires: { '20m': [], '31m': [], '1h': [] },
  },
  {
    name: 'a pod that saw an upstream describe a tool otherwise is gone, and the next one starts again',
    about: [CHANGED],
    series: [
      ...server({ instance: 'a', until: '30m', upstreams: { weather: { definitionChanges: once('20m') } } }),
      ...server({ instance: 'b', from: '29m', restarts: ['40m'], upstreams: { weather: {} } }),
    ],
    fires: { '20m': [], '25m': [changed], '45m': [changed], '1h25m': [] },
  },
];

/** The other MCP servers whose tools are offered. */
export const upstreamScenarios: readonly Scenario[] = [
  ...downScenarios,
  ...failingScenarios,
  ...droppedScenarios,
  ...changedScenarios,
];
