import { z } from 'zod';
import { count, flag, list, object, removable, text, textMap } from './fragments.ts';

const replicas = { minReplicas: count.default(2), maxReplicas: z.int().min(1).default(10) };
const bounds = {
  minReplicas: replicas.minReplicas.describe('Fewest pods'),
  maxReplicas: replicas.maxReplicas.describe('Most pods'),
};
const callsInFlight = z.number().min(0).describe('Calls in flight a pod should have; 0 for not');
const activeSessions = z
  .number()
  .min(0)
  .describe(
    'Sessions a pod should hold; 0 for not, as with a key (stateKeySecret), because each pod that serves a session holds it then, and more pods have no fewer',
  );

const behavior = removable(
  object
    .default({ scaleDown: { stabilizationWindowSeconds: 300 } })
    .describe(
      'How fast; it goes down slowly, because without a key (stateKeySecret) sessions end with their pod',
    ),
);

/** More pods for more load. */
export const scaling = {
  autoscaling: z
    .strictObject({
      enabled: flag.default(false).describe('Whether there is one; the Deployment has no replicas then'),
      ...bounds,
      cpuUtilization: count.default(70).describe('CPU use to keep, in percent of the request; 0 for not'),
      memoryUtilization: count
        .default(0)
        .describe('Memory use to keep, in percent of the request; 0 for not'),
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
      enabled: flag.default(false).describe('Whether there is one; the Deployment has no replicas then'),
      ...bounds,
      pollingInterval: z.int().min(1).default(30).describe('Seconds between two looks'),
      cooldownPeriod: count.default(300).describe('Seconds after the last trigger before it goes to none'),
      serverAddress: text
        .default('')
        .describe('Prometheus, such as http://prometheus-operated.monitoring:9090'),
      authenticationRef: text.default('').describe('TriggerAuthentication for it'),
      callsInFlight: callsInFlight.default(20),
      activeSessions: activeSessions.default(0),
      triggers: list.default([]).describe('Further triggers'),
      fallback: object
        .default({})
        .describe(
          'What to do when Prometheus fails or has no data, such as {failureThreshold: 3, replicas: 4}; without it the number of pods stays',
        ),
      behavior,
      annotations: textMap.default({}).describe('Annotations'),
    })
    .prefault({})
    .describe('A ScaledObject of KEDA, in place of autoscaling'),
};
