import { REASON_MEANINGS } from '../colors.ts';
import { INSTANCE, matchers, TOOL } from '../../../alerts/source/promql.ts';
import type { Panel } from '../dashboard.ts';
import { PAGE, PARAMETERS, ticketFrom } from '../limits.ts';
import { accepted, alertsThat, BAD, increase, rate, sum, TOOL_CHOSEN } from '../queries.ts';
import { failuresByReason } from '../tool-panels.ts';
import { INSTANCE_LEGEND, NO_FAILURES, SERVICE_COLUMNS } from '../words.ts';

const QUARTER = 900;

/** Which tool fails and why, and which alerts say so. */
export const causes: readonly Panel[] = [
  {
    kind: 'table',
    title: 'Which tool fails, and why?',
    description:
      "Failed calls of the last 15 minutes by tool and reason, most first; warm colours count against the objective, cold ones are the callers' own. Good: empty, or cold. Click a tool to look at it alone.\n\n" +
      '- `exception`: a bug; the log has the stack.\n- `timeout`: slower than its deadline.\n- `unavailable`: what it depends on is down.\n- `overloaded`: no place free; see Is it full? below, and Runtime.\n\nShares are of the calls that were not refused, and of what counts against the objective.',
    queries: [
      {
        expr: `${sum(increase('mcp_tool_errors_total', QUARTER, TOOL_CHOSEN), TOOL, 'reason')} > 0`,
        legend: 'Failed calls',
        unit: 'short',
      },
      {
        expr: `${sum(increase('mcp_tool_errors_total', QUARTER, matchers(BAD, TOOL_CHOSEN)), TOOL, 'reason')} / on (${TOOL}) group_left () (${accepted(QUARTER, TOOL, TOOL_CHOSEN)} > 0) > 0`,
        legend: "Share of the tool's calls",
        unit: 'percentunit',
        limits: [ticketFrom(PARAMETERS.toolErrorRatio)],
      },
    ],
    labels: { tool_name: 'Tool', reason: 'Reason', ...SERVICE_COLUMNS },
    meanings: { reason: REASON_MEANINGS },
    sortBy: 'Failed calls',
    alerts: ['NexusMCPToolErrorRateHigh'],
    unit: 'short',
    noValue: NO_FAILURES,
    width: 14,
    height: 9,
  },
  {
    kind: 'state-timeline',
    title: 'Which alerts fire?',
    description:
      'Alerts that wait (yellow) and fire (red) over the time shown. Good: empty. Click one for its runbook.',
    queries: [
      {
        expr: `max by (alertname, severity, ${INSTANCE}, tool_name, reason) (${alertsThat('pending')} or 2 * ${alertsThat('firing')})`,
        legend: `{{alertname}} ({{severity}}) {{tool_name}} {{reason}} ${INSTANCE_LEGEND}`,
      },
    ],
    leadsTo: {
      title: 'Runbook of ${__field.labels.alertname}',
      url: `${PARAMETERS.runbookBaseUrl}/\${__field.labels.alertname}.md`,
    },
    states: { 1: { text: 'waits', color: 'yellow' }, 2: { text: 'fires', color: PAGE } },
    unit: 'none',
    noValue: 'No alert fired, or rules not loaded: see What fires now?',
    width: 10,
    height: 9,
  },
  failuresByReason({
    title: 'Why do calls fail?',
    description:
      "Failed calls a second by reason; warm colours count against the objective, cold ones are the callers' own. Good: cold and few. A step at a deploy (blue line) names the culprit.",
  }),
  {
    kind: 'timeseries',
    title: 'Which tools fail?',
    description:
      "Calls a second that fail through the server's fault, by tool. Good: none. One line: that tool. All lines: something they share. Click a line to look at its tool alone.",
    queries: [
      {
        expr: `${sum(rate('mcp_tool_errors_total', matchers(BAD, TOOL_CHOSEN)), 'tool_name')} > 0`,
        legend: '{{tool_name}}',
      },
    ],
    unit: 'reqps',
    noValue: NO_FAILURES,
    leadsToTool: true,
  },
];
