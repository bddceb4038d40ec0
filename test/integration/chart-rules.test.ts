import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { RuleGroup } from '../../alerts/source/rules.ts';
import { hosts, pods, targets } from '../alerts/commands.ts';
import { promtool, stopPromtool } from '../alerts/promtool.ts';
import { play } from '../alerts/play.ts';
import { page, shortestFor, type Scenario, type Service, type Stage } from '../alerts/scenario.ts';
import { SCENARIOS } from '../alerts/scenarios.ts';
import { server } from '../alerts/server.ts';
import { at, CHART, one, render, type RenderOptions } from '../chart/helm.ts';

afterAll(stopPromtool);

async function ruleFile(options: RenderOptions): Promise<{ text: string; rules: number }> {
  const spec = at<{ groups: readonly RuleGroup[] }>(one(await render(options), 'PrometheusRule'), 'spec');
  return { text: stringify(spec), rules: spec.groups.flatMap(({ rules }) => rules).length };
}

describe('the rules of each kind of release', () => {
  const files = readdirSync(`${CHART}ci`).filter((file) => !file.startsWith('no-operator'));

  it('pass every check of promtool', async () => {
    const rendered = await Promise.all(
      files.map(async (file) => ({ file, ...(await ruleFile({ release: 'agents', valuesFiles: [file] })) })),
    );
    const contents = Object.fromEntries(rendered.map(({ file, text }) => [file, text]));
    const { output, exitCode } = await promtool(
      ['check', 'rules', '--lint=all', '--lint-fatal', ...files],
      contents,
    );
    expect([...output.matchAll(/SUCCESS: (\d+) rules found/g)].map(([, count]) => Number(count))).toEqual(
      rendered.map(({ rules }) => rules),
    );
    expect(exitCode).toBe(0);
  });
});

const RELEASE = { job: 'agents-nexus-mcp', namespace: 'prod' };
const service = (labels: Record<string, string>, prometheus: 2 | 3): Service => ({
  labels: { ...RELEASE, ...labels },
  text: 'agents-nexus-mcp in prod',
  n: '-n prod ',
  release: 'agents',
  prometheus,
});

/** Only the further label tells these apart, and those of one scenario from those of another. */
const servicesOf = (index: number) => [
  service({ region: `b-${index}` }, 2),
  service({ region: `c-${index}` }, 3),
];

/** With the parameters of the plain file. */
const PLAIN = SCENARIOS.filter(({ parameters }) => parameters === undefined);
const PLAYED = shortestFor(PLAIN.filter(({ unrecorded }) => unrecorded === undefined));
/** Those in which something else records, or nothing. */
const UNRECORDED = PLAIN.filter(({ unrecorded }) => unrecorded?.test('nexus_mcp:') === true);

/** Links as in the plain file. */
const AS_PLAIN = {
  rules: { runbookUrl: 'https://github.com/nexus-mcp/nexus-mcp/blob/main/alerts/runbooks' },
  dashboards: { enabled: false, grafanaUrl: 'http://localhost:3000' },
};

describe('the rules of a release whose pods', () => {
  const UP = { job: RELEASE.job, namespace: RELEASE.namespace };
  const alone = (name: string, series: Scenario['series'], fires: Scenario['fires']): Scenario => ({
    name,
    about: ['NexusMCPDown'],
    series,
    fires,
  });
  const down = [page('NexusMCPDown')];
  const saying = (then: (service: Service) => string) => [
    page(
      'NexusMCPDown',
      {},
      {
        says: (which) =>
          `Prometheus has scraped no instance of ${which.text} successfully for 3 minutes: ${then(which)}`,
        dashboard: 'fleet',
      },
    ),
  ];
  const vanished = saying(
    ({ n }) =>
      `the server is down, or Prometheus no longer finds it. Perhaps agents get no answers, and no other alert works.${hosts(n)} First: ${pods(n)}`,
  );
  const neverFound = saying(
    ({ n }) =>
      `it finds no target, and has found none within the last hour. Either it does not select the ServiceMonitor (compare labels and namespaces), or there are no pods. Whether agents get answers is not known, and no other alert works. First: ${targets(n)}`,
  );

  it.each([
    [
      'must be there',
      { monitoring: AS_PLAIN },
      [
        alone('no target was ever found', [], { '2m': [], '4m': neverFound, '3h': neverFound }),
        alone('the last target has vanished for hours', server({ until: '10m' }), {
          '10m': [],
          '14m': vanished,
          '1h8m': vanished,
          '1h11m': down,
          '3h': neverFound,
        }),
        alone('a target is found at last', server({ from: '1h' }), { '30m': neverFound, '1h10m': [] }),
      ],
    ],
    ['need not be there', { replicas: 0 }, [alone('no target was ever found', [], { '4m': [], '3h': [] })]],
    [
      'may be forgotten',
      { monitoring: { rules: { mustExist: false } } },
      [alone('no target was ever found', [], { '4m': [], '3h': [] })],
    ],
  ])('%s', async (_what, values, scenarios) => {
    const { text } = await ruleFile({ release: 'agents', namespace: 'prod', values });
    const only: Service = { ...service({}, 3), labels: UP };
    const complaints = await play(scenarios, { servicesOf: () => [only], rulesFor: () => [text] });
    expect([...complaints.values()].flat()).toEqual([]);
  });
});

describe("the rules of a release of another name and namespace, with a tool's own threshold and a further label", () => {
  let complaints: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    const valuesOf = (recordingRules: boolean) => ({
      monitoring: {
        rules: {
          recordingRules,
          additionalAggregationLabels: ['region'],
          ...AS_PLAIN.rules,
        },
        dashboards: AS_PLAIN.dashboards,
      },
      alerts: {
        tools: { other: { errorRatio: 0.5, latencySeconds: 1 }, 'another.one': { errorRatio: 0.9 } },
      },
    });
    const release = { release: 'agents', namespace: 'prod' };
    const recording = await ruleFile({ ...release, values: valuesOf(true) });
    const others = await ruleFile({ ...release, values: valuesOf(false) });
    const stage: Stage = {
      servicesOf: (_, index) => servicesOf(index),
      rulesFor: (scenario) => [(UNRECORDED.includes(scenario) ? others : recording).text],
    };
    complaints = await play([...PLAYED, ...UNRECORDED], stage);
  }, 600_000);

  it.each([...PLAYED, ...UNRECORDED].map(({ name }) => name))('do what they must when %s', (name) => {
    expect(complaints.get(name)?.join('\n')).toBe('');
  });
});
