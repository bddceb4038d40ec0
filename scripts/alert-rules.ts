/**
 * Writes the rules with parameters of one's own: those of a YAML file, in the shape of parameters.ts. A second name
 * says where to, in place of dist/. With --prometheus-rule they are an object for Prometheus Operator.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { ZodError, type z } from 'zod';
import { parametersSchema } from '../alerts/source/parameters.ts';
import { prometheusRule, ruleFile, ruleGroups } from '../alerts/source/rules.ts';
import { readYaml } from '../src/config/read-yaml.ts';
import { didYouMean } from '../src/tools/near-names.ts';

const FLAG = '--prometheus-rule';
const args = process.argv.slice(2);
const asObject = args.includes(FLAG);
const fileName = asObject ? 'nexus-mcp.prometheusrule.yaml' : 'nexus-mcp.rules.yaml';

const [path, target = join(import.meta.dirname, '../dist', fileName)] = args.filter((each) => each !== FLAG);
const problems =
  path === undefined ? ['name a file of parameters: make rules ARGS=my-alerts.yaml'] : write(path);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 2;

/** Writes the rules for a file of parameters; returns what is wrong with them. */
function write(parameters: string): readonly string[] {
  const file = readYaml(resolve(parameters));
  if (!file.ok) return [file.problem];
  let groups;
  try {
    groups = ruleGroups(file.content ?? {});
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    return problemsIn(error).map((problem) => `${parameters}: ${problem}`);
  }
  mkdirSync(dirname(target), { recursive: true });
  const text = asObject ? prometheusRule(groups) : ruleFile(groups);
  writeFileSync(target, `# Made by make rules from ${parameters}\n${text}`);
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  const next = asObject
    ? 'k8s/README.md shows how to apply it'
    : 'see what promtool check rules says, and load it';
  process.stdout.write(`${target}: ${alerts.length} alerts; ${next}\n`);
  return [];
}

/** What is wrong with parameters, each with its place. */
function problemsIn({ issues }: ZodError): readonly string[] {
  return issues.flatMap((issue) =>
    (issue.code === 'invalid_key' ? issue.issues : [issue]).map(
      ({ message }) => `${issue.path.join('.') || 'the file'}: ${message}${meantBy(issue)}`,
    ),
  );
}

/** Which parameters may be meant by unknown ones: at the place, and what Prometheus calls otherwise. */
function meantBy(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return '';
  const { alerts, ...shape } = parametersSchema.shape;
  const [section, ...below] = issue.path.map(String);
  const ofAlert = Object.keys(alerts.unwrap().valueType.shape);
  const known =
    section === undefined
      ? [...Object.keys(shape), 'alerts']
      : section === 'alerts' && below.length === 1
        ? ofAlert
        : [];
  return didYouMean(issue.keys, known);
}
