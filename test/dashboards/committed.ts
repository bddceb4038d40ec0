import { readFileSync } from 'node:fs';
import type { Dashboard, Panel, VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';

const ROOT = new URL('../../', import.meta.url);

/** The dashboards as they are committed, by uid. */
export const UIDS = [
  'nexus-mcp-overview',
  'nexus-mcp-tools',
  'nexus-mcp-runtime',
  'nexus-mcp-fleet',
] as const;

export const fileOf = (uid: string, folder = 'dashboards'): URL => new URL(`${folder}/${uid}.json`, ROOT);

/** A committed dashboard, and what is looked at most. */
export interface Committed {
  readonly uid: string;
  readonly text: string;
  readonly dashboard: Dashboard;
  /** Without the headings of sections. */
  readonly panels: readonly Panel[];
  readonly targets: readonly Target[];
  readonly variables: readonly VariableModel[];
}

/** A query of a panel. */
export interface Target extends Dataquery {
  readonly panel: Panel;
  /** Where it stands: `nexus-mcp-overview: Is anyone hurt? A`. */
  readonly place: string;
}

/** Reads them from the disk: what is tested is what people load. */
export const COMMITTED: readonly Committed[] = UIDS.map((uid) => {
  const text = readFileSync(fileOf(uid), 'utf8');
  const dashboard = JSON.parse(text) as Dashboard;
  const panels = (dashboard.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row');
  const targets = panels.flatMap((panel) =>
    ((panel.targets ?? []) as Dataquery[]).map((target) => ({
      ...target,
      panel,
      place: `${uid}: ${panel.title ?? ''} ${target.refId ?? ''}`,
    })),
  );
  return { uid, text, dashboard, panels, targets, variables: dashboard.templating.list ?? [] };
});

/** `label_values(series, label)` of a variable, apart. */
export function labelValuesOf({ query }: VariableModel): {
  readonly selector: string;
  readonly label: string;
} {
  const match = /^label_values\((.+), (\w+)\)$/.exec(typeof query === 'string' ? query : '');
  if (!match) throw new Error(`${JSON.stringify(query)} is no label_values(…)`);
  return { selector: match[1] ?? '', label: match[2] ?? '' };
}
