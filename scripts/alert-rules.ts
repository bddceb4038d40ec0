/** Writes the rule file with parameters of one's own to dist/: those of a YAML file, in the shape of parameters.ts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { ZodError } from 'zod';
import { ruleFile, ruleGroups } from '../alerts/source/rules.ts';
import { readYaml } from '../src/config/read-yaml.ts';

const DIST = join(import.meta.dirname, '../dist');

const [path] = process.argv.slice(2);
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
  const target = join(DIST, 'nexus-mcp.rules.yaml');
  mkdirSync(DIST, { recursive: true });
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
