import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { RuleGroup } from '../source/rules.ts';

/** The generated rule file, which is what the simulations run. */
export const RULE_FILE = fileURLToPath(new URL('../nexus-mcp.rules.yaml', import.meta.url));

const { groups } = parse(readFileSync(RULE_FILE, 'utf8')) as { groups: readonly RuleGroup[] };
const rules = groups.flatMap((group) => group.rules);

/** An alert as results name it. */
interface Alert {
  readonly alert: string;
  readonly severity: string;
}

/** The names of all alerts. */
export const alertNames = (): readonly string[] => [
  ...new Set(rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert]))),
];

/** Whether an alert looks back a day or more: it reads a window or an offset such as `1d`. */
export const needsDays = ({ alert, severity }: Alert): boolean =>
  rules.some(
    (rule) => rule.alert === alert && rule.labels?.['severity'] === severity && /\dd\b/.test(rule.expr),
  );

/** Changes with whatever decides when an alert fires, and not with its texts. */
export function fingerprint(): string {
  const decisive = rules.map(({ record, alert, expr, labels, ...waits }) => [
    record ?? alert,
    expr,
    labels?.['severity'],
    waits.for,
    waits.keep_firing_for,
  ]);
  return createHash('sha256').update(JSON.stringify(decisive)).digest('hex').slice(0, 16);
}
