import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, CHART, one, render, renderPlain, type Values } from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

const README = readFileSync(`${CHART}README.md`, 'utf8');
const questions = [...README.matchAll(/^### … (.+)$/gm)].map(([, question]) => question);
const blocks = [...README.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text);

describe("the chart's README", () => {
  it('answers what people ask', () => {
    expect(questions.length).toBeGreaterThanOrEqual(10);
  });

  it.each(blocks)('shows values that the chart takes: %s', async (text) => {
    const manifests = await render({ values: parse(text) as Values });
    // The schema of an AlertmanagerConfig leaves open what child routes are.
    const problems = manifests
      .flatMap(schemaProblems)
      .filter((problem) => !problem.includes('/route/routes/'));
    expect(problems).toEqual([]);
  });

  it('shows how a file becomes a tool module', async () => {
    const [flag = ''] = /--set-file '[^']+'/.exec(README) ?? [];
    const [name = '', file = ''] = flag.replace(/^--set-file '(.*)'$/, '$1').split('=');
    expect(file).toBe('weather.ts');
    const manifests = await renderPlain({ args: ['--set-file', `${name}=${CHART}Chart.yaml`] });
    const modules = one(manifests, 'ConfigMap', 'nexus-mcp-modules');
    expect(Object.keys(at<object>(modules, 'data'))).toEqual(['weather.ts']);
  });

  it('shows how numbers of users are unset', async () => {
    const [, sets = ''] = /--set (podSecurityContext\S+)/.exec(README) ?? [];
    const context = at(
      one(await renderPlain({ args: ['--set', sets] }), 'Deployment'),
      'spec.template.spec.securityContext',
    );
    expect(context).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  });
});
