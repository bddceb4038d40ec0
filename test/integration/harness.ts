/** Prometheus, Alertmanager, their tools and our server as they run in production, for tests. */
export { Alertmanager } from './harness/alertmanager.ts';
export { Prometheus } from './harness/prometheus.ts';
export { startContainer, startProcess, type ContainerReplica, type Replica } from './harness/replicas.ts';
export { Toolbox } from './harness/toolbox.ts';
export { valuesBy } from './harness/values.ts';
export { startWebhook } from './harness/webhook.ts';
