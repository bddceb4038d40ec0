import { maxBy, SERVICE, TOOL } from '../../../alerts/source/promql.ts';
import type { Panel } from '../dashboard.ts';
import { GOOD, PAGE, PARAMETERS, percent, TICKET, ticketFrom } from '../limits.ts';
import { count, ofOurServices, ours, over, rate, series, sum, TOOL_CHOSEN } from '../queries.ts';
import { INSTANCE_LEGEND, SERVICE_COLUMNS, SERVICE_LEGEND } from '../words.ts';

const FIVE_MINUTES = 300;
const HOUR = 3600;
const DAY = 86_400;

/** What runs, and whether it is all there. */
export const replicas: readonly Panel[] = [
  {
    kind: 'state-timeline',
    title: 'Which instances are up?',
    description:
      'Instances of services that were seen within a day, and whether Prometheus reaches them. Good: green. One red: a ticket after 10 minutes. All red, or lines that end: agents get no answers; `kubectl get pods -l app.kubernetes.io/name=nexus-mcp`.',
    queries: [{ expr: ofOurServices(series('up')), legend: INSTANCE_LEGEND }],
    states: { 0: { text: 'down', color: PAGE }, 1: { text: 'up', color: GOOD } },
    unit: 'none',
    noValue: 'No instance was seen within a day',
    alerts: ['NexusMCPDown', 'NexusMCPTargetDown'],
    width: 10,
  },
  {
    kind: 'table',
    title: 'What runs where?',
    description:
      'Instances by version. Good: one line for each service. Two for longer than a deploy takes: it hangs, or was only partly rolled back.',
    queries: [
      {
        expr: count(series('mcp_build_info'), SERVICE, 'version', 'revision', 'node_version', 'protocol'),
        legend: 'Instances',
      },
    ],
    labels: {
      ...SERVICE_COLUMNS,
      version: 'Version',
      revision: 'Revision',
      node_version: 'Node.js',
      protocol: 'Newest protocol',
    },
    sortBy: 'Instances',
    unit: 'none',
    noValue: 'No instance found',
    width: 14,
  },
  {
    kind: 'timeseries',
    title: 'Do all instances show their metrics?',
    description:
      'Instances that Prometheus reaches, and those of them that say what they run, by service. Good: the same number. Fewer say it: recording is switched off there, or something else answers, and the alerts are blind.',
    queries: [
      { expr: sum(ofOurServices(series('up')), SERVICE), legend: `${SERVICE_LEGEND} reached` },
      {
        expr: count(series('mcp_build_info'), SERVICE),
        legend: `${SERVICE_LEGEND} with metrics`,
      },
    ],
    unit: 'none',
    noValue: 'No instance found',
    alerts: ['NexusMCPMetricsMissing'],
    width: 10,
  },
  {
    kind: 'table',
    title: 'Which tools are offered?',
    description:
      'Tools, and how many instances offer each. Good: all instances offer all. Fewer: a deploy is under way, or configurations differ.',
    queries: [
      {
        expr: count(series('mcp_tool_info', TOOL_CHOSEN), TOOL, 'toolset', 'source', 'isolation'),
        legend: 'Instances',
      },
    ],
    labels: {
      tool_name: 'Tool',
      ...SERVICE_COLUMNS,
      toolset: 'Toolset',
      source: 'Source',
      isolation: 'Isolation',
    },
    sortBy: 'Instances',
    unit: 'none',
    noValue: 'No tools found',
    width: 14,
  },
];

/** Whether monitoring itself is well. */
export const monitoring: readonly Panel[] = [
  {
    kind: 'timeseries',
    title: 'How long does a scrape take?',
    description:
      'The time Prometheus waits for `/metrics`, by instance. Good: a small part of the scrape timeout. Rising with calls: the event loop is late.',
    queries: [{ expr: ours(series('scrape_duration_seconds')), legend: INSTANCE_LEGEND }],
    unit: 's',
    noValue: 'No data',
  },
  {
    kind: 'timeseries',
    title: 'How large is a scrape?',
    description:
      'Series an instance exposes, the most of an hour, and twice as many as any of its service had a day ago. Good: flat; it grows with tools. Above the second line a label grows that should not.',
    queries: [
      {
        expr: ours(over('max', 'scrape_samples_scraped', HOUR)),
        legend: INSTANCE_LEGEND,
      },
      {
        expr: ofOurServices(`2 * ${maxBy(SERVICE, over('max', 'scrape_samples_scraped', HOUR, DAY))}`),
        legend: `${SERVICE_LEGEND} twice a day ago`,
        color: TICKET,
      },
    ],
    unit: 'short',
    noValue: 'No data',
    alerts: ['NexusMCPSeriesGrowing'],
  },
  {
    kind: 'timeseries',
    title: 'How near is a scrape to its limit?',
    description: `Samples of a scrape, as a share of the most that Prometheus takes; those of the server's own metrics now, and at most with its tools. Good: all far below 1. From ${percent(PARAMETERS.sampleRatio)}: a ticket comes. Above 1 Prometheus drops the whole scrape, and the instance looks down. The shares are of ${PARAMETERS.sampleLimit}; another limit has other lines.`,
    queries: [
      {
        expr: ours(
          `${over('max', 'scrape_samples_post_metric_relabeling', FIVE_MINUTES)} / ${PARAMETERS.sampleLimit}`,
        ),
        legend: INSTANCE_LEGEND,
      },
      {
        expr: `${maxBy(SERVICE, series('mcp_metrics_samples'))} / ${PARAMETERS.sampleLimit}`,
        legend: `${SERVICE_LEGEND} own`,
      },
      {
        expr: `${maxBy(SERVICE, series('mcp_metrics_samples_limit'))} / ${PARAMETERS.sampleLimit}`,
        legend: `${SERVICE_LEGEND} own at most`,
      },
    ],
    unit: 'percentunit',
    noValue: 'No data',
    limits: [ticketFrom(PARAMETERS.sampleRatio)],
    alerts: ['NexusMCPSamplesNearLimit'],
  },
  {
    kind: 'timeseries',
    title: 'Do traces arrive?',
    description:
      'Spans a second, by outcome. Good: only `exported`, or none at all where tracing is off. Dropped or failed ones: the collector is slow or cannot be reached; calls do not feel it.',
    queries: [{ expr: sum(rate('mcp_trace_spans_total'), 'outcome'), legend: '{{outcome}}' }],
    unit: 'ops',
    noValue: 'No data',
    stacked: true,
  },
  {
    kind: 'timeseries',
    title: 'Which labels get values nobody declared?',
    description:
      'Values a second of custom metrics and instrumented servers that became `other`. Good: none. A label here needs its new value declared, or a larger bound, or should not be a label.',
    queries: [
      {
        expr: `${sum(rate('mcp_label_values_folded_total'), 'metric', 'label')} > 0`,
        legend: '{{metric}} {{label}}',
      },
    ],
    unit: 'ops',
    noValue: 'None, or no data: see How many instances?',
  },
];
