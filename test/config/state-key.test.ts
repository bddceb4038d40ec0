import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadStateKeys } from '../../src/config/state-key.ts';
import { settingsSchema } from '../../src/config/settings.ts';

const { sessions } = settingsSchema.parse({});

function load(content: string | Uint8Array): ReturnType<typeof loadStateKeys> {
  const directory = mkdtempSync(join(tmpdir(), 'key-'));
  writeFileSync(join(directory, 'state-key'), content);
  return loadStateKeys({ ...sessions, stateKeyFile: 'state-key' }, directory);
}

const keysIn = (content: string | Uint8Array): unknown[] => {
  const loaded = load(content);
  return loaded.ok ? loaded.keys.map((key) => Buffer.from(key).toString()) : [loaded.problems];
};

const [one, two] = ['1'.repeat(32), '2'.repeat(40)];

describe('the file of sessions.stateKeyFile', () => {
  it('has a key, with or without an end of the line', () => {
    for (const content of [one, `${one}\n`, `${one}\r\n`, `\n${one}\n\n`])
      expect(keysIn(content)).toEqual([one]);
  });

  it('has two keys on a line each, the first of which seals', () => {
    for (const content of [`${two}\n${one}\n`, `\uFEFF${two}\t\r\n${one}`])
      expect(keysIn(content)).toEqual([two, one]);
  });

  it('has a key of any bytes, line feeds among them', () => {
    const bytes = Buffer.concat([randomBytes(16), Buffer.from([0, 0x0a, 0xff]), randomBytes(16)]);
    const loaded = load(bytes);
    expect(loaded).toMatchObject({ ok: true });
    expect(loaded.ok && Buffer.from(loaded.keys[0]).equals(bytes) && loaded.keys.length).toBe(1);
  });

  it.each([
    ['', /has no key$/],
    ['short', /has fewer than 32 bytes$/],
    // As base64 of many bytes is wrapped.
    [`${'x'.repeat(64)}\n${'x'.repeat(24)}\n`, /fewer than 32 characters in line 2: each line is a key$/],
    [[one, two, one].join('\n'), /more than 2 lines: each line is a key$/],
  ])('is refused with what is wrong with it: %j', (content, problem) => {
    const loaded = load(content);
    expect(loaded).toEqual({ ok: false, problems: [expect.stringMatching(problem) as string] });
    expect(JSON.stringify(loaded)).not.toContain('xxxx');
  });

  it('need not be there: then the key is another one in each process', () => {
    const [first, second] = [loadStateKeys(sessions, '.'), loadStateKeys(sessions, '.')];
    expect(first.ok && second.ok && Buffer.from(first.keys[0]).equals(second.keys[0])).toBe(false);
    expect(first.ok && first.keys[0].length).toBe(32);
  });
});
