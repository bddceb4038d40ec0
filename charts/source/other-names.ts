/** Names of parameters of the rules (alerts/source/parameters.ts) for values of an alert; the templates refuse them in the same way. */
export const OTHER_NAMES_OF_ALERTS = {
  forSeconds: 'for, with a unit, as 15m',
  keepFiringForSeconds: 'keepFiringFor, with a unit, as 15m',
} as const satisfies Readonly<Record<string, string>>;

/**
 * Names that other charts have for values of this one, below their sections, and what to use instead. The schema takes them, because
 * Helm would only say that it does not know them; the templates refuse them and name what to use.
 */
export const OTHER_NAMES = {
  'auth.issuers': 'config.auth.issuers',
  'auth.resource': 'config.auth.resource',
  'auth.token': 'auth.tokenSecret, which names a Secret',
  'autoscaling.targetCPUUtilizationPercentage': 'autoscaling.cpuUtilization',
  'autoscaling.targetMemoryUtilizationPercentage': 'autoscaling.memoryUtilization',
  dashboards: 'monitoring.dashboards',
  env: 'extraEnv',
  hpa: 'autoscaling',
  imagePullSecrets: 'image.pullSecrets',
  livenessProbe: 'probes.liveness',
  metrics: 'monitoring.monitor for the scrape, and config.metrics for the server',
  'monitoring.enabled':
    'monitoring.monitor.enabled, monitoring.rules.enabled and monitoring.dashboards.enabled',
  'monitoring.serviceMonitor': 'monitoring.monitor',
  pdb: 'podDisruptionBudget',
  podMonitor: 'monitoring.monitor, with kind: PodMonitor',
  prometheusRule: 'monitoring.rules',
  readinessProbe: 'probes.readiness',
  replicaCount: 'replicas',
  resource: 'resources',
  serviceMonitor: 'monitoring.monitor',
  startupProbe: 'probes.startup',
  volumeMounts: 'extraVolumeMounts',
  volumes: 'extraVolumes',
} as const satisfies Readonly<Record<string, string>>;
