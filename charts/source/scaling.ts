import { z } from 'zod';
import { count, flag, list, object, removable, text, textMap } from './fragments.ts';

const replicas = { minReplicas: count.default(2), maxReplicas: z.int().min(1).default(10) };
const bounds = {
  minReplicas: replicas.minReplicas.describe('Fewest pods'),
  maxReplicas: replicas.maxReplicas.describe('Most pods'),
};
const callsInFlight = z.number().min(0).describe('Calls in flight for each pod; 0 to ignore them');
const activeSessions = z
  .number()
  .min(0)
  .describe(
    'Sessions for each pod; 0 to ignore them. Use 0 with a key (stateKeySecret): then each pod that serves a session holds it, and more pods do not hold fewer',
  );

const behavior = removable(
  object
    .default({ scaleDown: { stabilizationWindowSeconds: 300 } })
    .describe(
      'How fast it scales; slowly down, because without a key (stateKeySecret) sessions end with their pod',
    ),
);

/** More pods for more load. */
export const scaling = {
  autoscaling: z
    .strictObject({
      enabled: flag
        .default(false)
        .describe('Whether to create a HorizontalPodAutoscaler; replicas is then not used'),
      ...bounds,
      cpuUtilization: count.default(70).describe('Target CPU use, in percent of the request; 0 to ignore it'),
      memoryUtilization: count
        .default(0)
        .describe('Target memory use, in percent of the request; 0 to ignore it'),
      callsInFlight: callsInFlight.default(0),
      activeSessions: activeSessions.default(0),
      metrics: list.default([]).describe('Further metrics'),
      behavior,
    })
    .prefault({})
    .describe(
      'A HorizontalPodAutoscaler. callsInFlight and activeSessions need the custom metrics API (k8s/examples/prometheus-adapter-values.yaml)',
    ),
  keda: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create a ScaledObject; replicas is then not used'),
      ...bounds,
      pollingInterval: z.int().min(1).default(30).describe('Seconds between two queries'),
      cooldownPeriod: count.default(300).describe('Seconds without a trigger before it scales to 0 pods'),
      serverAddress: text
        .default('')
        .describe('URL of Prometheus, such as http://prometheus-operated.monitoring:9090'),
      authenticationRef: text.default('').describe('TriggerAuthentication for it'),
      callsInFlight: callsInFlight.default(20),
      activeSessions: activeSessions.default(0),
      triggers: list.default([]).describe('Further triggers'),
      fallback: object
        .default({})
        .describe(
          'What to do when Prometheus fails or has no data, such as {failureThreshold: 3, replicas: 4}; by default the number of pods stays',
        ),
      behavior,
      annotations: textMap.default({}).describe('Annotations'),
    })
    .prefault({})
    .describe('A ScaledObject of KEDA, in place of autoscaling'),
};
