import { z } from 'zod';
import { failure } from '../result.ts';
import { defineTool, type Toolset } from '../tool.ts';
import { pure } from './annotations.ts';
import { boundedResult, boundedText, MAX_CONVERTED_CHARACTERS } from './bounded-text.ts';

/** Four characters carry three bytes. */
const MAX_BASE64_CHARACTERS = Math.ceil(MAX_CONVERTED_CHARACTERS / 3) * 4;

const base64Encode = defineTool({
  name: 'base64_encode',
  title: 'Encode as base64',
  description: 'Returns the UTF-8 bytes of a text in base64 (RFC 4648, standard alphabet, padded).',
  input: z.strictObject({ text: boundedText('The text to encode.', MAX_CONVERTED_CHARACTERS) }),
  output: z.string(),
  annotations: pure,
  handler: ({ text }) => boundedResult(Buffer.from(text, 'utf8').toString('base64')),
});

const base64Decode = defineTool({
  name: 'base64_decode',
  title: 'Decode base64',
  description:
    'Returns the text that base64 (RFC 4648, standard alphabet, padded, no line breaks) stands for. Fails when ' +
    'the input is not exactly that, or the bytes are not UTF-8 text.',
  input: z.strictObject({ encoded_text: boundedText('The base64 to decode.', MAX_BASE64_CHARACTERS) }),
  output: z.string(),
  annotations: pure,
  handler({ encoded_text }) {
    const bytes = Buffer.from(encoded_text, 'base64');
    // Node skips what it cannot decode; only canonical base64 (RFC 4648, section 3.5) survives the round trip.
    if (bytes.toString('base64') !== encoded_text) {
      return failure(
        'encoded_text is not base64. Use the standard alphabet (A-Z a-z 0-9 + /), "=" padding and no spaces or line breaks.',
      );
    }
    try {
      return boundedResult(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      return failure(
        'encoded_text is base64, but its bytes are not UTF-8 text; this tool returns text only.',
      );
    }
  },
});

const urlEncode = defineTool({
  name: 'url_encode',
  title: 'Percent-encode',
  description:
    'Returns a text percent-encoded (RFC 3986) for use as one part of a URL: everything except letters, digits ' +
    'and "_.-~" is encoded, "/" and space included.',
  input: z.strictObject({ text: boundedText('The text to encode.', MAX_CONVERTED_CHARACTERS) }),
  output: z.string(),
  annotations: pure,
  handler({ text }) {
    let encoded = encodeURIComponent(text);
    for (const character of "!'()*") {
      encoded = encoded.replaceAll(character, `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    }
    return boundedResult(encoded);
  },
});

const urlDecode = defineTool({
  name: 'url_decode',
  title: 'Percent-decode',
  description:
    'Returns the text that percent-encoding stands for; "+" stays "+". Fails on a "%" without two hex digits and on bytes that are not UTF-8.',
  input: z.strictObject({
    encoded_text: boundedText('The percent-encoded text to decode.', 3 * MAX_CONVERTED_CHARACTERS),
  }),
  output: z.string(),
  annotations: pure,
  handler({ encoded_text }) {
    try {
      return boundedResult(decodeURIComponent(encoded_text));
    } catch {
      return failure(
        'encoded_text is not percent-encoded UTF-8. Follow each "%" with two hex digits, and write a plain "%" as "%25".',
      );
    }
  },
});

/** Base64 and percent-encoding, both ways. */
export const encoding: Toolset = {
  name: 'encoding',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [base64Encode, base64Decode, urlEncode, urlDecode],
};
