import { z } from 'zod';
import { count, flag, list, object, removable, text, textMap, webUrl } from './fragments.ts';

const replicas = { minReplicas: count.default(2), maxReplicas: z.int().min(1).default(10) };
const bounds = {
  minReplicas: replicas.minReplicas.describe('Fewest pods'),
  maxReplicas: replicas.maxReplicas.describe('Most pods'),
};
const callsInFlight = z
  .number()
  .min(0)
  .describe('Calls in flight that a pod should have; 0 to not scale by them');
const activeSessions = z
  .number()
  .min(0)
  .describe(
    'Sessions that a pod should hold; 0 to not scale by them. Do not use it with a key (stateKeySecret): every pod that serves a session then holds it, so more pods do not lower the number of each',
  );

const behavior = removable(
  object
    .default({ scaleDown: { stabilizationWindowSeconds: 300 } })
    .describe(
      'How fast to scale. By default it scales down slowly, because without a key (stateKeySecret) sessions end with their pod',
    ),
);

/** More pods for more load. */
export const scaling = {
  autoscaling: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create one. The Deployment then has no replicas'),
      ...bounds,
      cpuUtilization: count
        .default(70)
        .describe('CPU use to keep, in percent of the request; 0 to not scale by it'),
      memoryUtilization: count
        .default(0)
        .describe('Memory use to keep, in percent of the request; 0 to not scale by it'),
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
      enabled: flag.default(false).describe('Whether to create one. The Deployment then has no replicas'),
      ...bounds,
      pollingInterval: z.int().min(1).default(30).describe('Seconds between two checks of the triggers'),
      cooldownPeriod: count.default(300).describe('Seconds after the last trigger before it scales to 0'),
      serverAddress: webUrl
        .default('')
        .describe('Prometheus, such as http://prometheus-operated.monitoring:9090'),
      authenticationRef: text.default('').describe('TriggerAuthentication for Prometheus'),
      callsInFlight: callsInFlight.default(20),
      activeSessions: activeSessions.default(0),
      triggers: list.default([]).describe('Further triggers'),
      fallback: object
        .default({})
        .describe(
          'What to do if Prometheus fails or has no data, such as {failureThreshold: 3, replicas: 4}; without it the number of pods stays',
        ),
      behavior,
      annotations: textMap.default({}).describe('Annotations'),
    })
    .prefault({})
    .describe('A ScaledObject of KEDA, instead of autoscaling'),
};
