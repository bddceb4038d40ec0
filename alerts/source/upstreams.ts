import { TEXT, type Alert } from './alert.ts';
import type { RuleParameters } from './parameters.ts';
import { PromQL, SERVICE } from './promql.ts';

const FIVE_MINUTES = 300;

/** The other MCP servers whose tools are offered. */
export function upstreamAlerts(parameters: RuleParameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  const isUp = promql.series('mcp_upstream_state', 'state="up"');
  // The share of the time: one that comes and goes is not well either.
  const inTime = `avg_over_time(${isUp}[${promql.duration(FIVE_MINUTES)}])`;
  const share = `min by (${SERVICE}, upstream) (\n${promql.ofTargets(inTime)}\n)`;
  return [
    {
      name: 'NexusMCPUpstreamDown',
      severity: 'warning',
      expr: `${share} < 0.5`,
      forSeconds: 180,
      keepFiringForSeconds: 300,
      summary: 'An upstream is not up, whether anybody calls it or not.',
      description: `Upstream {{ $labels.upstream }} of ${TEXT.service} was up for only ${TEXT.percent} of the last 5 minutes, seen from the instance that reaches it worst. Its tools stay listed, and their calls fail as unavailable. First: ${TEXT.allLogs} | grep 'upstream is' | tail -5`,
      dashboard: 'fleet',
    },
  ];
}
