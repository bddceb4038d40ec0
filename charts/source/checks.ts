import { z } from 'zod';
import { flag, list, object, removable, secretKey, text, textMap } from './fragments.ts';

/** Objects besides the server: what tests it, and the operator's own. */
export const checks = {
  probe: z
    .strictObject({
      helmTest: flag
        .default(true)
        .describe('Whether there is a pod for helm test; false says that nobody runs it'),
      tool: text.default('').describe('Tool to call; empty for current_timestamp, which only reads'),
      arguments: object.default({}).describe('Arguments of the tool'),
      tokenSecret: secretKey('token', 'Bearer token to call with; empty for auth.tokenSecret'),
      resources: removable(
        object
          .default({ requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } })
          .describe('Resources of the pods that probe'),
      ),
      podLabels: textMap.default({}).describe('Labels of those pods, for network policies'),
    })
    .prefault({})
    .describe('What helm test and the canary run: nexus-mcp probe, from the same image'),
  canary: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create one'),
      schedule: text.min(1).default('*/5 * * * *').describe('Schedule, as cron writes it'),
      activeDeadlineSeconds: z.int().min(1).default(60).describe('Seconds that a run may take'),
      failedJobsHistoryLimit: z.int().min(0).default(3).describe('Failed runs to keep'),
      ttlSecondsAfterFinished: z
        .int()
        .min(0)
        .default(3600)
        .describe(
          'Time after which a run is deleted, whether it failed or not. Alerts on failed Jobs, such as KubeJobFailed, fire as long as the Job exists',
        ),
    })
    .prefault({})
    .describe('A CronJob that calls a tool from time to time, as a client would'),
  strict: flag
    .default(false)
    .describe(
      'Whether everything that the notes warn of is an error. For GitOps, where nobody sees the notes',
    ),
  extraObjects: list
    .default([])
    .describe("Objects of your own; Helm expands templates in their texts, such as '{{ .Release.Name }}'"),
  extraObjectsAsIs: list
    .default([])
    .describe(
      "Objects of your own that Helm does not expand, such as an AlertmanagerConfig with Alertmanager's templates",
    ),
};
