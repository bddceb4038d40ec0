import { dashboardUid } from '../../alerts/source/alert.ts';
import type { Dashboard } from './dashboard.ts';
import { DASHBOARDS } from './dashboards.ts';
import { PARAMETERS } from './limits.ts';
import { renderDashboard } from './render.ts';

/**
 * The marks that the chart's template replaces: by the name of a set of dashboards, by what follows the uids of these here, and by the
 * URL of the runbooks.
 */
export const MARKS = { set: '@set@', suffix: '@suffix@', runbookUrl: '@runbookUrl@' } as const;

const UIDS = new RegExp(`("uid": "|/d/)(${DASHBOARDS.map(({ name }) => dashboardUid(name)).join('|')})`, 'g');

/**
 * A dashboard as the chart has it: one of a set that stands beside those of other releases in one Grafana, which takes
 * each uid once, and each title once in a folder. Links lead to the set's own, those at the top by its tag.
 */
export function chartDashboard(dashboard: Dashboard): string {
  const rendered = renderDashboard(dashboard);
  const { title = '', tags = [], links = [] } = rendered;
  const marked = {
    ...rendered,
    title: `${title} (${MARKS.set})`,
    tags: [...tags, MARKS.set],
    links: links.map((link) => ({ ...link, tags: [MARKS.set] })),
  };
  const text = JSON.stringify(marked, null, 2)
    .replaceAll(UIDS, `$1$2${MARKS.suffix}`)
    .replaceAll(PARAMETERS.runbookBaseUrl, MARKS.runbookUrl);
  return `${text}\n`;
}
