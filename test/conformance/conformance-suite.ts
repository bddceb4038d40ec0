import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const CLI = fileURLToPath(new URL('../../node_modules/.bin/conformance', import.meta.url));

/** The revisions of MCP for which the suite knows what a server must do. */
export type Revision = '2026-07-28' | '2025-11-25';

interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
}

/** What one run of the suite found. */
export interface Report {
  readonly exitCode: unknown;
  readonly output: string;
  /** The checks of every scenario that ran, by its name. */
  readonly scenarios: ReadonlyMap<string, readonly Check[]>;
}

const baselineOf = (revision: Revision): string =>
  fileURLToPath(new URL(`expected-failures-${revision}.yaml`, import.meta.url));

/** The entries of a revision's list of expected failures: scenarios, or single checks as `scenario:check`. */
export async function expectedFailures(revision: Revision): Promise<readonly string[]> {
  const { server } = parse(await readFile(baselineOf(revision), 'utf8')) as { server: string[] };
  return server;
}

/** Runs the official suite against a server, with a revision's expected failures. */
export async function runSuite(url: string, revision: Revision, flags: readonly string[]): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const baseline = ['--expected-failures', baselineOf(revision), '--output-dir', directory];
    const args = [CLI, 'server', '--url', `${url}/mcp`, ...baseline, ...flags];
    const ended = await new Promise<Pick<Report, 'exitCode' | 'output'>>((resolve) => {
      execFile(process.execPath, args, { maxBuffer: Infinity }, (error, stdout, stderr) => {
        resolve({ exitCode: error ? error.code : 0, output: stdout + stderr });
      });
    });
    return { ...ended, scenarios: await readScenarios(directory) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function readScenarios(directory: string): Promise<Report['scenarios']> {
  const names = await readdir(directory);
  const entries = names.map(async (name): Promise<[string, Check[]]> => {
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '');
    return [scenario, JSON.parse(await readFile(join(directory, name, 'checks.json'), 'utf8')) as Check[]];
  });
  return new Map(await Promise.all(entries));
}

const succeeded = ({ status }: Check): boolean => status === 'SUCCESS';
const failed = ({ status }: Check): boolean => status === 'FAILURE' || status === 'WARNING';

/**
 * What failed or drew a warning, in the words of a list of expected failures: a scenario by its name if the list
 * excuses it as a whole, else each of its checks.
 */
export function failuresOf({ scenarios }: Report, expected: readonly string[]): string[] {
  const failures = [...scenarios].flatMap(([scenario, checks]) =>
    checks.filter(failed).map(({ id }) => (expected.includes(scenario) ? scenario : `${scenario}:${id}`)),
  );
  return [...new Set(failures)];
}

/** A few lines that say what passed and what did not. */
export function summarise(
  revision: Revision,
  { scenarios }: Report,
  failures: readonly string[],
  expected: readonly string[],
): string {
  const passes = [...scenarios.values()].flat().filter(succeeded).length;
  const verdicts = Map.groupBy(scenarios.keys(), (scenario) => {
    const checks = scenarios.get(scenario) ?? [];
    if (failures.includes(scenario)) return 'failed';
    if (checks.some(failed)) return 'passed in part';
    return checks.some(succeeded) ? 'passed' : 'skipped';
  });
  const lines: Record<string, readonly string[]> = {
    passed: verdicts.get('passed') ?? [],
    'passed in part': verdicts.get('passed in part') ?? [],
    skipped: verdicts.get('skipped') ?? [],
    'failed as expected': failures.filter((failure) => expected.includes(failure)),
    'FAILED UNEXPECTEDLY': failures.filter((failure) => !expected.includes(failure)),
    'PASSED UNEXPECTEDLY': expected.filter((entry) => !failures.includes(entry)),
  };
  const shown = Object.entries(lines)
    .filter(([, items]) => items.length > 0)
    .map(([what, items]) => `  ${what} (${items.length}): ${items.join(', ')}\n`);
  const title = `MCP conformance, revision ${revision}: ${scenarios.size} scenarios, ${passes} checks passed\n`;
  return title + shown.join('');
}
