/**
 * Writes the generated sections of the documents, and whole files, from the tables in the source. `--check` writes
 * nothing and fails when one is not what it should be.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { parse, stringify } from 'yaml';
import { dashboardUid } from '../alerts/source/alert.ts';
import { chartRuleFile } from '../alerts/source/chart.ts';
import { parametersSchema } from '../alerts/source/parameters.ts';
import { formatDuration } from '../alerts/source/promql.ts';
import { alertSet, ruleFile, ruleGroups } from '../alerts/source/rules.ts';
import { withChanges } from '../charts/source/chart-file.ts';
import { BUCKETS, sampleRows, samplesOf } from '../charts/source/samples.ts';
import { listValues, schemaFile, valuesFile } from '../charts/source/documents.ts';
import { OBJECTIVES } from '../charts/source/monitoring.ts';
import { OTHER_NAMES, OTHER_NAMES_OF_ALERTS } from '../charts/source/other-names.ts';
import { textPatterns } from '../charts/source/patterns.ts';
import { alertRows, metricRows } from '../dashboards/source/coverage.ts';
import { chartDashboard } from '../dashboards/source/chart.ts';
import type { Dashboard } from '../dashboards/source/dashboard.ts';
import { DASHBOARDS } from '../dashboards/source/dashboards.ts';
import { renderDashboard } from '../dashboards/source/render.ts';
import { listSettings } from '../src/config/setting-list.ts';
import { settingsSchema } from '../src/config/settings.ts';
import { METRICS } from '../src/monitoring/metrics/metrics.ts';
import { builtinToolsets } from '../src/tools/builtin/index.ts';
import { ERROR_REASONS } from '../src/tools/reasons.ts';
import { readChangelog } from './changelog.ts';
import { plainManifests } from './plain-manifests.ts';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escape).join(' | ')} |`).join('\n');

/** Every alert has the same values; the table has those that differ. */
const isListed = ({ path }: { readonly path: string }): boolean =>
  !path.startsWith('alerts.NexusMCP') || path.endsWith('.threshold');

const escape = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
/** A file of TypeScript, as a block of code. */
const source = (path: string): string => `\`\`\`ts\n${readFileSync(path, 'utf8').trimEnd()}\n\`\`\``;
const code = (text: string): string => `\`${text}\``;

/** The fields of an interface of tools, with their docstrings. */
function fieldsOf(name: string, prefix = ''): readonly (readonly string[])[] {
  const text = readFileSync('src/tools/tool.ts', 'utf8');
  const [, body = ''] =
    new RegExp(`^export interface ${name}\\b[^]*?\\{\\n([^]*?)^\\}`, 'm').exec(text) ?? [];
  const fields = body.matchAll(/(?:^ {2}\/\*\* (.+) \*\/\n)?^ {2}(?:readonly )?(\w+)(\?)?[:(]/gm);
  return [...fields].map(([, description = '', field = '', optional]) => [
    code(prefix + field),
    optional === undefined ? 'yes' : '',
    description,
  ]);
}

const SECTIONS: Readonly<Record<string, () => string>> = {
  settings: () =>
    table(
      ['Setting', 'Environment', 'Default', 'What it does'],
      listSettings().map(({ path, env, default: value, description }) => [
        code(path),
        env.map(code).join(', '),
        value === undefined ? '' : code(JSON.stringify(value)),
        description,
      ]),
    ),
  metrics: () =>
    table(
      ['Metric', 'Type', 'Labels', 'What it says'],
      Object.entries(METRICS).map(([name, { type, labels, help }]) => [
        code(name),
        type,
        Object.keys(labels).map(code).join(', '),
        help,
      ]),
    ),
  samples: () => table(['What', 'Samples at most'], sampleRows()),
  reasons: () =>
    table(
      ['Reason', 'When', "Server's fault", 'REST status', 'Worth retrying'],
      Object.entries(ERROR_REASONS).map(([reason, { when, serverFault, httpStatus, retryable }]) => [
        code(reason),
        when,
        serverFault ? 'yes' : 'no',
        String(httpStatus),
        retryable ? 'yes' : 'no',
      ]),
    ),
  alerts: () =>
    table(
      ['Alert', 'Severity', 'What it means', 'After'],
      alertSet(parametersSchema.parse({})).map(({ name, severity, summary, forSeconds }) => [
        `[${name}](runbooks/${name}.md)`,
        severity,
        summary,
        formatDuration(forSeconds),
      ]),
    ),
  dashboards: () =>
    table(
      ['Dashboard', 'What it answers'],
      DASHBOARDS.map(({ name, title, answers }) => [`[${title}](${dashboardUid(name)}.json)`, answers]),
    ),
  metricPanels: () => table(['Metric', 'Panels', 'Alerts'], metricRows()),
  alertPanels: () => table(['Alert', 'Opens', 'Panels'], alertRows()),
  values: () =>
    table(
      ['Value', 'Default', 'What it does'],
      listValues()
        .filter(isListed)
        .map(({ path, default: value, description }) => [
          code(path),
          value === undefined ? '' : code(JSON.stringify(value)),
          description,
        ]),
    ),
  toolFields: () =>
    table(
      ['Field', 'Needed', 'What it is'],
      [...fieldsOf('ToolDefinition'), ...fieldsOf('ToolAnnotations', 'annotations.')],
    ),
  helloTool: () => source('examples/tools/hello.ts'),
  weatherTool: () => source('examples/tools/weather.ts'),
  bookingTool: () => source('examples/tools/booking.ts'),
  deletionTool: () => source('examples/tools/deletion.ts'),
  journeyTool: () => source('examples/tools/journey.ts'),
  slugTool: () => source('examples/tools/slug.ts'),
  primesTool: () => source('examples/tools/primes.ts'),
  weatherTest: () => source('examples/tools/weather.test.ts'),
  primesTest: () => source('examples/tools/primes.test.ts'),
  bookingTest: () => source('examples/tools/booking.test.ts'),
  honoServer: () => source('examples/hono.ts'),
  tools: () =>
    table(
      ['Toolset', 'Tool', 'What it does'],
      builtinToolsets(settingsSchema.parse({})).flatMap(({ name, tools }) =>
        tools.map((tool) => [name, code(tool.name), tool.description]),
      ),
    ),
};

const DOCUMENTS = [
  'README.md',
  'docs/settings.md',
  'docs/metrics.md',
  'docs/tools.md',
  'docs/writing-tools.md',
  'docs/library.md',
  'alerts/README.md',
  'charts/nexus-mcp/README.md',
  'dashboards/README.md',
];

const VALUES_NOTICE = '# Generated from charts/source by make generate; do not edit.\n';
const NOTICE = '# Generated from alerts/source by make generate; do not edit.\n';

/** Whole files that are generated, by path. */
const FILES: Readonly<Record<string, () => string | Promise<string>>> = {
  'alerts/nexus-mcp.rules.yaml': () => NOTICE + ruleFile(ruleGroups()),
  ...Object.fromEntries(DASHBOARDS.flatMap(dashboardFiles)),
  // The chart's template puts its values in place of what stands between @ signs.
  'charts/nexus-mcp/files/nexus-mcp.rules.yaml': () => NOTICE + chartRuleFile(),
  'charts/nexus-mcp/files/samples.yaml': () =>
    `# What a scrape of a server with one tool has at most. Generated from src/monitoring by make generate; do not edit.\n${stringify(samplesOf(1))}`,
  'charts/nexus-mcp/files/buckets.yaml': () =>
    `# The buckets that histograms always have, and where they go on. Generated from src/monitoring by make generate; do not edit.\n${stringify(BUCKETS)}`,
  'charts/nexus-mcp/files/patterns.yaml': () =>
    `# What texts of the values must be like. Generated from charts/source by make generate; do not edit.\n${stringify({ patterns: textPatterns() }, { lineWidth: 0 })}`,
  'charts/nexus-mcp/files/other-names.yaml': () =>
    `# What values are called in other charts. Generated from charts/source by make generate; do not edit.\n${stringify(OTHER_NAMES)}`,
  'charts/nexus-mcp/files/other-names-of-alerts.yaml': () =>
    `# What values of alerts are called in the parameters of the rules. Generated from charts/source by make generate; do not edit.\n${stringify(OTHER_NAMES_OF_ALERTS)}`,
  'charts/nexus-mcp/files/objectives.yaml': () =>
    `# What objectives must lie between, in percent. Generated from charts/source by make generate; do not edit.\n${stringify(OBJECTIVES)}`,
  'charts/nexus-mcp/files/settings.yaml': () =>
    `# The server's defaults. Generated from src/config by make generate; do not edit.\n${stringify(settingsSchema.parse({}))}`,
  // Kustomize takes no file from outside of its folder.
  'k8s/examples/tokens-and-tools/hello.ts': () => readFileSync('examples/tools/hello.ts', 'utf8'),
  'charts/nexus-mcp/Chart.yaml': () =>
    withChanges(
      readFileSync('charts/nexus-mcp/Chart.yaml', 'utf8'),
      readChangelog(readFileSync('CHANGELOG.md', 'utf8')),
    ),
  'charts/nexus-mcp/values.yaml': () => VALUES_NOTICE + valuesFile(),
  'charts/nexus-mcp/values.schema.json': schemaFile,
  'demo/alertmanager.yaml': demoAlertmanager,
};

/** One for people, and one in which the chart puts the names of a release's own. */
function dashboardFiles(dashboard: Dashboard): (readonly [string, () => string])[] {
  const name = `${dashboardUid(dashboard.name)}.json`;
  return [
    [`dashboards/${name}`, () => `${JSON.stringify(renderDashboard(dashboard), null, 2)}\n`],
    [`charts/nexus-mcp/files/dashboards/${name}`, () => chartDashboard(dashboard)],
  ];
}

/** The sample configuration with receivers that notify nobody. */
function demoAlertmanager(): string {
  const sample = parse(readFileSync('alerts/alertmanager.example.yaml', 'utf8')) as {
    receivers: readonly { readonly name: string }[];
  };
  const receivers = sample.receivers.map(({ name }) => ({ name }));
  const notice = '# Generated from alerts/alertmanager.example.yaml by make generate; do not edit.\n';
  return notice + stringify({ ...sample, receivers });
}

const check = process.argv.includes('--check');
const stale: string[] = [];

const unwritten = new Set(Object.keys(SECTIONS));
for (const path of DOCUMENTS) {
  const before = readFileSync(path, 'utf8');
  const after = before.replace(
    /(<!-- generated:(\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_section, start: string, name: string, end: string) => {
      const write = SECTIONS[name];
      if (!write) throw new Error(`${path}: there is no generated section ${name}`);
      unwritten.delete(name);
      return `${start}\n${write()}\n\n${end}`;
    },
  );
  update(path, before, after);
}
if (unwritten.size > 0) throw new Error(`no document has the sections ${[...unwritten].join(', ')}`);
for (const [path, write] of Object.entries(FILES)) update(path, contentOf(path), await write());
// These come out of the chart as it is now, the files above included.
for (const [path, text] of Object.entries(await plainManifests())) update(path, contentOf(path), text);

function contentOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function update(path: string, before: string, after: string): void {
  if (after === before) return;
  stale.push(path);
  if (check) console.error(`${path} is out of date; run make generate`);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, after);
  }
}

process.exitCode = check && stale.length > 0 ? 1 : 0;
