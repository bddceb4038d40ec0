import { allLogs, answer, countedLines, IN_FLIGHT, metrics, status } from '../commands.ts';
import { ticket, type Scenario } from '../scenario.ts';
import { counter, gauge, once, sum } from '../series.ts';
import { calls, on, server, tool } from '../server.ts';

const KEYS_STALE = 'NexusMCPAuthKeysStale';
const AUDIT_LOST = 'NexusMCPAuditEventsLost';
const ISSUER = 'https://idp.example/realms/one';

/** A counter that passes its limit of ten minutes on two replicas together, for a while. */
const flood = counter({ perSecond: 0, until: '15m' }, { perSecond: 0.5, until: '30m' }, { perSecond: 0 });
const onTwo = (about: Omit<NonNullable<Parameters<typeof server>[0]>, 'instance'>) =>
  ['a', 'b'].flatMap((instance) => server({ ...about, instance }));

const healthy = calls('success', counter({ perSecond: 200 }));

export const capacityScenarios: readonly Scenario[] = [
  {
    name: 'calls are refused because the server is full',
    about: ['NexusMCPOverloaded'],
    // One refuses more than the other, and is the one to ask.
    series: (
      [
        ['a', 0.6],
        ['b', 0.4],
      ] as const
    ).flatMap(([instance, perSecond]) =>
      server({
        instance,
        tools: [
          tool(
            'echo',
            calls('success', counter({ perSecond: 20 })),
            calls(
              'overloaded',
              counter({ perSecond: 0, until: '15m' }, { perSecond, until: '30m' }, { perSecond: 0 }),
            ),
          ),
        ],
      }),
    ),
    fires: {
      '15m': [],
      '24m': [],
      '29m': [
        ticket(
          'NexusMCPOverloaded',
          {},
          {
            says: ({ text, n }) =>
              `${text} refused 300 calls as overloaded in 5 minutes, and this goes on: all places or worker threads are taken, and calls that wait get no place in time. First: ${status(n, IN_FLIGHT)}`,
            dashboard: 'overview',
          },
        ),
      ],
      '40m': [ticket('NexusMCPOverloaded')],
      '47m': [],
    },
  },
  {
    name: 'a pod that ends refuses hundreds of calls as it goes',
    about: ['NexusMCPOverloaded'],
    series: onTwo({ tools: [tool('echo', healthy, calls('overloaded', once('20m', 400)))] }),
    fires: { '26m': [], '30m': [] },
  },
  {
    name: 'a few of very many calls are refused because the server is full',
    about: ['NexusMCPOverloaded'],
    series: onTwo({
      tools: [tool('echo', healthy, calls('overloaded', counter({ perSecond: 1 })))],
    }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'clients exceed their quota',
    about: ['NexusMCPClientsRateLimited'],
    series: onTwo({ tools: [tool('echo', healthy, calls('rate_limited', flood))] }),
    fires: {
      '15m': [],
      '24m': [],
      '27m': [
        ticket(
          'NexusMCPClientsRateLimited',
          {},
          {
            says: ({ text, n }) =>
              `${text} refused 300 calls in 5 minutes from clients over their quota, and this goes on: an agent loops, many clients share one address, or the quota is too small. First: ${countedLines(n, '.reason == "rate_limited" and .event == null', '.tool, .caller, .client_name')}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '40m': [ticket('NexusMCPClientsRateLimited')],
      '47m': [],
    },
  },
  {
    name: 'clients exceed their quota now and then',
    about: ['NexusMCPClientsRateLimited'],
    series: onTwo({ tools: [tool('echo', healthy, calls('rate_limited', once('20m', 40)))] }),
    fires: { '26m': [], '30m': [] },
  },
  {
    name: 'requests come with an unknown token',
    about: ['NexusMCPAuthFailures'],
    series: onTwo({ authFailures: { unknown_token: flood } }),
    fires: {
      '15m': [],
      '24m': [],
      '27m': [
        ticket(
          'NexusMCPAuthFailures',
          { reason: 'unknown_token' },
          {
            says: ({ text, n }) =>
              `${text} refused 300 requests in 5 minutes for their credentials (reason unknown_token), and this goes on: a token was rotated on one side only, or somebody guesses tokens. The audit events say from where, in the log or in audit.file, if audit.enabled is set; if not, the access log of the proxy in front does. First: ${countedLines(n, '.auth_failure', '.auth_failure, .address, .path, .caller')}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '40m': [ticket('NexusMCPAuthFailures', { reason: 'unknown_token' })],
      '47m': [],
    },
  },
  {
    name: 'some requests come without credentials, some with bad ones',
    about: ['NexusMCPAuthFailures'],
    series: onTwo({
      authFailures: { missing: once('20m', 8), malformed: once('20m', 8), unknown_token: once('21m', 8) },
    }),
    fires: { '26m': [], '30m': [] },
  },
  {
    name: 'clients leave their answers unread',
    about: ['NexusMCPConnectionsCut'],
    series: onTwo({ connectionsCut: { stalled: flood } }),
    fires: {
      '15m': [],
      '24m': [],
      '27m': [
        ticket(
          'NexusMCPConnectionsCut',
          { reason: 'stalled' },
          {
            says: ({ text, n }) =>
              `${text} cut or refused 300 connections in 5 minutes (reason stalled), and this goes on: clients do not read their answers, or open more connections than the server allows. First: ${countedLines(n, '.address and .reason == "stalled"', '.reason, .address')}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '40m': [ticket('NexusMCPConnectionsCut', { reason: 'stalled' })],
      '47m': [],
    },
  },
  {
    name: 'some connections are cut for each reason',
    about: ['NexusMCPConnectionsCut'],
    series: onTwo({
      connectionsCut: { stalled: once('20m', 8), buffered: once('20m', 8), too_many: once('21m', 8) },
    }),
    fires: { '26m': [], '30m': [] },
  },
  {
    name: 'the token file is spoilt on one of two replicas, and mended',
    about: ['NexusMCPTokenFileStale'],
    series: [
      ...server({
        instance: 'a',
        gauges: {
          mcp_token_file_current: gauge({ is: 1, until: '15m' }, { is: 0, until: '40m' }, { is: 1 }),
        },
        failedScrapes: ['22m'],
      }),
      ...server({ instance: 'b' }),
    ],
    fires: {
      '15m': [],
      '23m': [],
      '26m': [
        ticket('NexusMCPTokenFileStale', on('a'), {
          says: ({ text, n }) =>
            `For 5 minutes or more a:9999 of ${text} has used old tokens, because it cannot read its changed token file: new tokens are refused, and removed tokens still work. The log says once what is wrong with it; step 2 of the runbook has it said again. First: ${status(n, '.token_file // .')}`,
          dashboard: 'fleet',
        }),
      ],
      '44m': [ticket('NexusMCPTokenFileStale', on('a'))],
      '47m': [],
    },
  },
  {
    name: 'the token file is mended within minutes, twice',
    about: ['NexusMCPTokenFileStale'],
    series: server({
      gauges: {
        mcp_token_file_current: gauge(
          { is: 1, until: '15m' },
          { is: 0, until: '23m' },
          { is: 1, until: '24m' },
          { is: 0, until: '32m' },
          { is: 1 },
        ),
      },
    }),
    fires: { '22m': [], '28m': [], '33m': [], '40m': [] },
  },
  {
    name: 'a server has no token file',
    about: ['NexusMCPTokenFileStale'],
    series: server({ without: ['mcp_token_file_current'] }),
    fires: { '20m': [], '40m': [] },
  },
  {
    name: 'an issuer gives its keys no more to one of two replicas, and then again',
    about: [KEYS_STALE],
    series: [
      ...server({
        instance: 'a',
        issuers: {
          [ISSUER]: { from: '10m', until: '90m' },
          'https://other.example': { from: '3h', until: '3h' },
        },
        failedScrapes: ['78m'],
      }),
      ...server({ instance: 'b', issuers: { [ISSUER]: { from: '3h', until: '3h' } } }),
    ],
    fires: {
      '60m': [],
      '75m': [],
      '81m': [
        ticket(
          KEYS_STALE,
          { issuer: ISSUER },
          {
            says: ({ text, n }) =>
              `An instance of ${text} last got the keys of ${ISSUER} 1h 6m 30s ago; it asks every few minutes. Old keys are used for auth.keysKeptSeconds (default: a day), then every token of this issuer is refused; an instance that starts meanwhile refuses them at once. First: ${allLogs(n)} | grep 'issuer does not give' | tail -5 | jq -cR 'fromjson? | {time, issuer, outcome, why}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '89m': [ticket(KEYS_STALE, { issuer: ISSUER })],
      '100m': [],
    },
  },
  {
    name: 'one of two replicas has never reached an issuer, and refuses its tokens once there are some',
    about: [KEYS_STALE, 'NexusMCPAuthFailures'],
    series: [
      ...server({
        instance: 'a',
        issuers: {
          [ISSUER]: { from: '0s', until: '40m' },
          'https://other.example': { from: '3h', until: '3h' },
        },
        authFailures: {
          keys_unavailable: counter(
            { perSecond: 0, until: '10m' },
            { perSecond: 0.5, until: '40m' },
            { perSecond: 0 },
          ),
        },
      }),
      ...server({ instance: 'b', issuers: { [ISSUER]: { from: '3h', until: '3h' } } }),
    ],
    fires: {
      '12m': [],
      '15m30s': [
        ticket(
          KEYS_STALE,
          { issuer: ISSUER },
          {
            says: ({ text, n }) =>
              `Tokens of ${ISSUER} are refused now, with 503: an instance of ${text} has no keys to verify them with, and has fetched none within 10 minutes. First: ${allLogs(n)} | grep 'issuer does not give' | tail -5 | jq -cR 'fromjson? | {time, issuer, outcome, why}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '30m': [ticket(KEYS_STALE, { issuer: ISSUER })],
      '47m': [],
    },
  },
  {
    name: 'an issuer answers two minutes after the start, or has no tokens that could be refused',
    about: [KEYS_STALE, 'NexusMCPAuthFailures'],
    series: [
      ...server({
        instance: 'a',
        issuers: { [ISSUER]: { from: '0s', until: '2m' } },
        authFailures: { keys_unavailable: counter({ perSecond: 1, until: '2m' }, { perSecond: 0 }) },
      }),
      ...server({ instance: 'b', issuers: { [ISSUER]: { from: '0s', until: '50m' } } }),
    ],
    fires: { '4m': [], '5m': [], '8m': [], '40m': [] },
  },
  {
    name: 'an issuer is away for most of an hour, twice, and one server has no issuers',
    about: [KEYS_STALE],
    series: [
      ...server({ instance: 'a', issuers: { [ISSUER]: { from: '10m', until: '60m' } } }),
      ...server({ instance: 'b', issuers: { [ISSUER]: { from: '80m', until: '2h10m' } } }),
      ...server({ instance: 'c' }),
    ],
    fires: { '59m': [], '1h10m': [], '2h9m': [] },
  },
  {
    name: 'the disk of the audit file is full for a while, and in the end events are lost',
    about: [AUDIT_LOST],
    series: [
      ...server({
        instance: 'a',
        audit: {
          failed: counter({ perSecond: 0, until: '10m' }, { perSecond: 1, until: '40m' }, { perSecond: 0 }),
          lost: counter({ perSecond: 0, until: '30m' }, { perSecond: 5, until: '40m' }, { perSecond: 0 }),
        },
      }),
      ...server({ instance: 'b', audit: {} }),
    ],
    fires: {
      '14m': [],
      '17m': [
        ticket(
          AUDIT_LOST,
          {},
          {
            says: ({ text, n }) =>
              `${text} has lost audit events in the last 15 minutes, or has not been able to write any for 5. Where audit.file is set, its disk is full, gone or too slow. Where it is not, nobody reads the log. 4 MiB of events wait to be written; those after them are lost. Calls go on. First: ${allLogs(n)} | grep 'audit events' | tail -5 | jq -cR 'fromjson? | {time, msg, error: (.err.message? // .err)}'`,
            dashboard: 'fleet',
          },
        ),
      ],
      '50m': [ticket(AUDIT_LOST)],
      '65m': [],
    },
  },
  {
    name: 'audit events are lost for a moment, because the disk is slow',
    about: [AUDIT_LOST],
    series: server({ audit: { lost: once('20m', 30) } }),
    fires: { '19m': [], '27m': [ticket(AUDIT_LOST)], '45m': [] },
  },
  {
    name: 'a write of audit events fails now and then, and succeeds when it is tried again',
    about: [AUDIT_LOST],
    series: server({ audit: { failed: sum(once('20m', 1), once('35m', 1)) } }),
    fires: { '23m': [], '26m': [], '41m': [] },
  },
  {
    name: 'a scrape becomes three times as large',
    about: ['NexusMCPSeriesGrowing'],
    scrapeSeconds: 300,
    evaluateSeconds: 1200,
    series: server({
      gauges: {
        scrape_samples_scraped: gauge({ is: 3000, until: '26h' }, { is: 9000, until: '28h' }, { is: 3000 }),
      },
    }),
    fires: {
      '26h20m': [],
      '27h': [
        ticket('NexusMCPSeriesGrowing', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} exposes 9000 series, more than twice as many as any instance a day ago. Either there are new tools, or a label has too many values. First: ${answer(n, '/metrics')} | grep -v '^#' | sed '/^[{]/!s/[{ ].*//' | sort | uniq -c | sort -rn | head`,
          dashboard: 'fleet',
        }),
      ],
      '30h': [],
    },
  },
  {
    name: 'a scrape becomes larger in pods that a deploy has just made',
    about: ['NexusMCPSeriesGrowing'],
    scrapeSeconds: 300,
    evaluateSeconds: 1200,
    series: [
      ...server({ instance: 'a', until: '26h', gauges: { scrape_samples_scraped: gauge({ is: 3000 }) } }),
      ...server({
        instance: 'b',
        from: '26h',
        gauges: { scrape_samples_scraped: gauge({ is: 3000, until: '27h' }, { is: 9000 }) },
      }),
    ],
    fires: { '27h': [], '28h': [ticket('NexusMCPSeriesGrowing', on('b'))] },
  },
  {
    name: 'a scrape becomes three times as large, and is still small',
    about: ['NexusMCPSeriesGrowing'],
    scrapeSeconds: 300,
    evaluateSeconds: 1200,
    series: server({ gauges: { scrape_samples_scraped: gauge({ is: 900, until: '25h' }, { is: 2700 }) } }),
    fires: { '26h': [], '28h': [] },
  },
  {
    name: 'the scrapes of one of two replicas come near what Prometheus takes',
    about: ['NexusMCPSamplesNearLimit'],
    series: [
      ...server({
        instance: 'a',
        gauges: {
          scrape_samples_post_metric_relabeling: gauge(
            { is: 20_000, until: '15m' },
            { is: 85_000, until: '50m' },
            { is: 20_000 },
          ),
        },
        failedScrapes: ['22m'],
      }),
      ...server({ instance: 'b' }),
    ],
    fires: {
      '15m': [],
      '24m': [],
      '27m': [
        ticket('NexusMCPSamplesNearLimit', on('a'), {
          says: ({ text, n }) =>
            `A scrape of a:9999 of ${text} has had 85% of the samples that Prometheus accepts in one scrape, within the last 5 minutes. Above the limit Prometheus drops the whole scrape: the instance looks down, and no alert works for it. The server says how many samples there are now and can be at most; raise the limit (sample_limit; in the chart monitoring.monitor.sampleLimit) above the most. First: ${metrics(n, 'mcp_metrics_samples')}`,
          dashboard: 'fleet',
        }),
      ],
      '55m': [ticket('NexusMCPSamplesNearLimit', on('a'))],
      '1h10m': [],
    },
  },
  {
    name: 'a scrape is large, with room for more',
    about: ['NexusMCPSamplesNearLimit'],
    series: server({ gauges: { scrape_samples_post_metric_relabeling: gauge({ is: 79_000 }) } }),
    fires: { '20m': [], '40m': [] },
  },
];
