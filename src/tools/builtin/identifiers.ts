import { createHash, createHmac, randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import { z } from 'zod';
import { defineTool, type Toolset } from '../tool.ts';
import { fresh, pure } from './annotations.ts';
import { boundedText, MAX_READ_CHARACTERS } from './bounded-text.ts';

const algorithm = z
  .enum(['sha256', 'sha1', 'md5', 'sha512'])
  .default('sha256')
  .describe('The hash function. Default: sha256. md5 and sha1 are broken: for old checksums only.');

const hexDigest = z.string().regex(/^(?:[0-9a-f]{2})+$/);

const generateUuid4 = defineTool({
  name: 'generate_uuid4',
  title: 'Generate a UUID',
  description:
    'Returns one random UUID (version 4) from a cryptographic source. For several, use generate_multiple_uuids.',
  input: z.strictObject({}),
  output: z.uuidv4(),
  annotations: fresh,
  handler: () => randomUUID(),
});

const generateMultipleUuids = defineTool({
  name: 'generate_multiple_uuids',
  title: 'Generate UUIDs',
  description:
    'Returns an array of 1 to 50 UUIDs: version 4 (random) or version 7 (starts with the time, so it sorts by age).',
  input: z.strictObject({
    count: z.int().min(1).max(50).default(5).describe('How many, 1 to 50. Default: 5.'),
    version: z.literal([4, 7]).default(4).describe('The UUID version, 4 or 7. Default: 4.'),
  }),
  output: z.array(z.uuid()),
  annotations: fresh,
  handler({ count, version }) {
    const generate = version === 7 ? randomUUIDv7 : randomUUID;
    return Array.from({ length: count }, () => generate());
  },
});

const TOKEN_ENCODINGS = { hex: 'hex', base64: 'base64', urlsafe: 'base64url' } as const;

const generateRandomToken = defineTool({
  name: 'generate_random_token',
  title: 'Generate a random token',
  description:
    'Returns a secret token made of 8 to 128 bytes from a cryptographic source, as hex, base64, or urlsafe ' +
    '(base64url without padding). The text is longer than the number of bytes.',
  input: z.strictObject({
    length: z
      .int()
      .min(8)
      .max(128)
      .default(32)
      .describe('Random bytes, not characters: 8 to 128. Default: 32.'),
    encoding: z
      .enum(['hex', 'base64', 'urlsafe'])
      .default('hex')
      .describe('How the bytes are written. Default: hex.'),
  }),
  output: z.string(),
  annotations: fresh,
  handler: ({ length, encoding }) => randomBytes(length).toString(TOKEN_ENCODINGS[encoding]),
});

const generateHash = defineTool({
  name: 'generate_hash',
  title: 'Hash a text',
  description:
    'Returns the hash of a text (its UTF-8 bytes) in lower-case hex: sha256, sha512, sha1 or md5. Not for passwords.',
  input: z.strictObject({ text: boundedText('The text to hash.', MAX_READ_CHARACTERS), algorithm }),
  output: hexDigest,
  annotations: pure,
  handler: ({ text, algorithm: name }) => createHash(name).update(text, 'utf8').digest('hex'),
});

const generateHmac = defineTool({
  name: 'generate_hmac',
  title: 'Authenticate a message',
  description:
    'Returns the HMAC (RFC 2104) of a message under a secret key, in lower-case hex: sha256, sha512, sha1 or md5. ' +
    'Key and message are taken as UTF-8.',
  input: z.strictObject({
    message: boundedText('The message to authenticate.', MAX_READ_CHARACTERS),
    secret_key: boundedText('The secret key; not empty.', 4096).min(1).meta({ writeOnly: true }),
    algorithm,
  }),
  output: hexDigest,
  annotations: pure,
  handler: ({ message, secret_key, algorithm: name }) =>
    createHmac(name, secret_key).update(message, 'utf8').digest('hex'),
});

/** Unique identifiers, random tokens and digests. */
export const identifiers: Toolset = {
  name: 'identifiers',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [generateUuid4, generateMultipleUuids, generateRandomToken, generateHash, generateHmac],
};
