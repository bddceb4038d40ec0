import { z } from 'zod';
import { readAddress, readHostAndPort } from '../http/host-names.ts';
import { count, seconds, written } from './setting-kinds.ts';

/** Of sessions of 2025-era clients, and of what clients carry for the server. */
export const sessionSettings = z
  .strictObject({
    max: count
      .default(1000)
      .describe('Sessions of 2025-era clients held at a time; one that is not in use gives way to a new one'),
    idleSeconds: seconds
      .default(1800)
      .describe('Time after which an unused session is held no longer; its client can still go on with it'),
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
      .describe('Answers a session keeps for clients that resume a broken stream, and as many notifications'),
    maxSubscriptions: count
      .default(1024)
      .describe('Streams of subscriptions/listen at a time; none stays open while no list can change'),
    stateKeyFile: z
      .string()
      .optional()
      .describe(
        'File with a key of at least 32 random bytes, or with two keys on a line each, that seal session ids and the state of input requests: the first seals, both open; replicas need the same file',
      ),
    address: written(readAddress)
      .optional()
      .describe('IP address at which the other replicas reach this one, at its ops.port'),
    peers: z
      .array(written(readHostAndPort))
      .prefault([])
      .describe(
        'The replicas, as host and ops.port; a name stands for all its addresses. They are told of calls that are cancelled; needs sessions.address and ops.port',
      ),
  })
  .prefault({});
