import { z } from 'zod';
import { COUNTABLE, parametersSchema, SAMPLE_LIMIT } from '../../alerts/source/parameters.ts';
import { count, duration, flag, list, object, text, textMap, triState, webUrl } from './fragments.ts';

/** How Prometheus and Grafana see it. */

const { availability, badReasons, latency, minimumBadCalls, minimumBadCallsToPage, minimumCalls } =
  parametersSchema.parse({});
const windows = [availability, latency].flatMap(({ page, ticket }) => [...page, ...ticket]);
/**
 * What objectives lie between; below it the fastest burn would need more than all calls to fail. The templates hold objectives against
 * it, and not the schema: of bounds Helm says no unit.
 */
export const OBJECTIVES = {
  above: 100 - 100 / Math.max(...windows.map(({ factor }) => factor)),
  below: 100,
};
const objective = z.number();

const monitor = z
  .strictObject({
    enabled: triState.default('auto').describe('true, false, or auto: on if the cluster has the API'),
    kind: z
      .enum(['ServiceMonitor', 'PodMonitor'])
      .default('ServiceMonitor')
      .describe('Kind of the monitor; both give the same series'),
    interval: duration.default('30s').describe('Time between scrapes; the alerts need 30s or less'),
    scrapeTimeout: duration.default('10s').describe('Time a scrape may take; no longer than interval'),
    relabelings: list.default([]).describe('Relabelings of the target, after the one that sets job'),
    jobLabel: text
      .default('')
      .describe(
        'Label of the Service or pod whose value becomes the label job; empty for the full name, which the rules select',
      ),
    sampleLimit: count
      .default(SAMPLE_LIMIT)
      .describe(
        'Most samples of a scrape. Prometheus drops a scrape that has more. The default is enough for 700 tools; 0 for no limit',
      ),
    endpoint: object
      .default({})
      .describe(
        "Further fields of the endpoint, passed on as they are: metricRelabelings, scheme, tlsConfig, authorization and all that the Operator's API knows",
      ),
    spec: object
      .default({ labelValueLengthLimit: 1024 })
      .describe(
        'Further fields of the spec, passed on as they are: podTargetLabels, attachMetadata, scrapeClass, scrapeProtocols, further limits. The rules need classic histograms',
      ),
  })
  .prefault({})
  .describe('A ServiceMonitor or PodMonitor');

const rules = z
  .strictObject({
    enabled: triState.default('auto').describe('true, false, or auto: on if the cluster has the API'),
    recordingRules: flag
      .default(true)
      .describe(
        'Whether to record the series that alerts and dashboards read; false if something else records them, or nothing reads them',
      ),
    alertingRules: flag.default(true).describe('Whether to create alerts'),
    selector: text
      .default('')
      .describe("PromQL matchers of the targets; empty for this release's job and namespace"),
    mustExist: flag
      .default(true)
      .describe(
        'Whether NexusMCPDown also fires if no pod was ever found, or none for more than an hour. This has no effect with a selector, without the monitor of the chart, or if there may be no pods (replicas or keda.minReplicas is 0)',
      ),
    additionalAggregationLabels: z
      .array(z.string().regex(/^[a-zA-Z_]\w*$/, 'must be the name of a label of Prometheus'))
      .default([])
      .describe('Labels that distinguish services, besides cluster, namespace and job'),
    labels: textMap.default({}).describe('Labels of all alerts'),
    badReasons: z
      .array(z.enum(COUNTABLE))
      .min(1)
      .default(badReasons)
      .describe('Reasons of failed calls that count against the objective'),
    availabilityObjective: objective
      .default(availability.objective)
      .describe('Share of calls that must not fail, in percent, over 30 days'),
    latencyObjective: objective
      .default(latency.objective)
      .describe('Share of calls that must be fast, in percent, over 30 days'),
    latencySeconds: z
      .number()
      .positive()
      .default(latency.thresholdSeconds)
      .describe(
        'A call is fast if it takes no longer than this. It must be a bucket of mcp_tool_duration_seconds; there are buckets above 10 if a deadline in config is longer, or if config.metrics.durationBuckets names some',
      ),
    minimumBadCalls: z
      .number()
      .min(1)
      .default(minimumBadCalls)
      .describe('Failed calls that a ticket needs at least'),
    minimumBadCallsToPage: z
      .number()
      .min(1)
      .default(minimumBadCallsToPage)
      .describe('Failed calls that a page needs at least'),
    minimumCalls: z
      .number()
      .min(1)
      .default(minimumCalls)
      .describe('Calls that alerts on latency need at least'),
    runbookUrl: webUrl
      .default('')
      .describe(
        "URL of the folder with the runbooks, for the links in alerts and dashboards. Empty: those of the chart's appVersion on GitHub, which lead nowhere until that version is published. Until then, put alerts/runbooks where your people can read it, and its URL here",
      ),
    extraGroups: list.default([]).describe('Rule groups of your own, copied as they are'),
  })
  .prefault({})
  .describe('A PrometheusRule; single alerts are changed under alerts');

const dashboards = z
  .strictObject({
    enabled: triState.default('auto').describe('auto is on where the cluster has the API of the rules'),
    label: text.min(1).default('grafana_dashboard').describe("Label that Grafana's sidecar looks for"),
    labelValue: text.default('1').describe('Its value'),
    set: z
      .string()
      .regex(
        /^$|^[a-z0-9]([a-z0-9.-]{0,118}[a-z0-9])?$/,
        'must be lower-case letters, digits, - and ., 120 at most',
      )
      .default('')
      .describe(
        'Name of the set of dashboards, in their files, uids, titles and tags; empty for NAMESPACE.FULLNAME, which is unique in the cluster. A release without dashboards may name the set of another release, so that its alerts lead there',
      ),
    folder: text.default('nexus-mcp').describe('Folder, by an annotation; empty for none'),
    folderAnnotation: text.min(1).default('grafana_folder').describe('Name of the annotation for the folder'),
    annotations: textMap.default({}).describe('Annotations'),
    namespace: text.default('').describe('Namespace the sidecar watches; empty for monitoring.namespace'),
    grafanaUrl: webUrl.default('').describe('URL of Grafana. If set, alerts link to the dashboards'),
    grafanaOperator: z
      .strictObject({
        enabled: flag
          .default(false)
          .describe('Whether there are GrafanaDashboard objects for the ConfigMaps'),
        instanceSelector: object.default({}).describe('Labels of the Grafana object; required'),
        allowCrossNamespaceImport: flag.default(true).describe('Whether Grafana may be in another namespace'),
        resyncPeriod: duration.default('10m').describe('Time after which changes made in Grafana are undone'),
        folder: text.default('').describe('Folder; empty for dashboards.folder'),
        folderRef: text.default('').describe('GrafanaFolder, instead of folder'),
      })
      .prefault({})
      .describe('For the Grafana Operator'),
  })
  .prefault({})
  .describe('Dashboards, one ConfigMap each');

export const monitoring = {
  monitoring: z
    .strictObject({
      labels: textMap
        .default({})
        .describe(
          'Labels of monitor, rules and dashboards, by which your Prometheus selects them, such as release',
        ),
      annotations: textMap.default({}).describe('Annotations of monitor and rules'),
      namespace: text
        .default('')
        .describe("Namespace of monitor, rules and dashboards; empty for the release's"),
      apiVersion: text
        .min(1)
        .default('monitoring.coreos.com/v1')
        .describe('API of monitor and rules, such as azmonitoring.coreos.com/v1'),
      failIfMissing: flag
        .default(false)
        .describe('Whether auto is an error if the API is missing; otherwise the object is skipped'),
      scrapeAnnotations: triState
        .default('auto')
        .describe(
          'prometheus.io annotations on pods; auto adds them if there is no monitor. The scrape job must set the label job by which alerts find the pods',
        ),
      monitor,
      rules,
      dashboards,
    })
    .prefault({})
    .describe('Prometheus and Grafana'),
};
