import { TEXT, type Alert } from './alert.ts';
import type { RuleParameters } from './parameters.ts';
import { any, INSTANCE, maxBy, PromQL, SERVICE } from './promql.ts';

/** The server is gone, partly gone, invisible, or starts again and again. */
export function targetAlerts(parameters: RuleParameters): readonly Alert[] {
  return [down(parameters), targetDown(parameters), metricsMissing(parameters), restarting(parameters)];
}

function down(parameters: RuleParameters): Alert {
  const promql = new PromQL(parameters);
  const up = maxBy(SERVICE, promql.series('up'));
  // What Prometheus was answered and did not take, as the value: nothing where nobody answered.
  const dropped = `${maxBy(SERVICE, promql.series('scrape_samples_scraped'))} and ${up} == 0`;
  // absent() would drop the labels that routing and inhibition need; what was there an hour ago keeps them.
  const gone = `0 * ${maxBy(SERVICE, promql.over('max', 'up', 3600))} unless ${up}`;
  // What was never there has the labels of the selector.
  const neverFound = parameters.mustExist ? [promql.over('absent', 'up', 3600)] : [];
  return {
    name: 'NexusMCPDown',
    severity: 'critical',
    expr: any(dropped, `${up} == 0`, gone, ...neverFound),
    forSeconds: 180,
    keepFiringForSeconds: 120,
    summary: 'No instance of the server can be scraped.',
    description: `Prometheus has scraped no instance of ${TEXT.service} with success for 3 minutes: {{ if gt $value 0.0 }}it is answered, and drops the answer of ${TEXT.number} samples, because that is more than its sample_limit or cannot be read. Agents are probably served, but no other alert can see anything. First: raise the limit (in the chart monitoring.monitor.sampleLimit){{ else }}it is down, or Prometheus no longer finds it. Agents probably get no answers, and no other alert can see anything. First: ${TEXT.pods}{{ end }}`,
    dashboard: 'fleet',
  };
}

function targetDown(parameters: RuleParameters): Alert {
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPTargetDown',
    severity: 'warning',
    // The share of scrapes: an instance that fails every other one is not well either.
    expr: promql.ofTargets(`${promql.over('avg', 'up', 600)} < 0.5`),
    forSeconds: 600,
    keepFiringForSeconds: 300,
    summary: 'An instance of the server cannot be scraped.',
    description: `Only ${TEXT.percent} of the scrapes of {{ $labels.instance }} of ${TEXT.service} succeeded in the last 10 minutes. The other instances carry its load; or the scrapes are dropped as too large (sample_limit), and it serves. First: ${TEXT.pods}`,
    dashboard: 'fleet',
  };
}

function metricsMissing(parameters: RuleParameters): Alert {
  const promql = new PromQL(parameters);
  return {
    name: 'NexusMCPMetricsMissing',
    severity: 'warning',
    expr: `(${promql.series('up')} == 1) unless on (${INSTANCE}) ${promql.series('mcp_build_info')}`,
    forSeconds: 600,
    keepFiringForSeconds: 300,
    summary: 'An instance is scraped but exposes none of its metrics.',
    description: `{{ $labels.instance }} of ${TEXT.service} has answered scrapes without mcp_build_info for 10 minutes: recording is switched off, or Prometheus scrapes something else. All other alerts are blind for it. First: curl -s http://{{ $labels.instance }}/metrics | head`,
    dashboard: 'fleet',
  };
}

function restarting(parameters: RuleParameters): Alert {
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
    description: `{{ $labels.instance }} of ${TEXT.service} has started ${TEXT.number} times within an hour; calls in flight are lost each time. First: kubectl {{ with $labels.namespace }}-n {{ . }} {{ end }}describe pods -l app.kubernetes.io/name=nexus-mcp | grep -A5 'Last State'`,
    dashboard: 'runtime',
  };
}
