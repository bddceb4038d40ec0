import { describe, expect, it } from 'vitest';
import { DashboardCluster, type LoadedDashboard } from './dashboard-cluster.ts';
import { at, one, render, type Manifest, type Values } from './helm.ts';

const PRODUCTION = { release: 'nexus-mcp', namespace: 'production' };
const STAGING = { release: 'nexus-mcp', namespace: 'staging' };
const NAMES = ['fleet', 'overview', 'runtime', 'tools'];

const uids = (dashboards: readonly LoadedDashboard[]): readonly string[] =>
  dashboards.map(({ uid }) => uid).toSorted();

/** Where links lead, by uid: those of dashboards to one another, and those of alerts. */
const linksOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/\/d\/([\w-]+)\?/g)].map(([, uid = '']) => uid)),
];
const alertLinks = (manifests: readonly Manifest[]): readonly string[] =>
  linksOf(JSON.stringify(one(manifests, 'PrometheusRule'))).toSorted();

describe.each([
  { what: 'whose namespaces differ', other: STAGING, values: {} },
  { what: 'whose names differ', other: { release: 'other', namespace: 'production' }, values: {} },
  {
    what: 'whose objects are in one namespace',
    other: STAGING,
    values: { monitoring: { namespace: 'monitoring' } },
  },
  {
    what: 'whose dashboards are in one namespace, without folders',
    other: STAGING,
    values: { monitoring: { dashboards: { namespace: 'grafana', folder: '' } } },
  },
  {
    what: 'of which Grafana hears by the Grafana Operator, too',
    other: STAGING,
    values: {
      monitoring: {
        namespace: 'monitoring',
        dashboards: { grafanaOperator: { enabled: true, instanceSelector: { matchLabels: { a: 'b' } } } },
      },
    },
  },
])('two releases $what', ({ other, values }) => {
  it.each([true, false])(
    'have dashboards beside one another (folders by annotation: %s)',
    async (foldersAreRead) => {
      const cluster = new DashboardCluster({ foldersAreRead });
      cluster.upgrade('first', await render({ ...PRODUCTION, values }));
      const alone = uids(cluster.dashboards());
      expect(alone).toHaveLength(4);
      expect(Math.max(...alone.map(({ length }) => length))).toBeLessThanOrEqual(40);
      cluster.upgrade('second', await render({ ...other, values }));
      expect(cluster.dashboards()).toHaveLength(8);
      cluster.upgrade('first', await render({ ...PRODUCTION, values }));
      expect(cluster.dashboards()).toHaveLength(8);
      cluster.uninstall('second');
      expect(uids(cluster.dashboards())).toEqual(alone);
    },
  );
});

it('a release whose name has changed has its dashboards, and none of before', async () => {
  const cluster = new DashboardCluster();
  cluster.upgrade('one', await render(PRODUCTION));
  cluster.upgrade('one', await render({ ...PRODUCTION, values: { fullnameOverride: 'agents' } }));
  expect(cluster.dashboards()).toHaveLength(4);
  expect(cluster.dashboards().every(({ title }) => title.endsWith(' (production.agents)'))).toBe(true);
});

it('a set that is named stays what it is when the name of its release changes, bookmarks included', async () => {
  const named = { monitoring: { dashboards: { set: 'agents' } } };
  const cluster = new DashboardCluster();
  cluster.upgrade('one', await render({ ...PRODUCTION, values: named }));
  const before = cluster.dashboards();
  cluster.upgrade('one', await render({ ...PRODUCTION, values: { ...named, fullnameOverride: 'other' } }));
  expect(cluster.dashboards()).toEqual(before);
});

it('links lead to dashboards of the same release, from each of them', async () => {
  const cluster = new DashboardCluster();
  cluster.upgrade('production', await render(PRODUCTION));
  const own = cluster.dashboards();
  cluster.upgrade('staging', await render(STAGING));
  expect(own.flatMap(({ text }) => linksOf(text)).length).toBeGreaterThan(0);
  for (const { text } of own) for (const uid of linksOf(text)) expect(uids(own)).toContain(uid);
  for (const { text, tags } of own) {
    // Those at the top are found by tags.
    const links = at<readonly { tags: readonly string[] }[]>(JSON.parse(text), 'links');
    expect(links).toHaveLength(1);
    const found = cluster.dashboards().filter((one) => links[0]?.tags.every((tag) => one.tags.includes(tag)));
    expect(uids(found)).toEqual(uids(own));
    expect(tags).toContain('nexus-mcp');
  }
});

describe('alerts lead to', () => {
  const grafanaUrl = 'https://grafana.example.com';
  const rendered = async (options: object, dashboards: Values, monitoring: Values = {}) =>
    render({
      ...options,
      values: { monitoring: { ...monitoring, dashboards: { grafanaUrl, ...dashboards } } },
    });

  it('the dashboards of their release', async () => {
    const manifests = await rendered(PRODUCTION, {});
    const cluster = new DashboardCluster();
    cluster.upgrade('one', manifests);
    expect(alertLinks(manifests)).toEqual(uids(cluster.dashboards()));
  });

  it('those of the release whose set they share, as one of a fleet that has none of its own', async () => {
    const cluster = new DashboardCluster();
    cluster.upgrade('one', await rendered(PRODUCTION, {}));
    const manifests = await rendered(STAGING, { enabled: false, set: 'production.nexus-mcp' });
    cluster.upgrade('two', manifests);
    expect(cluster.dashboards()).toHaveLength(4);
    expect(alertLinks(manifests)).toEqual(uids(cluster.dashboards()));
  });

  it('those that were imported by hand, where the release has none', async () => {
    expect(alertLinks(await rendered(PRODUCTION, { enabled: false }))).toEqual(
      NAMES.map((name) => `nexus-mcp-${name}`),
    );
  });
});
