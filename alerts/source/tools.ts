import { ALERT_DEFAULTS } from '../../src/monitoring/alert-defaults.ts';
import {
  HERE,
  mostOf,
  lastLines,
  OF_SERVICE,
  slowCalls,
  statusOf,
  TEXT,
  VERDICT,
  type Alert,
} from './alert.ts';
import type { Parameters } from './parameters.ts';
import { all, bad, INSTANCE, maxBy, PromQL, sumBy, TOOL } from './promql.ts';
import { ALLOWED_TOOL } from './records.ts';

const QUARTER = 900;
const DAY = 86_400;

/** What the status page has of the alert's tool; an answer without tools, such as that it wants a token, as it is. */
const OF_TOOL = `if .activity then [.activity.tools[] | select(.name == "${TEXT.tool}" and .registered) | {calls, errors, calls_since_start}] else . end`;

const FAILURES_OF_TOOL = `if .activity then .verdict.detail, (.activity.tools[] | select(.name == "${TEXT.tool}") | {name, calls, errors, p95_seconds}) else . end`;

/** One tool is broken, slow, stuck or strangely quiet. */
export function toolAlerts(parameters: Parameters): readonly Alert[] {
  return [
    errorRate(parameters),
    alwaysFails(parameters),
    latency(parameters),
    ...stuck(parameters),
    silent(parameters),
  ];
}

/** What each tool may do: its own threshold where one is recorded, and the general one. */
const allowedOf = (setting: keyof typeof ALLOWED_TOOL, tools: string, general: number): string =>
  `(${maxBy(TOOL, ALLOWED_TOOL[setting])} or 0 * ${tools} + ${general})`;

function errorRate(parameters: Parameters): Alert {
  const { toolErrorRatio, minimumBadCalls } = parameters;
  const promql = new PromQL(parameters);
  const errors = sumBy(TOOL, promql.increase('mcp_tool_errors_total', QUARTER, bad(parameters)));
  const total = promql.accepted('increase', TOOL, QUARTER);
  return {
    name: 'NexusMCPToolErrorRateHigh',
    severity: 'warning',
    threshold: 'toolErrorRatio',
    expr: all(
      `${errors} / (${total} > 0) > ${allowedOf('errorRatio', errors, toolErrorRatio)}`,
      `${errors} >= ${minimumBadCalls}`,
    ),
    forSeconds: 300,
    keepFiringForSeconds: 600,
    summary: 'A tool fails too often.',
    description: `${TEXT.percent} of the calls of ${TEXT.tool} on ${TEXT.service} failed through the server's fault in the last 15 minutes. Agents that need the tool are stuck. First: ${statusOf(FAILURES_OF_TOOL, ...mostOf(`sum by (instance, pod) (rate(mcp_tool_errors_total{${OF_SERVICE}, tool_name=%q, ${bad(parameters)}}[5m]))`, '$labels.tool_name'))}`,
    dashboard: 'tools',
  };
}

/** A failure that a tool reports is nobody's fault, until it reports nothing else. */
function alwaysFails(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  const failed = sumBy(TOOL, promql.increase('mcp_tool_errors_total', QUARTER, 'reason="tool_error"'));
  const succeeded = (seconds: number): string =>
    sumBy(TOOL, promql.increase('mcp_tool_calls_total', seconds, 'status="success"'));
  return {
    name: 'NexusMCPToolAlwaysFails',
    severity: 'warning',
    expr: all(
      `${failed} >= ${parameters.minimumCalls}`,
      `${succeeded(QUARTER)} == 0`,
      // One that never worked here is not broken now.
      `${succeeded(DAY)} > 0`,
    ),
    forSeconds: QUARTER,
    keepFiringForSeconds: 600,
    summary: 'A tool that used to work reports nothing but failures.',
    description: `${TEXT.tool} on ${TEXT.service} has answered every call with isError for at least 15 minutes, ${TEXT.number} of them in the last 15; within the last day it succeeded. Agents that need the tool are stuck. Likely: a key of the API it calls has expired, that API has changed, or its callers ask for what does not exist. First: ${TEXT.logs} | grep '"tool":"${TEXT.tool}"' | grep tool_error | ${lastLines('time, caller, client_name')}`,
    dashboard: 'tools',
  };
}

function latency(parameters: Parameters): Alert {
  const { toolLatencySeconds, minimumCalls } = parameters;
  const promql = new PromQL(parameters);
  const buckets = sumBy(`${TOOL}, le`, promql.rate('mcp_tool_duration_seconds_bucket', QUARTER));
  const calls = sumBy(TOOL, promql.increase('mcp_tool_duration_seconds_count', QUARTER));
  return {
    name: 'NexusMCPToolLatencyHigh',
    severity: 'warning',
    threshold: 'toolLatencySeconds',
    expr: all(
      `histogram_quantile(0.95, ${buckets}) > ${allowedOf('latencySeconds', calls, toolLatencySeconds)}`,
      `${calls} >= ${minimumCalls}`,
    ),
    forSeconds: 600,
    keepFiringForSeconds: 600,
    summary: 'A tool is too slow.',
    description: `One in 20 calls of ${TEXT.tool} on ${TEXT.service} took longer than about ${TEXT.duration} in the last 15 minutes. The log says whose calls are slow. First: ${slowCalls(ALERT_DEFAULTS.latencyThresholdSeconds, ` and .tool == "${TEXT.tool}"`)}`,
    dashboard: 'tools',
  };
}

/** A page when an instance finishes nothing at all, a ticket when only one of its tools is stuck. */
function stuck(parameters: Parameters): readonly Alert[] {
  const promql = new PromQL(parameters);
  // The windows are short and the wait is long, so that a new instance has its ten minutes too.
  const inFlight = promql.over('min', 'mcp_tool_calls_in_flight', 180);
  const never = (labels: string): string =>
    promql.ofTargets(
      all(`${sumBy(labels, inFlight)} > 0`, `${promql.accepted('increase', labels, 180)} == 0`),
    );
  const shared = {
    name: 'NexusMCPCallsStuck',
    forSeconds: 600,
    keepFiringForSeconds: 300,
    dashboard: 'tools',
  } as const;
  const status = statusOf(VERDICT, ...HERE);
  return [
    {
      ...shared,
      severity: 'critical',
      expr: never(INSTANCE),
      summary: 'Tool calls are in flight and none finishes.',
      description: `${TEXT.number} calls on {{ $labels.instance }} of ${TEXT.service} have been in flight for 3 minutes or more, and no call has finished: the instance hangs, or a tool may take that long. Their agents wait. No error is counted, because no call ends. The server says which tool's calls do not end, and for how long; look before you restart it. First: ${status}`,
    },
    {
      ...shared,
      severity: 'warning',
      expr: never(`${INSTANCE}, tool_name`),
      summary: 'The calls of a tool are in flight and none finishes.',
      description: `${TEXT.number} calls of ${TEXT.tool} on {{ $labels.instance }} of ${TEXT.service} have been in flight for 3 minutes or more, and none has finished. Their agents wait. The server says for how long. First: ${status}`,
    },
  ];
}

function silent(parameters: Parameters): Alert {
  const promql = new PromQL(parameters);
  const twoHours = promql.increase('mcp_tool_calls_total', 7200, 'status="success"');
  const yesterday = promql.increase('mcp_tool_calls_total', 7200, 'status="success"', DAY);
  return {
    name: 'NexusMCPToolSilent',
    severity: 'info',
    threshold: 'silentToolCalls',
    expr: all(`${sumBy(TOOL, yesterday)} > ${parameters.silentToolCalls}`, `${sumBy(TOOL, twoHours)} == 0`),
    forSeconds: 1800,
    summary: 'A tool that was used at this hour yesterday is not used today.',
    description: `${TEXT.tool} on ${TEXT.service} succeeded ${TEXT.number} times in these two hours yesterday, and not once today. Its clients may be gone, or may use another tool. The server says whether it still offers the tool, and how often it was called in the last 5 minutes and since its start; [] means that it does not offer it. First: ${statusOf(OF_TOOL, `topk(1, up{${OF_SERVICE}})`)}`,
    dashboard: 'tools',
  };
}
