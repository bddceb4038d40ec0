import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Panel, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { MARKS } from '../../dashboards/source/chart.ts';
import { PARAMETERS } from '../../dashboards/source/limits.ts';
import { COMMITTED, fileOf, labelValuesOf, UIDS } from './committed.ts';

/** The annotations of a ConfigMap may have 256 KiB, and `kubectl apply` puts the whole of it into one. */
const LARGEST_BYTES = 200 * 1024;

/** Panels that Grafana 10 brings. */
const KINDS = ['heatmap', 'stat', 'state-timeline', 'table', 'timeseries'];

/** What fits on a screen of 1080 lines below the menus, in rows of 38 pixels. */
const FIRST_SCREEN_ROWS = 21;

const byTitle = (panels: readonly Panel[], title: string): Panel => {
  const panel = panels.find((one) => one.title === title);
  if (!panel) throw new Error(`there is no panel ${title}`);
  return panel;
};

it('dashboards have the names that alerts and bookmarks know', () => {
  expect(COMMITTED.map(({ dashboard }) => dashboard.uid)).toEqual([...UIDS]);
  expect(UIDS.filter((uid) => uid.length > 40)).toEqual([]);
});

describe.each(COMMITTED)('$uid', ({ uid, text, dashboard, panels, targets, variables }) => {
  it('is the same in the chart but for what a release names, and fits into a ConfigMap', () => {
    const charted = readFileSync(fileOf(uid, 'charts/nexus-mcp/files/dashboards'), 'utf8');
    const named = charted
      .replaceAll(MARKS.suffix, '')
      .replaceAll(MARKS.runbookUrl, PARAMETERS.runbookBaseUrl);
    expect(JSON.parse(named)).toEqual({
      ...dashboard,
      title: `${dashboard.title ?? ''} (${MARKS.set})`,
      tags: [...(dashboard.tags ?? []), MARKS.set],
      links: dashboard.links?.map((link) => ({ ...link, tags: [MARKS.set] })),
    });
    expect(Buffer.byteLength(charted)).toBeLessThan(LARGEST_BYTES);
  });

  it('is of the classic schema that Grafana 10 to 13 load, with panels that all of them have', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38);
    expect(dashboard.schemaVersion).toBeLessThanOrEqual(42);
    expect(panels.filter(({ type }) => !KINDS.includes(type))).toEqual([]);
    for (const { pluginVersion } of panels) expect(pluginVersion).toMatch(/^10\./);
  });

  it('asks for no input on import and knows no data source, name or address of its own', () => {
    expect(text).not.toMatch(/__inputs|__requires|DS_PROMETHEUS|"uid": "(?!\$\{datasource\}|nexus-mcp-)/);
    expect(targets.filter(({ expr }) => /(?:job|instance|namespace|cluster)="/.test(expr))).toEqual([]);
  });

  it('numbers its panels, and names the queries of each', () => {
    const ids = (dashboard.panels ?? []).map(({ id }) => id);
    expect(ids).toEqual(ids.map((_id, index) => index + 1));
    for (const { targets: queries = [] } of panels) {
      const refs = queries.map((query) => (query as { refId?: string }).refId);
      expect(refs).toEqual(['A', 'B', 'C', 'D', 'E', 'F'].slice(0, refs.length));
    }
  });

  it('has no two panels of one title, and none over another', () => {
    const titles = panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    const cells = (dashboard.panels ?? []).flatMap(({ gridPos = { x: 0, y: 0, w: 0, h: 0 } }) => {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      return Array.from({ length: gridPos.w * gridPos.h }, (_cell, index) => {
        const [x, y] = [gridPos.x + (index % gridPos.w), gridPos.y + Math.floor(index / gridPos.w)];
        return `${x},${y}`;
      });
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('says of each panel what is good, and more than that', () => {
    for (const { title, description = '' } of panels) {
      expect(description, title).toMatch(/Good: [^.]+\./);
      expect(description.length, title).toBeGreaterThan(80);
    }
  });

  it('gives each panel thresholds, a text for no data, and names for what it shows', () => {
    for (const { title, fieldConfig } of panels) {
      expect(fieldConfig?.defaults.noValue, title).toMatch(/\w/);
      expect(fieldConfig?.defaults.thresholds?.steps[0], title).toMatchObject({ value: null });
    }
    expect(targets.filter(({ legendFormat = '' }) => legendFormat === '').map(({ place }) => place)).toEqual(
      [],
    );
  });

  it('takes nothing to show for good news only where it says that there may be no data', () => {
    const filtered = panels.filter(({ targets: queries = [] }) =>
      queries.every((query) => {
        const { expr = '' } = query as { expr?: string };
        return /error|folded/.test(expr) && expr.endsWith('> 0');
      }),
    );
    for (const { title, fieldConfig } of filtered) {
      expect(fieldConfig?.defaults.noValue, title).toMatch(/^No.*, or no data: see /);
    }
    // In other words too.
    const good = panels.filter(({ fieldConfig }) =>
      /\bfail|\bfired|^None in/.test(fieldConfig?.defaults.noValue ?? ''),
    );
    const alone = good.filter(({ fieldConfig }) => !fieldConfig?.defaults.noValue?.includes(', or '));
    expect(alone.map(({ title }) => title)).toEqual([]);
  });

  it('says of a cell without a value that it has none, and not that the table is empty', () => {
    for (const { type, title, fieldConfig, targets: queries = [] } of panels) {
      if (type !== 'table') continue;
      for (const query of queries) {
        const { legendFormat = '' } = query as { legendFormat?: string };
        const override = fieldConfig?.overrides.find(({ matcher }) => matcher.options === legendFormat);
        expect(override?.properties, title).toContainEqual({ id: 'noValue', value: '-' });
      }
    }
  });

  it('changes colour where a line is', () => {
    const drawn = panels.map(({ fieldConfig }) => fieldConfig?.defaults.thresholds?.steps ?? []);
    expect(drawn.filter(([least, first]) => first && first.color === least?.color)).toEqual([]);
  });

  it('shows a legend wherever there is more than one line', () => {
    const lines = panels.filter(({ type }) => type === 'timeseries');
    const hidden = lines.filter(
      ({ options }) => !(options as { legend: { showLegend: boolean } }).legend.showLegend,
    );
    expect(hidden.map(({ title }) => title)).toEqual([]);
  });

  it('shows exemplars wherever it shows how long something takes, over time', () => {
    const timed = panels.filter(({ targets: queries = [] }) =>
      queries.some((query) => {
        const { expr = '', range = false } = query as { expr?: string; range?: boolean };
        return range && /(?:tool|operation|request)_duration_seconds_bucket/.test(expr);
      }),
    );
    const without = timed.filter(
      ({ targets: queries = [] }) => !queries.some((query) => (query as { exemplar?: boolean }).exemplar),
    );
    expect(without.map(({ title }) => title)).toEqual([]);
  });

  it('keeps the bounds of histograms where it works out quantiles', () => {
    const quantiles = targets.filter(({ expr }) => expr.includes('histogram_quantile'));
    expect(
      quantiles.filter(({ expr }) => !/histogram_quantile\([\d.]+, sum by \([^)]*\ble\)/.test(expr)),
    ).toEqual([]);
  });

  it('links the others, with the time and the choices', () => {
    expect(dashboard.tags).toContain('nexus-mcp');
    expect(dashboard.links).toMatchObject([
      { type: 'dashboards', tags: ['nexus-mcp'], keepTime: true, includeVars: true },
    ]);
  });

  it('offers choices that narrow each other, take several values, and All to begin with', () => {
    expect(variables.map(({ name }) => name)).toEqual([
      'datasource',
      'cluster',
      'namespace',
      'job',
      'instance',
      'tool_name',
    ]);
    const queries = variables.slice(1);
    for (const [index, variable] of queries.entries()) {
      const { selector, label } = labelValuesOf(variable);
      expect(label).toBe(variable.name);
      expect([...selector.matchAll(/=~"\$(\w+)"/g)].map(([, name]) => name)).toEqual(
        queries.slice(0, index).map(({ name }) => name),
      );
      expect(variable).toMatchObject({ multi: true, includeAll: true, current: { value: '$__all' } });
      // Services without the label are there too.
      expect(variable.allValue).toBe(['cluster', 'namespace'].includes(label) ? '.*' : '.+');
    }
  });

  it('uses every choice it offers', () => {
    const used = targets.map(({ expr }) => expr).join('\n');
    expect(variables.slice(1).filter(({ name }) => !used.includes(`"$${name}`))).toEqual([]);
  });

  it('leads from tools to the tool alone, where every variable of the address is known', () => {
    const links = [...text.matchAll(/"url": "(\/d\/[^"]+)"/g)].map(([, url = '']) => url);
    for (const url of links) {
      const target = COMMITTED.find((one) => url.startsWith(`/d/${one.uid}?`));
      const names = [...url.matchAll(/\$\{(\w+):queryparam\}|var-(\w+)=/g)].map(
        ([, kept, set]) => kept ?? set,
      );
      expect(names.sort()).toEqual(target?.variables.map(({ name }) => name).sort());
    }
    expect(links.length).toBeGreaterThan(0);
  });

  it('marks deploys, starts and pages in all graphs', () => {
    const { list = [] } = dashboard.annotations;
    expect(list.map(({ name, enable }) => ({ name, enable }))).toEqual(
      ['Deploys', 'Starts', 'Pages'].map((name) => ({ name, enable: true })),
    );
    expect(JSON.stringify(list[0])).toContain('mcp_build_info');
  });

  it('links runbooks that exist', () => {
    const names = [...text.matchAll(/alerts\/runbooks\/(\w+)\.md/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(0);
    const missing = names.filter(
      (name) => !existsSync(new URL(`../../alerts/runbooks/${name}.md`, import.meta.url)),
    );
    expect(missing).toEqual([]);
  });
});

it('the first screen of the overview has who is hurt, which tool fails and why, and which alerts fire', () => {
  const [overview] = COMMITTED;
  for (const title of [
    'Is anyone hurt?',
    'Which tool fails, and why?',
    'Which alerts fire?',
    'Why do calls fail?',
  ]) {
    const { gridPos = { y: Infinity, h: 0 } } = byTitle(overview?.panels ?? [], title);
    expect(gridPos.y + gridPos.h, title).toBeLessThanOrEqual(FIRST_SCREEN_ROWS);
  }
});

it('is red where an outage pages: no instance up, or a service without any', () => {
  const { fieldConfig, targets = [] } = byTitle(COMMITTED[0]?.panels ?? [], 'How many instances?');
  /** The colour of a value of a query. */
  const colorOf = (legend: string, value: number): string | undefined => {
    const query = targets.find((one) => (one as { legendFormat?: string }).legendFormat === legend);
    const override = fieldConfig?.overrides.find(
      ({ matcher }) => matcher.options === (query as { refId?: string }).refId,
    );
    const property = override?.properties.find(({ id }) => id === 'thresholds');
    const { steps } = property?.value as ThresholdsConfig;
    return steps.findLast(({ value: from }) => from === null || value >= from)?.color;
  };
  expect(['Up', 'Services down'].map((legend) => [colorOf(legend, 0), colorOf(legend, 1)])).toEqual([
    ['red', 'green'],
    ['green', 'red'],
  ]);
});

it('the table of all tools has their rate, failures, latency and result size, whatever tool is chosen', () => {
  const table = byTitle(COMMITTED[1]?.panels ?? [], 'How is each tool?');
  const headings = (table.targets ?? []).map((query) => (query as { legendFormat?: string }).legendFormat);
  expect(headings).toEqual([
    'Calls per second',
    "Failed, server's fault",
    'Failed, all',
    '95 % take less than',
    'Mean result',
    'In flight',
  ]);
  expect(JSON.stringify(table.targets)).not.toContain('$tool_name');
});
