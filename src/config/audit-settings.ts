import { z } from 'zod';

/** Of writing decisions down. */
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
        'File that audit events are appended to, in a directory that is there; opened again by its name on SIGHUP; if unset, they are lines of the log; needs audit.enabled',
      ),
  })
  .prefault({});
