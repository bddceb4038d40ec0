import { stringify } from 'yaml';
import { OF_SERVICE, POD_LABEL, SERVICE_LABELS } from './alert.ts';
import { parametersSchema, type Parameters } from './parameters.ts';
import { bad, SERVICE } from './promql.ts';
import { ALLOWED_TOOL } from './records.ts';
import { alertSet, groupsOf } from './rules.ts';

const defaults = parametersSchema.parse({});

const mark = (name: string): string => `@${name}@`;

/** Numbers that no rule has, in place of those that the chart's values decide: in the text they become marks. */
const STAND_INS = {
  /** What an alert, or a single tool, compares with: no rule has two. */
  threshold: 9_000_001,
  availabilityObjective: 9_000_002,
  latencyObjective: 9_000_003,
  latencySeconds: 9_000_004,
  minimumBadCalls: 9_000_005,
  minimumBadCallsToPage: 9_000_006,
  minimumCalls: 9_000_007,
  sampleLimit: 9_000_008,
} as const;

const { threshold, availabilityObjective, latencyObjective, latencySeconds, ...others } = STAND_INS;

const MARKED: Parameters = {
  ...defaults,
  ...Object.fromEntries(
    alertSet(defaults).flatMap((alert) => (alert.threshold ? [[alert.threshold, threshold]] : [])),
  ),
  ...others,
  availability: { ...defaults.availability, objective: availabilityObjective },
  latency: { ...defaults.latency, objective: latencyObjective, thresholdSeconds: latencySeconds },
  tools: { [mark('tool')]: { errorRatio: threshold, latencySeconds: threshold } },
  selector: mark('selector'),
  runbookBaseUrl: mark('runbookUrl'),
  grafanaBaseUrl: mark('grafanaUrl'),
};

/**
 * The rules with marks where the chart's values go, and what else its template must know: which setting of a tool a
 * record is of, and the condition for a service that must exist.
 */
export function chartRuleFile(): string {
  const existing = rulesOf({ ...MARKED, mustExist: true });
  const groups = rulesOf(MARKED).map((group, at) => ({
    ...group,
    rules: group.rules.map((rule, index) => {
      const mustExist = existing[at]?.rules[index]?.expr;
      const setting = Object.entries(ALLOWED_TOOL).find(([, record]) => record === rule.record)?.[0];
      return {
        ...rule,
        ...(setting !== undefined && { setting }),
        ...(mustExist !== rule.expr && { mustExist }),
      };
    }),
  }));
  const marks: readonly (readonly [found: string, by: string])[] = [
    [`le=~"${latencySeconds}`, `le=~"${mark('latencyBucket')}`],
    ...Object.entries(STAND_INS).map(([name, number]) => [String(number), mark(name)] as const),
    [bad(defaults), `reason=~"${mark('badReasons')}"`],
    [SERVICE, mark('service')],
    [OF_SERVICE, mark('ofService')],
    [SERVICE_LABELS, mark('serviceLabels')],
    [POD_LABEL, mark('podLabels')],
    ['?from=now-3h', `${mark('dashboardSuffix')}?from=now-3h`],
  ];
  return marks.reduce(
    (text, [found, by]) => text.replaceAll(found, by),
    // Each text is a block, in which no value can be read as YAML.
    stringify(
      { groups },
      {
        lineWidth: 0,
        defaultStringType: 'BLOCK_LITERAL',
        defaultKeyType: 'PLAIN',
        aliasDuplicateObjects: false,
      },
    ),
  );
}

const rulesOf = (parameters: Parameters) => groupsOf(parameters, alertSet(parameters));
