/**
 * Names that other charts have for values of this one, and what to use instead. The schema takes them, because Helm would only say
 * that it does not know them; the templates refuse them and name what to use.
 */
export const OTHER_NAMES = {
  dashboards: 'monitoring.dashboards',
  env: 'extraEnv',
  hpa: 'autoscaling',
  imagePullSecrets: 'image.pullSecrets',
  metrics: 'monitoring.monitor for the scrape, and config.metrics for the server',
  pdb: 'podDisruptionBudget',
  podMonitor: 'monitoring.monitor, with kind: PodMonitor',
  prometheusRule: 'monitoring.rules',
  replicaCount: 'replicas',
  serviceMonitor: 'monitoring.monitor',
  volumeMounts: 'extraVolumeMounts',
  volumes: 'extraVolumes',
} as const satisfies Readonly<Record<string, string>>;
