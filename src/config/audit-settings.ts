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
        'File to append audit events to, in an existing directory; SIGHUP opens it again by its name; if unset, the events are lines of the log; needs audit.enabled',
      ),
  })
  .prefault({});
