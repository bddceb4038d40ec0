import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whenNull } from '../../charts/source/when-null.ts';
import { at, CHART, one, render, template, type Values } from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

/** The paths of all sections, and of what is in no section. */
const PATHS = pathsIn(whenNull(), []);

function pathsIn(section: object, above: readonly string[]): (readonly string[])[] {
  return Object.entries(section).flatMap(([name, inside]: [string, object]) => {
    const path = [...above, name];
    return Array.isArray(inside) ? [path] : [path, ...pathsIn(inside, path)];
  });
}

const isSection = (path: readonly string[]): boolean => PATHS.some((other) => isBelow(other, path));
const isBelow = (path: readonly string[], section: readonly string[]): boolean =>
  path.length === section.length + 1 && section.every((name, index) => path[index] === name);

const nullAt = (path: readonly string[]): Values =>
  path.reduceRight<Values | null>((inside, name) => ({ [name]: inside }), null) ?? {};

/** What Helm says when a template was not written for a value. */
const RAW = /nil pointer|wrong type|reflect|YAML parse error|error calling|invalid value/;

describe('a section of values that is null, because all of its lines are commented out,', () => {
  it.each(PATHS.filter(isSection).map((path) => [path.join('.'), path] as const))(
    '%s, is as by default',
    async (_name, path) => {
      expect(await render({ values: nullAt(path) })).toEqual(await render());
    },
  );

  it.each(['helm3', 'helm4'] as const)('is as by default for %s, whichever they are', async (helm) => {
    const sections = PATHS.filter((path) => path.length === 1 && isSection(path));
    const values: Values = Object.fromEntries(sections.map(([name = '']) => [name, null]));
    expect(await render({ helm, values })).toEqual(await render({ helm }));
  });
});

describe('a single value that is null', () => {
  const singles = PATHS.filter((path) => !isSection(path));
  const groups = [...new Set(singles.map((path) => path.slice(0, -1).join('.')))];

  it.each(groups.map((group) => [group === '' ? 'in no section' : `in ${group}`, group]))(
    '%s, is refused in our words, or gives objects that the API server takes',
    async (_name, group) => {
      const members = singles.filter((path) => path.slice(0, -1).join('.') === group);
      const outcomes = await Promise.all(
        members.map(async (path) => {
          const options = { values: nullAt(path), valuesFiles: ['everything-values.yaml'] };
          const outcome = await template(options);
          if (!outcome.ok) return RAW.test(outcome.error) ? [path.join('.'), outcome.error] : [];
          return (await render(options)).flatMap(schemaProblems);
        }),
      );
      expect(outcomes.flat()).toEqual([]);
    },
  );

  it('is its default, so that an empty line neither ends the service nor bares it', async () => {
    const values = {
      ...{ podLabels: null, podAnnotations: null, commonLabels: null, commonAnnotations: null },
      ...{ replicas: null, terminationGracePeriodSeconds: null, progressDeadlineSeconds: null },
      alerts: null,
      ...{ service: { port: null, annotations: null }, networkPolicy: { enabled: null } },
    };
    for (const helm of ['helm3', 'helm4'] as const)
      expect(await render({ helm, values })).toEqual(await render({ helm }));
  });

  it('takes a probe away', async () => {
    const deployment = one(await render({ values: { probes: { liveness: null } } }), 'Deployment');
    const [container] = at<readonly Values[]>(deployment, 'spec.template.spec.containers');
    expect(container).toHaveProperty('readinessProbe');
    expect(container).not.toHaveProperty('livenessProbe');
  });
});

it('every file that is rendered does without nulls, in whatever order Helm takes them', () => {
  const files = globSync('templates/**/*.{yaml,txt}', { cwd: CHART });
  const first = files.map((file) => readFileSync(`${CHART}${file}`, 'utf8').split('\n')[0]);
  expect(files.length).toBeGreaterThan(10);
  for (const line of first) expect(line).toMatch(/^\{\{- include "nexus-mcp\.noNulls" \. -?\}\}$/);
});
