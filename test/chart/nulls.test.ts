import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whenNull } from '../../charts/source/when-null.ts';
import {
  at,
  CHART,
  complaints,
  one,
  readManifests,
  render,
  renderPlain,
  template,
  type RenderOptions,
  type Values,
} from './helm.ts';
import { merged } from './merged.ts';
import { schemaProblems } from './strict-schema.ts';

/** The paths of all sections, and of what is in no section. */
const SECTIONS: string[] = [];
const SINGLES: string[] = [];
findPaths(whenNull(), '');

function findPaths(section: object, above: string): void {
  for (const [name, inside] of Object.entries(section) as [string, object][]) {
    const path = `${above}${name}`;
    (Array.isArray(inside) ? SINGLES : SECTIONS).push(path);
    if (!Array.isArray(inside)) findPaths(inside, `${path}.`);
  }
}

const nullsAt = (paths: readonly string[]): Values =>
  merged(paths.map((path) => path.split('.').reduceRight<unknown>(inSection, null) as Values));
const inSection = (inside: unknown, name: string): Values => ({ [name]: inside });

/**
 * What is wrong with which of the paths. They are tried together, because mostly nothing is, and halves of them where
 * something is; problems that only come together are of those together.
 */
async function problemsBy(
  paths: readonly string[],
  problemsOf: (paths: readonly string[]) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const problems = await problemsOf(paths);
  if (problems.length === 0) return [];
  const half = Math.ceil(paths.length / 2);
  const halves = paths.length === 1 ? [] : [paths.slice(0, half), paths.slice(half)];
  const found = await Promise.all(halves.map((some) => problemsBy(some, problemsOf)));
  return found.flat().length > 0 ? found.flat() : [`${paths.join(', ')}: ${problems.join('; ')}`];
}

describe('a section of values that is null, because all of its lines are commented out,', () => {
  const levels = [...Map.groupBy(SECTIONS, (path) => path.split('.').length)];
  const rows = levels.flatMap(([level, paths]) =>
    (['helm3', 'helm4'] as const).map((helm) => ({ level, helm, paths })),
  );

  it.each(rows)('is as by default, where all of level $level are, with $helm', async ({ helm, paths }) => {
    expect(await render({ helm, values: nullsAt(paths) })).toEqual(await render({ helm }));
  });
});

describe('a single value that is null', () => {
  /** By what others of these values ask for. The two cannot be told at once. */
  const REFUSED = [
    {
      config: 'tracing.ratio: nothing is traced',
      resources: 'autoscaling.cpuUtilization: is a share of resources.requests.cpu, which is not set',
      'rbac.profile': 'rbac.rules: the profile none ignores them',
      'service.type': 'service.nodePort: a ClusterIP Service has none',
      'ingress.hosts': 'ingress.hosts: name at least one host',
      'httpRoute.parentRefs': 'httpRoute.parentRefs: name at least one gateway',
      'httpRoute.hostnames': 'httpRoute.hostnames: name the hosts',
      'networkPolicy.extraIngress': 'networkPolicy.extraIngress: let the subnets of the load balancer in',
      'monitoring.rules.selector': 'monitoring.rules.selector: state which job the rules are about',
      'monitoring.dashboards.grafanaOperator.instanceSelector': 'instanceSelector: say which Grafana',
      'probe.tool': 'probe.arguments: say of which tool',
      'probe.tokenSecret.name': 'probe.tokenSecret: the canary needs a token',
    },
    { 'rbac.rules': 'rbac.rules: the custom profile needs rules' },
  ];
  const everything = (paths: readonly string[]): RenderOptions => ({
    valuesFiles: ['everything-values.yaml'],
    values: nullsAt(paths),
  });

  it.each(REFUSED)('is refused in our words where others ask for it: list %$', async (refused) => {
    const lines = await complaints(everything(Object.keys(refused)));
    for (const words of Object.values(refused)) expect(lines.join('\n')).toContain(words);
  });

  const taken = SINGLES.filter((path) => !REFUSED.some((refused) => path in refused));
  // Dealt as cards are, so that few are of one section, where one that switches it off would hide the others.
  const hands = Object.values(Object.groupBy(taken, (path) => taken.indexOf(path) % 12));

  it.each(hands.map((hand = []) => ({ hand })))(
    'gives objects that the API server takes: hand %$',
    async ({ hand }) => {
      const problems = await problemsBy(hand, async (paths) => {
        const outcome = await template(everything(paths));
        return outcome.ok ? readManifests(outcome.text).flatMap(schemaProblems) : [outcome.error];
      });
      expect(problems).toEqual([]);
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
    const deployment = one(await renderPlain({ values: { probes: { liveness: null } } }), 'Deployment');
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
