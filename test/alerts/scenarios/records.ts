import { ofAlert } from '../commands.ts';
import { recordedOfCalls } from '../../../alerts/source/records.ts';
import { parametersSchema } from '../../../alerts/source/parameters.ts';
import { page, ticket, type Firing, type Scenario } from '../scenario.ts';
import { counter, secondsOf, type Series, type Time } from '../series.ts';
import { calls, server, tool } from '../server.ts';

const healthy = server({ tools: [tool('echo', calls('success', counter({ perSecond: 1 })))] });
const failing = server({ tools: [tool('echo', calls('exception', counter({ perSecond: 1 })))] });

/** What somebody else records of a healthy service, but for a while. */
const recorded = (stops: Time, goesOn: Time): readonly Series[] =>
  recordedOfCalls(parametersSchema.parse({})).map((name) => ({
    name,
    labels: {},
    kind: 'gauge',
    values: ({ samples, scrapeSeconds }) =>
      Array.from({ length: samples }, (_, index) => index * scrapeSeconds).map((seconds) =>
        seconds < secondsOf(stops) || seconds >= secondsOf(goesOn) ? Number(name.includes('allowed')) : '_',
      ),
  }));

const missing: Firing = ticket('NexusMCPRecordsMissing');

/** Series that alerts read are not recorded: no alert is silent for it without a word. */
export const recordScenarios: readonly Scenario[] = [
  {
    name: 'what somebody else records is missing for half an hour',
    about: ['NexusMCPRecordsMissing'],
    unrecorded: /^nexus_mcp:/,
    series: [...healthy, ...recorded('20m', '50m')],
    fires: {
      '20m': [],
      '34m': [],
      '40m': [
        ticket(
          'NexusMCPRecordsMissing',
          {},
          {
            says: ({ text, labels }) =>
              `For 10 minutes at least one of the series nexus_mcp:* of ${text} has not been recorded. Alerts that read it, such as those of the error and latency budgets, cannot fire. First: in Prometheus, because only it knows its rules: count by (__name__) ({__name__=~"nexus_mcp:.+", ${ofAlert(labels)}}) lists the series that there are, and Status > Rule health says which rules of nexus-mcp.ratios and nexus-mcp.budget fail.`,
            dashboard: 'overview',
          },
        ),
      ],
      '54m': [missing],
      '56m': [],
    },
  },
  {
    name: 'what somebody else records is missing for twelve minutes',
    about: ['NexusMCPRecordsMissing'],
    unrecorded: /^nexus_mcp:/,
    series: [...healthy, ...recorded('20m', '32m')],
    fires: { '20m': [], '31m': [], '40m': [] },
  },
  {
    name: 'nothing is recorded, and nothing is called',
    about: ['NexusMCPRecordsMissing'],
    unrecorded: /^nexus_mcp:/,
    series: server(),
    fires: { '9m': [], '11m': [missing] },
  },
  ...[
    /^nexus_mcp:tool_call_slow:ratio_rate3d$/,
    /^nexus_mcp:tool_call_errors:ratio_rate6h$/,
    /:increase1h$/,
  ].map((unrecorded): Scenario => ({
    name: `of what is recorded ${unrecorded.source} is missing`,
    about: ['NexusMCPRecordsMissing'],
    unrecorded,
    series: healthy,
    fires: { '9m': [], '12m': [missing] },
  })),
  {
    name: 'a server has no bucket at the latency of the objective',
    about: ['NexusMCPRecordsMissing'],
    parameters: { durationBuckets: [30, 45], latency: { thresholdSeconds: 30 } },
    series: healthy,
    fires: { '9m': [], '12m': [missing] },
  },
  {
    name: 'what the objective allows is not recorded, and every call fails',
    about: ['NexusMCPRecordsMissing', 'NexusMCPErrorBudgetBurn'],
    unrecorded: /^nexus_mcp:tool_call_errors:allowed_ratio$/,
    series: failing,
    fires: {
      '9m': [page('NexusMCPOutage'), ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
      '12m': [page('NexusMCPOutage'), ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' }), missing],
    },
  },
  {
    name: 'thresholds of single tools are not recorded, and the general ones hold',
    about: ['NexusMCPToolErrorRateHigh', 'NexusMCPToolLatencyHigh'],
    parameters: { tools: { echo: { errorRatio: 0.5, latencySeconds: 9 } } },
    unrecorded: /^nexus_mcp:tool:/,
    series: server({
      tools: [
        tool('clock', calls('success', counter({ perSecond: 40 }))),
        tool(
          'echo',
          calls('success', counter({ perSecond: 0.7 }), 7),
          calls('exception', counter({ perSecond: 0.3 })),
        ),
      ],
    }),
    fires: {
      '4m': [],
      '20m': [
        ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' }),
        ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' }),
      ],
    },
  },
];
