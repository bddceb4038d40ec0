import { answerOf, HERE, HOSTS, OF_ALERT, TEXT, type Alert } from './alert.ts';
import type { Parameters } from './parameters.ts';
import { any, INSTANCE, maxBy, PromQL, SERVICE, sumBy } from './promql.ts';
import { ALLOWED_ERRORS, ALLOWED_SLOW, recordedOfCalls } from './records.ts';

/** The server is gone, partly gone, invisible, or starts again and again. */
export function targetAlerts(parameters: Parameters): readonly Alert[] {
  return [down, targetDown, metricsMissing, recordsMissing, restarting].map((alert) => alert(parameters));
}

function down(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  const up = maxBy(SERVICE, promql.series('up'));
  // What Prometheus was answered and did not take, as the value: nothing where nobody answered.
  const dropped = `${maxBy(SERVICE, promql.series('scrape_samples_scraped'))} and ${up} == 0`;
  // absent() would drop the labels that routing and inhibition need; what was there an hour ago keeps them.
  const gone = `0 * ${maxBy(SERVICE, promql.over('max', 'up', 3600))} unless ${up}`;
  // What was never there has the labels of the selector; its value is less than that of the others.
  const neverFound = parameters.mustExist ? [`0 - ${promql.over('absent', 'up', 3600)}`] : [];
  return {
    name: 'NexusMCPDown',
    severity: 'critical',
    expr: any(dropped, `${up} == 0`, gone, ...neverFound),
    forSeconds: 180,
    keepFiringForSeconds: 120,
    summary: 'No instance of the server can be scraped.',
    description: `Prometheus has scraped no instance of ${TEXT.service} successfully for 3 minutes: {{ if gt $value 0.0 }}the server answers, and Prometheus drops the ${TEXT.number} samples, because they are more than its sample_limit or cannot be parsed. Agents are probably served, but no other alert works. If it is the limit, raise it (in the chart monitoring.monitor.sampleLimit). First: in Prometheus, because only it knows why: open Status > Target health and read the error of the scrape{{ else if lt $value 0.0 }}it finds no target, and has found none within the last hour. Either it does not select the ServiceMonitor (compare labels and namespaces), or there are no pods. Whether agents get answers is not known, and no other alert works. First: ${TEXT.targets}{{ else }}the server is down, or Prometheus no longer finds it. Perhaps agents get no answers, and no other alert works.${HOSTS} First: ${TEXT.pods}{{ end }}`,
    dashboard: 'fleet',
  };
}

function targetDown(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPTargetDown',
    severity: 'warning',
    // The share of scrapes: an instance that fails every other one is not well either.
    expr: promql.ofTargets(`${promql.over('avg', 'up', 600)} < 0.5`),
    forSeconds: 600,
    keepFiringForSeconds: 300,
    summary: 'An instance of the server cannot be scraped.',
    description: `Only ${TEXT.percent} of the scrapes of {{ $labels.instance }} of ${TEXT.service} succeeded in the last 10 minutes. Either it is down and the other instances carry its load, or it serves and its scrapes are dropped as too large (sample_limit). First: ${TEXT.pods}`,
    dashboard: 'fleet',
  };
}

function metricsMissing(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPMetricsMissing',
    severity: 'warning',
    expr: `(${promql.series('up')} == 1) unless on (${INSTANCE}) ${promql.series('mcp_build_info')}`,
    forSeconds: 600,
    keepFiringForSeconds: 300,
    summary: 'An instance is scraped but exposes none of its metrics.',
    description: `{{ $labels.instance }} of ${TEXT.service} has answered scrapes without mcp_build_info for 10 minutes: its metrics are switched off, or Prometheus scrapes something else. No other alert works for it. First: ${answerOf('/metrics', 'head -5', HERE)}`,
    dashboard: 'fleet',
  };
}

/** What an alert compares with, or reads in place of raw series, is not there: it would be silent. */
function recordsMissing(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  const succeeded = promql.rate('mcp_tool_calls_total', 300, 'status="success"');
  return {
    name: 'NexusMCPRecordsMissing',
    severity: 'warning',
    // Of a service that nobody calls there is nothing but what the objectives allow.
    expr: any(
      `${maxBy(SERVICE, promql.series('up'))}\nunless\n(${ALLOWED_ERRORS} and ${ALLOWED_SLOW})`,
      `${sumBy(SERVICE, succeeded)} > 0\nunless\n(${recordedOfCalls(parameters).join('\nand ')})`,
    ),
    forSeconds: 600,
    keepFiringForSeconds: 300,
    summary: 'Recorded series that alerts read are missing.',
    description: `For 10 minutes at least one of the series nexus_mcp:* of ${TEXT.service} has not been recorded. Alerts that read it, such as those of the error and latency budgets, cannot fire. First: in Prometheus, because only it knows its rules: count by (__name__) ({__name__=~"nexus_mcp:.+", ${OF_ALERT}}) lists the series that there are, and Status > Rule health says which rules of nexus-mcp.ratios and nexus-mcp.budget fail.`,
    dashboard: 'overview',
  };
}

function restarting(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  const changes = `changes(${promql.series('process_start_time_seconds')}[${promql.duration(3600)}])`;
  return {
    name: 'NexusMCPRestarting',
    severity: 'warning',
    threshold: 'restarts',
    expr: promql.ofTargets(`${changes} > ${parameters.restarts}`),
    forSeconds: 300,
    keepFiringForSeconds: 900,
    summary: 'An instance restarts again and again.',
    description: `{{ $labels.instance }} of ${TEXT.service} has started ${TEXT.number} times within an hour; calls in flight are lost each time. First: ${TEXT.lastStates}`,
    dashboard: 'runtime',
  };
}
