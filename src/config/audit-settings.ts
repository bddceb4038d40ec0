import { z } from 'zod';

/** Settings of the audit. */
export const auditSettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Whether an audit event is written for each decision: calls, refusals, sessions, changes of tokens, keys and upstreams',
      ),
    file: z
      .string()
      .optional()
      .describe(
        'File to which audit events are appended; its directory must exist. SIGHUP opens it again, for rotation. If unset, the events are lines of the log. Needs audit.enabled',
      ),
  })
  .prefault({});
