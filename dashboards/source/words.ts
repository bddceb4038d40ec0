/** How series of a service, and of an instance, are called: their name alone may be that of others, elsewhere. */
export const SERVICE_LEGEND = '{{job}} {{namespace}} {{cluster}}';
export const INSTANCE_LEGEND = `{{instance}} ${SERVICE_LEGEND}`;
export const TOOL_LEGEND = `{{tool_name}} ${SERVICE_LEGEND}`;

/** Where failures are counted and none is found: metrics that have ended look the same. */
export const NO_FAILURES = 'No failures, or no data: see How many instances?';
