/** The container images of the tests, by the names and tags that registries know. */

export const PROMETHEUS_IMAGE = 'prom/prometheus:v3.5.3';
export const ALERTMANAGER_IMAGE = 'prom/alertmanager:v0.33.1';
/** A proxy that stands in front, as many do. */
export const NGINX_IMAGE = 'nginx:1.30';
/** What the Dockerfile starts from. */
export const NODE_IMAGE = 'node:24-bookworm-slim';
/** Ours, built from the Dockerfile. */
export const SERVER_IMAGE = 'nexus-mcp:test';
/** Testcontainers' reaper, which removes what a killed run left behind. */
export const REAPER_IMAGE = 'testcontainers/ryuk:0.14.0';
/** For who looks at the demonstration; no test needs it. */
export const GRAFANA_IMAGE = 'grafana/grafana:13.2.3';
