import { stringify } from 'yaml';
import type { Alert } from './alert.ts';
import type { Mark } from './amount.ts';
import { parametersSchema, type RuleParameters, type ThresholdName } from './parameters.ts';
import { SERVICE } from './promql.ts';
import { alertSet, groupsOf, type Rule } from './rules.ts';

const defaults = parametersSchema.parse({});

/** The numbers that alerts compare with, by the alert. */
export const thresholds = (): readonly {
  readonly name: Alert['name'];
  readonly threshold: ThresholdName;
}[] =>
  alertSet(defaults).flatMap(({ name, threshold }) => (threshold === undefined ? [] : [{ name, threshold }]));

const mark = (name: string): Mark => `@${name}@`;

/** Numbers that the chart has no value for. */
const FIXED: readonly string[] = ['timeScale', 'overloadedRatio'];

/** Marks for all that the chart's values decide. Two reasons, so that their matcher is a pattern. */
const MARKED: RuleParameters = {
  ...defaults,
  ...(Object.fromEntries(
    (Object.keys(defaults) as (keyof typeof defaults)[])
      .filter((name) => typeof defaults[name] === 'number' && !FIXED.includes(name))
      .map((name) => [name, mark(name)]),
  ) as Record<ThresholdName, Mark>),
  selector: mark('selector'),
  badReasons: [mark('reason'), mark('reason')],
  availability: { ...defaults.availability, objective: mark('availability.objective') },
  latency: {
    ...defaults.latency,
    objective: mark('latency.objective'),
    thresholdSeconds: mark('latency.thresholdSeconds'),
  },
  runbookBaseUrl: mark('runbookUrl'),
  grafanaBaseUrl: mark('grafanaUrl'),
};

/** The thresholds that single tools may have: a setting of theirs, in place of an alert's own. */
const OF_TOOLS = { toolErrorRatio: 'errorRatio', toolLatencySeconds: 'latencySeconds' } as const;

/**
 * The rules with marks where the chart's values go, and what else its template must know: which threshold an alert
 * compares with, its condition for tools that have a threshold of their own, and for a service that must exist.
 */
export function chartRuleFile(): string {
  const alerts = alertSet(MARKED);
  const groups = groupsOf(MARKED, alerts).map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, ...extrasOf(rule, alerts) })),
  }));
  return stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false })
    .replaceAll('reason=~"@reason@|@reason@"', mark('badReasons'))
    .replaceAll(SERVICE, mark('service'))
    .replaceAll('app.kubernetes.io/name=nexus-mcp', `app.kubernetes.io/name=${mark('name')}`);
}

/** The alerts of a service that must exist; in the order of the others. */
const EXISTING = alertSet({ ...MARKED, mustExist: true });

function extrasOf({ alert, expr }: Rule, alerts: readonly Alert[]): Record<string, unknown> {
  const found = alerts.find((some) => some.name === alert && some.expr === expr);
  if (!found) return {};
  const mustExist = EXISTING[alerts.indexOf(found)]?.expr;
  const setting = OF_TOOLS[found.threshold as keyof typeof OF_TOOLS] as string | undefined;
  return {
    ...(mustExist !== expr && { mustExist }),
    ...(found.threshold !== undefined && { threshold: found.threshold }),
    ...(setting !== undefined && { tools: { setting, ...conditionsByTool(found.name, setting) } }),
  };
}

/** The condition for the tools without a threshold of their own, and for one with. */
function conditionsByTool(name: string, setting: string): { readonly rest: string; readonly own: string } {
  const tools = { [mark('tool')]: { [setting]: mark('limit') } };
  const expr = alertSet({ ...MARKED, tools }).find((alert) => alert.name === name)?.expr ?? '';
  const [rest = '', own = ''] = expr.split('\nor\n');
  return { rest, own };
}
