/**
 * Writes the rule file with parameters of one's own: those of a YAML file, in the shape of parameters.ts. A second name
 * says where to, in place of dist/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { ZodError } from 'zod';
import { ruleFile, ruleGroups } from '../alerts/source/rules.ts';
import { readYaml } from '../src/config/read-yaml.ts';

const DEFAULT_TARGET = join(import.meta.dirname, '../dist/nexus-mcp.rules.yaml');

const [path, target = DEFAULT_TARGET] = process.argv.slice(2);
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
  writeFileSync(target, `# Made by make rules ARGS=${parameters}\n${ruleFile(groups)}`);
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  process.stdout.write(
    `${target}: ${alerts.length} alerts; see what promtool check rules says, and load it\n`,
  );
  return [];
}

/** What is wrong with parameters, each with its place. */
function problemsIn({ issues }: ZodError): readonly string[] {
  return issues.flatMap((issue) =>
    (issue.code === 'invalid_key' ? issue.issues : [issue]).map(
      ({ message }) => `${issue.path.join('.') || 'the file'}: ${message}`,
    ),
  );
}
