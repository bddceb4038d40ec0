/** Takes pictures of the dashboards, as a Grafana shows them. */
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';

const DASHBOARDS = fileURLToPath(new URL('../dashboards', import.meta.url));
/** A row of Grafana's grid with the gap below it, and the margins of a page, in pixels. */
const ROW_PIXELS = 38;
const MARGIN_PIXELS = 120;
/** For panels to be drawn after their data has come. */
const DRAWING_MS = 2000;
const PATIENCE_MS = 60_000;

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly {
    readonly title: string;
    readonly gridPos: { readonly y: number; readonly h: number };
  }[];
}

/**
 * Takes a picture of each dashboard that is committed, with the last five minutes on it.
 * @param grafana its URL; anonymous users may look at the dashboards
 * @param directory where the pictures go, each under the uid of its dashboard; it is created
 * @returns the files
 * @throws when a dashboard is not there, or shows nothing, within a minute
 */
export async function pictureDashboards(
  browser: Browser,
  grafana: string,
  directory: string,
): Promise<readonly string[]> {
  mkdirSync(directory, { recursive: true });
  const files = globSync('nexus-mcp-*.json', { cwd: DASHBOARDS }).sort();
  return Promise.all(files.map((file) => picture(file)));

  async function picture(file: string): Promise<string> {
    const { uid, panels } = JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as Dashboard;
    await untilLoaded(`${grafana}/api/dashboards/uid/${uid}`);
    // Grafana draws no panel that is out of sight.
    const rows = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
    const viewport = { width: 1600, height: rows * ROW_PIXELS + MARGIN_PIXELS };
    const page = await browser.newPage({ viewport });
    await page.goto(`${grafana}/d/${uid}?from=now-5m&to=now&theme=light&kiosk`);
    const lastTitle = page.getByText(panels.at(-1)?.title ?? '').first();
    await lastTitle.waitFor({ timeout: PATIENCE_MS });
    await page.waitForLoadState('networkidle');
    await sleep(DRAWING_MS);
    const path = join(directory, `${uid}.png`);
    await page.screenshot({ path });
    await page.close();
    return path;
  }
}

/** Grafana answers that it is well before it has read the files of dashboards. */
async function untilLoaded(url: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await fetch(url)).ok) {
    if (performance.now() > end) throw new Error(`${url} is not there`);
    await sleep(500);
  }
}
