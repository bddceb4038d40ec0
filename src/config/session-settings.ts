import { z } from 'zod';
import { readAddress, readHostAndPort } from '../http/host-names.ts';
import { count, seconds, written } from './setting-kinds.ts';

/** Settings of sessions of 2025-era clients, and of sealed state that clients keep for the server. */
export const sessionSettings = z
  .strictObject({
    max: count
      .default(1000)
      .describe('Sessions of 2025-era clients held at a time; a new session replaces one that is not in use'),
    idleSeconds: seconds
      .default(1800)
      .describe(
        'Time after which an unused session is removed from memory; its client can still continue it',
      ),
    maxAgeSeconds: z
      .number()
      .positive()
      .max(31_536_000)
      .default(86_400)
      .describe('Age at which a session ends'),
    replayEvents: z
      .int()
      .min(2)
      .default(100)
      .describe(
        'Answers that a session keeps, for clients that resume a broken stream. It keeps the same number of notifications',
      ),
    maxSubscriptions: count
      .default(1024)
      .describe(
        'Most open subscriptions/listen streams. They stay open only if the list of tools can change',
      ),
    stateKeyFile: z
      .string()
      .optional()
      .describe(
        'File with one key or two, each on a line, of at least 32 random bytes. They encrypt session ids and the state of input requests: the first encrypts, both decrypt. Replicas need the same file',
      ),
    address: written(readAddress)
      .optional()
      .describe('IP address at which other replicas reach this one, at ops.port'),
    peers: z
      .array(written(readHostAndPort))
      .prefault([])
      .describe(
        'The replicas, as host:port with their ops.port; a name stands for all its addresses. Replicas pass answers and cancellations of clients on to one another. Needs sessions.address and ops.port',
      ),
  })
  .prefault({});
