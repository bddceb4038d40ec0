import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROMETHEUS_IMAGE } from '../../test/integration/images.ts';
import { RULE_FILE } from './rules.ts';
import type { InputSeries } from './target.ts';

/** Its heap is small and its garbage plenty: collecting rarely makes it faster. */
const ENVIRONMENT = { GOGC: '1000', GOMEMLIMIT: '1GiB' };

const PART_EVALUATIONS = 60;

/** Series that promtool plays through the rules, and what to ask at the end. */
export interface Simulation {
  /** Between scrapes, and between evaluations of the rules. */
  readonly stepSeconds: number;
  readonly series: Iterable<InputSeries>;
  /** What to ask of each part of the time; promtool loads only few samples for a query. */
  readonly query: (range: string) => string;
  /** The time to ask about, in seconds since the first scrape. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** One element of a query's result. */
export interface Result {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Runs the promtool of the Prometheus that the tests use; it sees the directory, if there is one. */
function promtool(args: readonly string[], directory?: string): Promise<string> {
  const variables = Object.entries(ENVIRONMENT).map(([name, value]) => `--env=${name}=${value}`);
  const child = spawn(
    'docker',
    [
      ...['run', '--rm', '--network', 'none', ...variables],
      ...(directory === undefined ? [] : ['--volume', `${directory}:${directory}:ro`]),
      ...['--entrypoint', '/bin/promtool', PROMETHEUS_IMAGE, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', () => {
      resolve(output);
    });
  });
}

/** Which promtool it is: `promtool 3.5.3`. */
export async function engineVersion(): Promise<string> {
  const output = await promtool(['--version']);
  const version = /version ([\d.]+)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`promtool does not say which it is: ${output}`);
  return `promtool ${version}`;
}

/** Plays the series through the generated rule file and returns what the query finds in each part of the time. */
export async function simulate(simulation: Simulation): Promise<readonly Result[]> {
  const directory = await mkdtemp(join(tmpdir(), 'nexus-mcp-alerts-'));
  try {
    // The container's user is another one.
    await chmod(directory, 0o755);
    await copyFile(RULE_FILE, join(directory, 'rules.yaml'));
    const file = join(directory, 'test.yaml');
    await writeFile(file, testFile(simulation));
    return parseResults(await promtool(['test', 'rules', file], directory));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A test that expects nothing of its query fails when there is something, and prints it. */
function* testFile(simulation: Simulation): Generator<string> {
  const { stepSeconds, series } = simulation;
  yield `rule_files: [rules.yaml]
evaluation_interval: ${stepSeconds}s
tests:
  - interval: ${stepSeconds}s
    promql_expr_test:
`;
  for (const { query, atSeconds } of queries(simulation))
    yield `      - expr: '${query}'\n        eval_time: ${atSeconds}s\n`;
  yield '    input_series:\n';
  for (const { series: name, values } of series)
    yield `      - series: '${name}'\n        values: '${values}'\n`;
}

/** Parts that do not overlap: Prometheus 2 takes both ends of a range, Prometheus 3 only the later one. */
function* queries({ query, fromSeconds, toSeconds, stepSeconds }: Simulation) {
  const part = PART_EVALUATIONS * stepSeconds;
  for (let start = fromSeconds; start < toSeconds; start += part) {
    const atSeconds = Math.min(start + part, toSeconds);
    const range = (atSeconds - start - stepSeconds / 2) * 1000;
    yield { query: query(`${range}ms:${stepSeconds}s`), atSeconds };
  }
}

/** Reads `got: {a="b"} 1.5E+03, {…} 2` out of what promtool says of failed tests. */
function parseResults(output: string): readonly Result[] {
  if (/\berr:|^ *FAILED:(?!$)/m.test(output) || !/SUCCESS|^ *got: /m.test(output))
    throw new Error(`promtool could not run the simulation:\n${output.slice(0, 2000)}`);
  return [...output.matchAll(/^ *got: (.*)$/gm)].flatMap(([, got = '']) =>
    [...got.matchAll(/\{(.*?)\} ([-+\d.eE]+)/g)].map(([, labels = '', value = '']) => ({
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="(.*?)"/g)].map(([, name = '', text = '']) => [name, text]),
      ),
      value: Number(value),
    })),
  );
}

/** Runs tasks in order, as many at once as there are processors. */
export async function inParallel(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = queue.shift(); task; task = queue.shift()) await task();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}
