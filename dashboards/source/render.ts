import {
  DashboardBuilder,
  DashboardCursorSync,
  RowBuilder,
  type Dashboard as Model,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardUid } from '../../alerts/source/alert.ts';
import type { Dashboard } from './dashboard.ts';
import { buildPanel } from './panels.ts';
import { annotations, links, TAG, variables } from './variables.ts';

/** That of Grafana 10.4: newer ones migrate it when they load it. */
const SCHEMA_VERSION = 39;
/** The options of each panel are as they were in this version. */
const PLUGIN_VERSION = '10.0.0';

/** Builds the JSON that Grafana loads, in its classic schema. */
export function renderDashboard({ name, title, answers, sections }: Dashboard): Model {
  const builder = new DashboardBuilder(`nexus-mcp / ${title}`)
    .uid(dashboardUid(name))
    .description(answers)
    .tags([TAG])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variables())
    .annotations(annotations())
    .links(links());
  for (const { heading, panels } of sections) {
    if (heading !== undefined) builder.withRow(new RowBuilder(heading));
    for (const panel of panels) builder.withPanel({ build: () => buildPanel(panel) });
  }
  const dashboard = builder.build();
  // The SDK would move them from the dashboard into a menu.
  for (const one of [...(dashboard.links ?? []), ...(dashboard.annotations.list ?? [])]) delete one.placement;
  // The SDK numbers nothing; Grafana finds no panel with the id 0.
  const panels = (dashboard.panels ?? []).map((panel, index) =>
    panel.type === 'row'
      ? { ...panel, id: index + 1 }
      : { ...panel, id: index + 1, pluginVersion: PLUGIN_VERSION },
  );
  return { ...dashboard, schemaVersion: SCHEMA_VERSION, panels };
}
