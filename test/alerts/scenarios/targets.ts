import { answer, hosts, lastStates, pods } from '../commands.ts';
import { page, ticket, type Scenario } from '../scenario.ts';
import { gauge } from '../series.ts';
import { on, server } from '../server.ts';

const down = (...times: readonly { is: 0 | 1; until?: string }[]) => ({
  up: gauge(...times),
  scrape_samples_scraped: gauge(...times.map(({ is, ...time }) => ({ is: is * 1200, ...time }))),
});

export const targetScenarios: readonly Scenario[] = [
  {
    name: 'no instance answers a scrape for a while',
    about: ['NexusMCPDown', 'NexusMCPTargetDown'],
    evaluateSeconds: 30,
    series: ['a', 'b'].flatMap((instance) =>
      server({ instance, gauges: down({ is: 1, until: '10m' }, { is: 0, until: '30m' }, { is: 1 }) }),
    ),
    fires: {
      '10m': [],
      '12m30s': [],
      '14m': [
        page(
          'NexusMCPDown',
          {},
          {
            says: ({ text, n }) =>
              `Prometheus has scraped no instance of ${text} successfully for 3 minutes: the server is down, or Prometheus no longer finds it. Perhaps agents get no answers, and no other alert works.${hosts(n)} First: ${pods(n)}`,
            dashboard: 'fleet',
          },
        ),
      ],
      '24m': [page('NexusMCPDown')],
      '27m': [
        page('NexusMCPDown'),
        ...['a', 'b'].map((instance) =>
          ticket('NexusMCPTargetDown', on(instance), {
            says: ({ text, n }) =>
              `Only 0% of the scrapes of ${instance}:9999 of ${text} succeeded in the last 10 minutes. Either it is down and the other instances carry its load, or it serves and its scrapes are dropped as too large (sample_limit). First: ${pods(n)}`,
            dashboard: 'fleet',
          }),
        ),
      ],
      '38m': [ticket('NexusMCPTargetDown', on('a')), ticket('NexusMCPTargetDown', on('b'))],
      '42m': [],
    },
  },
  {
    name: 'Prometheus drops the scrapes of every instance as too large',
    about: ['NexusMCPDown'],
    evaluateSeconds: 30,
    series: ['a', 'b'].flatMap((instance) =>
      server({
        instance,
        gauges: {
          up: gauge({ is: 1, until: '10m' }, { is: 0 }),
          scrape_samples_scraped: gauge({ is: 90_000, until: '10m' }, { is: 120_000 }),
        },
      }),
    ),
    fires: {
      '12m30s': [],
      '14m': [
        page(
          'NexusMCPDown',
          {},
          {
            says: ({ text }) =>
              `Prometheus has scraped no instance of ${text} successfully for 3 minutes: the server answers, and Prometheus drops the 120000 samples, because they are more than its sample_limit or cannot be parsed. Agents are probably served, but no other alert works. If it is the limit, raise it (in the chart monitoring.monitor.sampleLimit). First: in Prometheus, because only it knows why: open Status > Target health and read the error of the scrape`,
            dashboard: 'fleet',
          },
        ),
      ],
    },
  },
  {
    name: 'one of two instances does not answer',
    about: ['NexusMCPDown', 'NexusMCPTargetDown'],
    series: [
      ...server({ instance: 'a' }),
      ...server({ instance: 'b', gauges: down({ is: 1, until: '10m' }, { is: 0 }) }),
    ],
    fires: { '14m': [], '24m': [], '27m': [ticket('NexusMCPTargetDown', on('b'))] },
  },
  {
    name: 'one of two instances answers every third scrape',
    about: ['NexusMCPTargetDown'],
    series: [
      ...server({ instance: 'a' }),
      ...server({
        instance: 'b',
        failedScrapes: Array.from({ length: 80 }, (_, index) => index)
          .filter((index) => index % 3 > 0)
          .map((index) => `${600 + index * 30}s`),
      }),
    ],
    fires: { '14m': [], '35m': [ticket('NexusMCPTargetDown', on('b'))] },
  },
  {
    name: 'Prometheus no longer finds any instance, and forgets them after an hour',
    about: ['NexusMCPDown'],
    series: server({ until: '10m' }),
    fires: {
      '10m': [],
      '12m': [],
      '14m': [page('NexusMCPDown')],
      '1h8m': [page('NexusMCPDown')],
      '1h20m': [],
    },
  },
  {
    name: 'every instance is away for two minutes',
    about: ['NexusMCPDown', 'NexusMCPTargetDown'],
    evaluateSeconds: 30,
    series: [...server({ instance: 'a', until: '10m' }), ...server({ instance: 'b', from: '12m' })],
    fires: { '11m30s': [], '12m30s': [], '20m': [] },
  },
  {
    name: 'an instance answers without the metrics',
    about: ['NexusMCPMetricsMissing'],
    series: [...server({ instance: 'a', without: ['mcp_build_info'] }), ...server({ instance: 'b' })],
    fires: {
      '9m': [],
      '11m': [
        ticket('NexusMCPMetricsMissing', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} has answered scrapes without mcp_build_info for 10 minutes: its metrics are switched off, or Prometheus scrapes something else. No other alert works for it. First: ${answer(n, '/metrics')} | head -5`,
          dashboard: 'fleet',
        }),
      ],
    },
  },
  {
    name: 'an instance is replaced by one with metrics',
    about: ['NexusMCPMetricsMissing'],
    series: [
      ...server({ instance: 'a', without: ['mcp_build_info'], until: '20m' }),
      ...server({ instance: 'b', from: '20m' }),
    ],
    fires: { '19m': [ticket('NexusMCPMetricsMissing', on('a'))], '26m': [] },
  },
  {
    name: 'an instance that cannot be scraped has no metrics either',
    about: ['NexusMCPMetricsMissing'],
    series: server({ failedScrapes: ['10m', '10m30s', '11m', '11m30s'] }),
    fires: { '11m': [], '12m': [], '22m': [] },
  },
  {
    name: 'a process starts again every ten minutes for an hour',
    about: ['NexusMCPRestarting'],
    series: [
      ...server({ instance: 'a', restarts: ['10m', '20m', '30m', '40m'] }),
      ...server({ instance: 'b' }),
    ],
    fires: {
      '40m': [],
      '44m': [],
      '46m': [
        ticket('NexusMCPRestarting', on('a'), {
          says: ({ text, n }) =>
            `a:9999 of ${text} has started 4 times within an hour; calls in flight are lost each time. First: ${lastStates(n)}`,
          dashboard: 'runtime',
        }),
      ],
      '1h24m': [ticket('NexusMCPRestarting', on('a'))],
      '1h28m': [],
    },
  },
  {
    name: 'a process starts three times in an hour',
    about: ['NexusMCPRestarting'],
    series: server({ restarts: ['10m', '20m', '30m', '1h15m'] }),
    fires: { '36m': [], '1h': [], '1h25m': [] },
  },
];
