/** How series of a service, and of an instance, are called: their name alone may be that of others, elsewhere. */
export const SERVICE_LEGEND = '{{job}} {{namespace}} {{cluster}}';
export const INSTANCE_LEGEND = `{{instance}} ${SERVICE_LEGEND}`;
/** The columns that say so in a table; those whose label nothing has are not shown. */
export const SERVICE_COLUMNS = { cluster: 'Cluster', namespace: 'Namespace', job: 'Job' };
export const TOOL_LEGEND = `{{tool_name}} ${SERVICE_LEGEND}`;

/** Where failures are counted and none is found: metrics that have ended look the same. */
export const NO_FAILURES = 'No failures, or no data: see How many instances?';
