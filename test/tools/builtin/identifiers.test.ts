import { describe, expect, it } from 'vitest';
import { identifiers } from '../../../src/tools/builtin/identifiers.ts';
import type { TypedSchema } from '../../../src/tools/tool.ts';
import { callTool, valueOf } from '../../support/call-tool.ts';

const uuid = (version: number) =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

describe('generate_uuid4', () => {
  it('returns a bare version 4 UUID, another one each time', async () => {
    const first = await valueOf(identifiers, 'generate_uuid4', {});
    expect(first).toMatch(uuid(4));
    expect(await valueOf(identifiers, 'generate_uuid4', {})).not.toBe(first);
  });
});

describe('generate_multiple_uuids', () => {
  it('returns five of version 4 by default', async () => {
    const uuids = (await valueOf(identifiers, 'generate_multiple_uuids', {})) as string[];
    expect(uuids).toEqual(Array(5).fill(expect.stringMatching(uuid(4))));
    expect(new Set(uuids).size).toBe(5);
  });

  it('returns up to 50 of version 7', async () => {
    const uuids = await valueOf(identifiers, 'generate_multiple_uuids', { count: 50, version: 7 });
    expect(uuids).toEqual(Array(50).fill(expect.stringMatching(uuid(7))));
  });

  it.each([{ count: 0 }, { count: 51 }, { count: 1.5 }, { version: 1 }, { version: '4' }])(
    'refuses %j instead of clamping it; version 1 would leak the MAC address',
    async (args) => {
      expect(await callTool(identifiers, 'generate_multiple_uuids', args)).toMatchObject({
        status: 'invalid_arguments',
      });
    },
  );
});

describe('generate_random_token', () => {
  it.each([
    [{}, /^[0-9a-f]{64}$/],
    [{ length: 8, encoding: 'base64' }, /^[A-Za-z0-9+/]{11}=$/],
    [{ length: 8, encoding: 'urlsafe' }, /^[A-Za-z0-9_-]{11}$/],
    [{ length: 128 }, /^[0-9a-f]{256}$/],
  ])('%j counts bytes, and urlsafe has no padding', async (args, shape) => {
    expect(await valueOf(identifiers, 'generate_random_token', args)).toMatch(shape);
  });

  it.each([{ length: 7 }, { length: 129 }, { encoding: 'base32' }])('refuses %j', async (args) => {
    expect(await callTool(identifiers, 'generate_random_token', args)).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});

describe('generate_hash', () => {
  // FIPS 180-4 and RFC 1321 test vectors for "abc".
  it.each([
    [undefined, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['md5', '900150983cd24fb0d6963f7d28e17f72'],
    [
      'sha512',
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    ],
  ])('%s matches the published vector', async (algorithm, digest) => {
    const args = { text: 'abc', ...(algorithm && { algorithm }) };
    expect(await valueOf(identifiers, 'generate_hash', args)).toBe(digest);
  });

  it('refuses an unknown algorithm', async () => {
    expect(await callTool(identifiers, 'generate_hash', { text: 'abc', algorithm: 'crc32' })).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});

describe('generate_hmac', () => {
  it('matches RFC 4231, test case 2', async () => {
    const args = { message: 'what do ya want for nothing?', secret_key: 'Jefe' };
    expect(await valueOf(identifiers, 'generate_hmac', args)).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('refuses an empty key without repeating other arguments', async () => {
    const outcome = await callTool(identifiers, 'generate_hmac', {
      message: 'private words',
      secret_key: '',
    });
    expect(outcome).toMatchObject({ status: 'invalid_arguments' });
    expect(JSON.stringify(outcome)).not.toContain('private words');
  });

  it('publishes the key as write-only, so that clients and logs can leave it out', () => {
    const tool = identifiers.tools.find(({ name }) => name === 'generate_hmac');
    const { jsonSchema } = (tool?.input as TypedSchema)['~standard'];
    expect(jsonSchema.input({ target: 'draft-2020-12' })).toMatchObject({
      properties: { secret_key: { writeOnly: true } },
    });
  });
});
