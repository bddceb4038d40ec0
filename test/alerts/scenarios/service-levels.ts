import { hosts, ofAlert, slowCalls, status } from '../commands.ts';
import { REFUSED } from '../../../src/tools/reasons.ts';
import { info, page, ticket, type Scenario } from '../scenario.ts';
import { counter, once } from '../series.ts';
import { calls, server, tool } from '../server.ts';

const outages = [10, 1, 0.1].flatMap((perSecond) =>
  [15, 30, 60].map((scrapeSeconds): Scenario => ({
    name: `every call begins to fail, at ${perSecond} a second, scraped every ${scrapeSeconds} s`,
    about: ['NexusMCPOutage'],
    scrapeSeconds,
    evaluateSeconds: 30,
    series: server({
      tools: [
        tool(
          'echo',
          calls('success', counter({ perSecond, until: '10m' }, { perSecond: 0 })),
          calls('exception', counter({ perSecond: 0, until: '10m' }, { perSecond })),
        ),
      ],
    }),
    fires: {
      '10m': [],
      '11m': [],
      '13m': [page('NexusMCPOutage'), ...(perSecond < 1 ? [] : [page('NexusMCPErrorBudgetBurn')])],
      '14m30s': [page('NexusMCPOutage'), page('NexusMCPErrorBudgetBurn')],
    },
  })),
);

/** A share of the calls of a steady flow fails for a while. */
const failing = (share: number, from: string, until: string, perSecond = 10) =>
  tool(
    'echo',
    calls(
      'success',
      counter({ perSecond, until: from }, { perSecond: perSecond * (1 - share), until }, { perSecond }),
    ),
    calls(
      'unavailable',
      counter({ perSecond: 0, until: from }, { perSecond: perSecond * share, until }, { perSecond: 0 }),
    ),
  );

const slow = (share: number, from: string, until: string, seconds = 4, perSecond = 10) =>
  tool(
    'echo',
    calls(
      'success',
      counter({ perSecond, until: from }, { perSecond: perSecond * (1 - share), until }, { perSecond }),
    ),
    calls(
      'success',
      counter({ perSecond: 0, until: from }, { perSecond: perSecond * share, until }, { perSecond: 0 }),
      seconds,
    ),
  );

const outage: readonly Scenario[] = [
  ...outages,
  {
    name: 'every call fails after an idle night, once in ten seconds',
    about: ['NexusMCPOutage'],
    evaluateSeconds: 30,
    series: server({
      tools: [tool('echo', calls('timeout', counter({ perSecond: 0, until: '10m' }, { perSecond: 0.1 })))],
    }),
    fires: {
      '11m': [],
      '13m': [page('NexusMCPOutage')],
      '14m30s': [page('NexusMCPOutage'), page('NexusMCPErrorBudgetBurn')],
    },
  },
  ...REFUSED.map((reason): Scenario => ({
    name: `every call fails that is not refused as ${reason}, and twenty times as many are`,
    about: ['NexusMCPOutage', 'NexusMCPErrorBudgetBurn', 'NexusMCPToolErrorRateHigh'],
    evaluateSeconds: 30,
    series: server({
      tools: [
        failing(1, '10m', '30m', 1),
        tool(
          reason === 'unknown_tool' ? 'unknown' : 'add',
          calls(reason, counter({ perSecond: 0, until: '10m' }, { perSecond: 20 })),
        ),
      ],
    }),
    fires: {
      '11m': [],
      '13m': [page('NexusMCPOutage'), page('NexusMCPErrorBudgetBurn')],
      '18m': [
        page('NexusMCPOutage'),
        page('NexusMCPErrorBudgetBurn'),
        ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' }),
      ],
    },
  })),
  {
    name: 'an agent tries one call seven times in an empty night',
    about: ['NexusMCPOutage', 'NexusMCPErrorBudgetBurn'],
    evaluateSeconds: 30,
    scrapeSeconds: 15,
    series: server({ tools: [tool('echo', calls('exception', once('10m', 7)))] }),
    fires: {
      '11m': [],
      '12m': [],
      '14m': [],
      '20m': [ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
    },
  },
  {
    name: 'an outage ends',
    about: ['NexusMCPOutage'],
    evaluateSeconds: 30,
    series: server({ tools: [failing(1, '10m', '17m')] }),
    fires: {
      '16m': [
        page(
          'NexusMCPOutage',
          {},
          {
            says: ({ text, n }) =>
              `100% of the tool calls of ${text} failed through the server's fault in the last 2 minutes: its agents get errors. Most failures of the last 5 minutes: unavailable of echo. At this rate the rest of the 30-day error budget lasts 3h 36m 0s. First: ${status(n)}`,
            dashboard: 'overview',
          },
        ),
        page('NexusMCPErrorBudgetBurn'),
      ],
      '22m': [
        page('NexusMCPOutage'),
        page('NexusMCPErrorBudgetBurn'),
        ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' }),
      ],
      '24m': [page('NexusMCPErrorBudgetBurn'), ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
    },
  },
  {
    name: 'an outage goes on while the process restarts and a scrape fails',
    about: ['NexusMCPOutage'],
    evaluateSeconds: 30,
    series: server({
      tools: [failing(1, '10m', '20m')],
      restarts: ['11m30s'],
      failedScrapes: ['11m'],
    }),
    fires: {
      '11m': [],
      '13m': [page('NexusMCPOutage'), page('NexusMCPErrorBudgetBurn')],
      '16m': [page('NexusMCPOutage'), page('NexusMCPErrorBudgetBurn')],
    },
  },
  {
    name: 'most calls fail, but fewer than in an outage',
    about: ['NexusMCPOutage'],
    series: server({ tools: [failing(0.65, '10m', '20m')] }),
    fires: {
      '18m': [page('NexusMCPErrorBudgetBurn'), ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
    },
  },
  {
    name: 'one of two replicas fails every call',
    about: ['NexusMCPOutage', 'NexusMCPErrorBudgetBurn'],
    series: [
      ...server({ instance: 'a', tools: [failing(0, '10m', '30m')] }),
      ...server({ instance: 'b', tools: [failing(1, '10m', '30m')] }),
    ],
    fires: {
      '11m': [],
      '14m': [page('NexusMCPErrorBudgetBurn')],
      '18m': [page('NexusMCPErrorBudgetBurn'), ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
    },
  },
];

const errorBudget: readonly Scenario[] = [
  {
    name: 'a tenth of the calls fails for two hours',
    about: ['NexusMCPErrorBudgetBurn'],
    scrapeSeconds: 60,
    evaluateSeconds: 120,
    series: server({ tools: [failing(0.1, '6h', '8h')] }),
    fires: {
      '6h': [],
      '6h43m': [],
      // One in ten of all calls of an hour crosses 7.2 % after 43 minutes.
      '6h48m': [page('NexusMCPErrorBudgetBurn')],
      // One page and one ticket, and no more, however many windows burn.
      '8h': [
        page(
          'NexusMCPErrorBudgetBurn',
          {},
          {
            says: ({ text, n }) =>
              `10% of the tool calls of ${text} failed through the server's fault over the last 1h; the objective is that 99.5 % do not. Most failures of the last 5 minutes: unavailable of echo. At this rate the rest of the 30-day error budget lasts 0s. First: ${status(n)}`,
            dashboard: 'overview',
          },
        ),
        ticket(
          'NexusMCPErrorBudgetBurn',
          {},
          {
            says: ({ text, n }) =>
              `2.5% of the tool calls of ${text} failed through the server's fault over the last 1d; the objective is that 99.5 % do not. Most failures of the last 5 minutes: unavailable of echo. At this rate the rest of the 30-day error budget lasts 0s. First: ${status(n)}`,
            dashboard: 'overview',
          },
        ),
        info('NexusMCPErrorBudgetExhausted'),
      ],
      // The page goes when the short window is clean, the ticket later.
      '8h40m': [
        ticket(
          'NexusMCPErrorBudgetBurn',
          {},
          {
            says: ({ text, n }) =>
              `2.308% of the tool calls of ${text} failed through the server's fault over the last 1d; the objective is that 99.5 % do not. None failed in the last 5 minutes. At this rate the rest of the 30-day error budget lasts 0s. First: ${status(n)}`,
            dashboard: 'overview',
          },
        ),
        info('NexusMCPErrorBudgetExhausted'),
      ],
    },
  },
  {
    name: 'two in a hundred calls fail for days',
    about: ['NexusMCPErrorBudgetBurn'],
    scrapeSeconds: 600,
    evaluateSeconds: 1800,
    series: server({ tools: [failing(0.02, '3d', '4d')] }),
    fires: {
      '3d': [],
      '3d17h': [],
      '3d19h': [ticket('NexusMCPErrorBudgetBurn')],
      '4d': [ticket('NexusMCPErrorBudgetBurn')],
      '4d6h': [],
    },
  },
  {
    name: 'four in a thousand calls fail for days, as the objective allows',
    about: ['NexusMCPErrorBudgetBurn', 'NexusMCPErrorBudgetExhausted'],
    scrapeSeconds: 600,
    evaluateSeconds: 1800,
    series: server({ tools: [failing(0.004, '0s', '4d')] }),
    fires: { '6h': [], '1d': [], '2d': [] },
  },
  {
    name: 'four calls fail in an otherwise idle hour',
    about: ['NexusMCPErrorBudgetBurn', 'NexusMCPToolErrorRateHigh', 'NexusMCPErrorBudgetExhausted'],
    evaluateSeconds: 120,
    series: server({
      tools: [tool('echo', calls('exception', once('20m', 3)), calls('exception', once('40m')))],
    }),
    fires: { '30m': [], '50m': [], '3h': [] },
  },
  {
    name: 'the budget of a month is spent in four days',
    about: ['NexusMCPErrorBudgetExhausted'],
    scrapeSeconds: 1800,
    evaluateSeconds: 7200,
    series: server({ tools: [failing(0.02, '10d', '14d')] }),
    fires: {
      '10d': [],
      '13d': [ticket('NexusMCPErrorBudgetBurn')],
      '14d': [
        ticket('NexusMCPErrorBudgetBurn'),
        info(
          'NexusMCPErrorBudgetExhausted',
          {},
          {
            says: ({ text, labels }) =>
              `${text} has -14.29% of its 30-day error budget left (objective 99.5 %). Nobody needs to be woken; hold risky changes until it recovers. First: in Prometheus, because only it remembers 30 days: topk(5, sum by (tool_name, reason) (increase(mcp_tool_errors_total{${ofAlert(labels)}, reason=~"exception|timeout|unavailable|overloaded"}[30d]))) says which tools spent it.`,
            dashboard: 'overview',
          },
        ),
      ],
      '18d': [],
    },
  },
  {
    name: 'a service that has spent its budget is removed',
    about: ['NexusMCPErrorBudgetExhausted'],
    scrapeSeconds: 1800,
    evaluateSeconds: 7200,
    series: server({ tools: [failing(0.02, '1d', '30d')], until: '4d' }),
    fires: {
      '4d': [ticket('NexusMCPErrorBudgetBurn'), info('NexusMCPErrorBudgetExhausted')],
      '5d6h': [],
      '7d12h': [],
    },
  },
  ...['nexus-mcp', 'my-release-nexus-mcp'].map((strict): Scenario => ({
    name: `services have rules of their own in one Prometheus, and ${strict} has the stricter objective`,
    about: ['NexusMCPErrorBudgetExhausted'],
    parameters: ['nexus-mcp', 'my-release-nexus-mcp'].map((job) => ({
      selector: `job="${job}"`,
      availability: { objective: job === strict ? 99.5 : 95 },
    })),
    scrapeSeconds: 600,
    evaluateSeconds: 1800,
    series: server({ tools: [failing(0.02, '0s', '1d')] }),
    fires: {
      '30m': [],
      '12h': [
        ticket('NexusMCPErrorBudgetBurn', { job: strict }),
        info('NexusMCPErrorBudgetExhausted', { job: strict }),
      ],
    },
  })),
];

const latencyBudget: readonly Scenario[] = [
  {
    name: 'most calls become slow',
    about: ['NexusMCPLatencyBudgetBurn'],
    scrapeSeconds: 60,
    evaluateSeconds: 120,
    series: server({ tools: [slow(0.9, '2h', '4h')] }),
    fires: {
      '2h': [],
      // Nine in ten of all calls of a quarter of an hour cross 72 % after 12 minutes.
      '2h12m': [],
      '2h20m': [page('NexusMCPLatencyBudgetBurn')],
      '2h42m': [page('NexusMCPLatencyBudgetBurn'), ticket('NexusMCPLatencyBudgetBurn')],
      '2h54m': [page('NexusMCPLatencyBudgetBurn'), ticket('NexusMCPLatencyBudgetBurn')],
      '4h': [
        page(
          'NexusMCPLatencyBudgetBurn',
          {},
          {
            says: ({ text, n }) =>
              `90% of the tool calls of ${text} took longer than 2.5 s over the last 15m; the objective is that 95 % do not. At this rate a whole 30-day budget lasts 1d 16h 0m 0s. Most time of the last 5 minutes: calls of echo.${hosts(n)} The log says whose calls are slow. First: ${slowCalls(n, '2.5')}`,
            dashboard: 'overview',
          },
        ),
        ticket(
          'NexusMCPLatencyBudgetBurn',
          {},
          {
            says: ({ text, n }) =>
              `45% of the tool calls of ${text} took longer than 2.5 s over the last 1d; the objective is that 95 % do not. At this rate a whole 30-day budget lasts 3d 8h 0m 0s. Most time of the last 5 minutes: calls of echo.${hosts(n)} The log says whose calls are slow. First: ${slowCalls(n, '2.5')}`,
            dashboard: 'overview',
          },
        ),
      ],
      '5h': [ticket('NexusMCPLatencyBudgetBurn')],
    },
  },
  {
    name: 'calls have been slow for an hour and are fast again',
    about: ['NexusMCPLatencyBudgetBurn'],
    scrapeSeconds: 300,
    evaluateSeconds: 1800,
    series: server({ tools: [slow(0.9, '1d', '1d4h')] }),
    fires: { '1d': [], '1d5h': [ticket('NexusMCPLatencyBudgetBurn')], '1d12h': [] },
  },
  {
    name: 'no call takes longer than the threshold',
    about: ['NexusMCPLatencyBudgetBurn'],
    series: server({ tools: [slow(0.99, '10m', '2h', 2.5)] }),
    fires: { '20m': [], '50m': [] },
  },
  {
    name: 'nineteen calls, all slow',
    about: ['NexusMCPLatencyBudgetBurn', 'NexusMCPToolLatencyHigh'],
    series: server({ tools: [tool('echo', calls('success', once('30m', 19), 8))] }),
    fires: { '35m': [], '1h': [], '1h20m': [] },
  },
  {
    name: 'one of two replicas is slow',
    about: ['NexusMCPLatencyBudgetBurn'],
    series: [
      ...server({ instance: 'a', tools: [slow(0, '10m', '1h')] }),
      ...server({ instance: 'b', tools: [slow(0.9, '10m', '1h')] }),
    ],
    fires: { '11m': [], '40m': [page('NexusMCPLatencyBudgetBurn')] },
  },
  {
    name: 'calls are slower than a threshold that is a whole number, whatever Prometheus calls its bucket',
    about: ['NexusMCPLatencyBudgetBurn'],
    parameters: { latency: { thresholdSeconds: 5 } },
    series: server({ tools: [slow(0.9, '10m', '30m', 6)] }),
    fires: {
      '11m': [],
      '28m': [page('NexusMCPLatencyBudgetBurn'), ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' })],
    },
  },
  {
    name: 'calls are faster than a threshold that is a whole number, whatever Prometheus calls its bucket',
    about: ['NexusMCPLatencyBudgetBurn'],
    parameters: { latency: { thresholdSeconds: 5 } },
    series: server({ tools: [slow(0.9, '10m', '30m', 4)] }),
    fires: { '20m': [], '26m': [] },
  },
  {
    name: 'Prometheus 2 becomes Prometheus 3 while calls are fast',
    about: ['NexusMCPLatencyBudgetBurn', 'NexusMCPToolLatencyHigh'],
    parameters: { latency: { thresholdSeconds: 5 } },
    upgraded: '20m',
    series: server({ tools: [slow(0.9, '0s', '1h', 4)] }),
    fires: { '21m': [], '24m': [], '40m': [] },
  },
  {
    name: 'Prometheus 2 becomes Prometheus 3 while calls are slow',
    about: ['NexusMCPLatencyBudgetBurn', 'NexusMCPToolLatencyHigh'],
    parameters: { latency: { thresholdSeconds: 5 } },
    upgraded: '20m',
    series: server({ tools: [slow(0.9, '0s', '1h', 7)] }),
    fires: {
      '19m': [page('NexusMCPLatencyBudgetBurn'), ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' })],
      '24m': [page('NexusMCPLatencyBudgetBurn'), ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' })],
    },
  },
];

export const serviceLevelScenarios: readonly Scenario[] = [...outage, ...errorBudget, ...latencyBudget];
