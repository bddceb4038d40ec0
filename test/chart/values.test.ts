import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listValues } from '../../charts/source/documents.ts';
import { textPatterns } from '../../charts/source/patterns.ts';
import { BESIDES, valuesSchema } from '../../charts/source/values.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { CHART, helm } from './helm.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const templates = globSync('templates/**/*', { cwd: CHART }).filter((path) => /\.(yaml|tpl|txt)$/.test(path));

/** The values that a template names, with what it calls them by: `$monitor.interval` after `$monitor := .Values.…`. */
function namedIn(text: string): readonly string[] {
  const aliases = new Map<string, string>();
  for (const [, alias = '', path = ''] of text.matchAll(/\$(\w+) := (?:\$\w*)?\.Values\.([\w.]+) ?-?\}\}/g)) {
    aliases.set(alias, path);
  }
  for (const [, alias = '', of = '', path = ''] of text.matchAll(/\$(\w+) := \$(\w+)\.([\w.]+) ?-?\}\}/g)) {
    const parent = aliases.get(of);
    if (parent !== undefined) aliases.set(alias, `${parent}.${path}`);
  }
  const direct = [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path);
  const aliased = [...text.matchAll(/\$(\w+)\.([\w.]+)/g)].flatMap(([, alias = '', path = '']) => {
    const parent = aliases.get(alias);
    return parent === undefined ? [] : [`${parent}.${path}`];
  });
  return [...direct, ...aliased].map((path) => path.replace(/\.$/, ''));
}

const named = new Set(templates.flatMap((path) => namedIn(readFileSync(`${CHART}${path}`, 'utf8'))));
const paths = listValues().map(({ path }) => path);

/** Values that are read by a name that is worked out: `range` over their parents, or the alert's own. */
const BY_PARENT = ['resources', 'alerts', 'probes.startup', 'probes.liveness', 'probes.readiness'];
/** Of a Secret's name and key, which are read together. */
const secrets = /^(.*(?:Secret))\.(name|key)$/;

describe('the values', () => {
  it('are each used by a template', () => {
    const unused = paths.filter((path) => {
      const parent = BY_PARENT.find((name) => path.startsWith(`${name}.`)) ?? secrets.exec(path)?.[1];
      const wanted = parent ?? path;
      return ![...named].some((name) => name === wanted || name.startsWith(`${wanted}.`));
    });
    expect(unused).toEqual([]);
  });

  it('are all that templates use', () => {
    // What is inside of a list or an object that goes into the manifest as it is, the list does not have.
    const open = listValues().filter(({ default: value }) => typeof value === 'object');
    const known = (name: string): boolean =>
      name in BESIDES ||
      paths.some((path) => path === name || path.startsWith(`${name}.`)) ||
      open.some(({ path }) => name.startsWith(`${path}.`));
    expect([...named].filter((name) => !known(name))).toEqual([]);
  });

  it('say what each does', () => {
    const described = listValues().filter(({ path }) => !path.startsWith('alerts.'));
    expect(described.filter(({ description }) => description.length < 3).map(({ path }) => path)).toEqual([]);
  });

  it('of values.yaml are the defaults, and its comments leave none out', async () => {
    const text = readFileSync(`${CHART}values.yaml`, 'utf8');
    expect(parse(text)).toEqual(valuesSchema.parse({}));
    for (const { path } of listValues()) expect(text).toContain(`${path.split('.').at(-1) ?? ''}:`);
    // Helm's own reader agrees with its own schema.
    expect(await helm('lint', {}, ['--strict', '--quiet'])).toMatchObject({ ok: true });
  });

  it('say of each text that must be like something what it must be like', () => {
    const patterns = textPatterns();
    expect(patterns.length).toBeGreaterThan(10);
    for (const { expected } of patterns) expect(expected).toMatch(/^(must|may) /);
  });

  it("of the settings are the server's", () => {
    const defaults = parse(readFileSync(`${CHART}files/settings.yaml`, 'utf8')) as unknown;
    expect(defaults).toEqual(settingsSchema.parse({}));
  });
});

describe('Chart.yaml', () => {
  interface Chart {
    readonly version: string;
    readonly appVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
  }
  const chart = parse(read('charts/nexus-mcp/Chart.yaml')) as Chart;
  const { version } = JSON.parse(read('package.json')) as { version: string };

  it('is of the version of the server', () => {
    expect(chart).toMatchObject({ version, appVersion: version });
    expect(chart.annotations['artifacthub.io/images']).toContain(`:${version}`);
  });

  it('has annotations of Artifact Hub in the form it reads', () => {
    const changes = parse(chart.annotations['artifacthub.io/changes'] ?? '') as {
      kind: string;
      description: string;
    }[];
    for (const { kind, description } of changes) {
      expect(['added', 'changed', 'deprecated', 'removed', 'fixed', 'security']).toContain(kind);
      // A sentence without marks of Markdown, which may begin with a number or the name of a command.
      expect(description).toMatch(/^[^\s`][^`]*\.$/);
    }
    for (const name of ['prerelease', 'containsSecurityUpdates', 'operator']) {
      expect(chart.annotations[`artifacthub.io/${name}`]).toMatch(/^(true|false)$/);
    }
  });
});
