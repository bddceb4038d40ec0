import { describe, expect, it } from 'vitest';
import { encoding } from '../../../src/tools/builtin/encoding.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';

const TEXTS = ['', 'hello', 'naïve 🙂', '\uFEFFwith a byte order mark', 'a\0b\n'];

describe('base64_encode and base64_decode', () => {
  it('encode UTF-8 with the padded standard alphabet', async () => {
    expect(await valueOf(encoding, 'base64_encode', { text: 'ü?>' })).toBe('w7w/Pg==');
  });

  it.each(TEXTS)('bring %j back unchanged', async (text) => {
    const encoded_text = await valueOf(encoding, 'base64_encode', { text });
    expect(await valueOf(encoding, 'base64_decode', { encoded_text })).toBe(text);
  });

  it.each(['%%%', 'aGVsbG8', 'aGVs bG8=', 'aGVs\nbG8=', 'w7w_Pg==', 'aGVsbG9=', '=', 'a'])(
    'refuse %j, which a lenient decoder would take',
    async (encoded_text) => {
      expect(await failureOf(encoding, 'base64_decode', { encoded_text })).toMatch(/is not base64/);
    },
  );

  it('refuse bytes that are not UTF-8', async () => {
    expect(await failureOf(encoding, 'base64_decode', { encoded_text: '/w==' })).toMatch(/not UTF-8/);
  });

  it('decode everything that fits when encoded', async () => {
    const text = 'x'.repeat(262_144);
    const encoded_text = await valueOf(encoding, 'base64_encode', { text });
    expect(await valueOf(encoding, 'base64_decode', { encoded_text })).toBe(text);
  });
});

describe('url_encode and url_decode', () => {
  it('encode all but letters, digits and _.-~', async () => {
    expect(await valueOf(encoding, 'url_encode', { text: "aZ09_.-~ /!'()*ü" })).toBe(
      'aZ09_.-~%20%2F%21%27%28%29%2A%C3%BC',
    );
  });

  it.each(TEXTS)('bring %j back unchanged', async (text) => {
    const encoded_text = await valueOf(encoding, 'url_encode', { text });
    expect(await valueOf(encoding, 'url_decode', { encoded_text })).toBe(text);
  });

  it('keep "+" as it is', async () => {
    expect(await valueOf(encoding, 'url_decode', { encoded_text: 'a+b%2B' })).toBe('a+b+');
  });

  it.each(['%ZZ', '100%', '%FF', '%C3'])('refuse %j instead of guessing', async (encoded_text) => {
    expect(await failureOf(encoding, 'url_decode', { encoded_text })).toMatch(/not percent-encoded/);
  });
});

describe('text arguments', () => {
  it.each(['base64_encode', 'url_encode'])(
    '%s refuses an unpaired surrogate, which has no UTF-8',
    async (name) => {
      expect(await callTool(encoding, name, { text: 'a\ud800' })).toMatchObject({
        status: 'invalid_arguments',
      });
    },
  );

  it('are refused beyond 262 144 characters', async () => {
    expect(await callTool(encoding, 'base64_encode', { text: 'x'.repeat(262_145) })).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});

describe('results', () => {
  it.each([
    ['base64_encode', { text: '字'.repeat(262_144) }],
    ['url_encode', { text: '字'.repeat(262_144) }],
    ['base64_decode', { encoded_text: 'AAAA'.repeat(87_380) }],
    ['url_decode', { encoded_text: '%00'.repeat(262_144) }],
  ])('%s fails rather than exceed what the server sends', async (name, args) => {
    expect(await failureOf(encoding, name, args)).toMatch(/result is too large/);
  });
});
