import { z } from 'zod';
import { defineTool, type Toolset } from '../tool.ts';
import { pure } from './annotations.ts';
import { boundedResult, boundedText } from './bounded-text.ts';

const MAX_CHARACTERS = 100_000;

/** Words by spaces, punctuation and case: `HTTPServer`, `http-server` and `http server` have the same two. */
function words(text: string): string[] {
  return (
    (
      text
        // In pieces: normalising one long run of marks takes quadratic time (UAX #15, stream-safe text).
        .replace(/[^\p{M}]\p{M}{1,30}/gu, (cluster) => cluster.normalize('NFC'))
        .replace(/(?<=\p{L})['’](?=\p{L})/gu, '')
        .match(/\p{Lu}[\p{Lu}\p{N}\p{M}]*(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}\p{N}\p{M}]+/gu) ?? []
    ).map((word) => word.toLowerCase())
  );
}

function capitalize(word: string): string {
  const [first = '', ...rest] = word;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/** One pass with a flag: a pattern that looks ahead for the next letter would be quadratic on ". . . .". */
function sentence(text: string): string {
  let starting = true;
  return text.toLowerCase().replace(/[.!?]\s|[\p{L}\p{N}]/gu, (match) => {
    const converted = starting ? match.toUpperCase() : match;
    starting = /^[.!?]/.test(match);
    return converted;
  });
}

const CASES = {
  upper: (text: string) => text.toUpperCase(),
  lower: (text: string) => text.toLowerCase(),
  title: (text: string) => text.replace(/[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu, capitalize),
  sentence,
  camel: (text: string) =>
    words(text)
      .map((word, index) => (index === 0 ? word : capitalize(word)))
      .join(''),
  snake: (text: string) => words(text).join('_'),
  kebab: (text: string) => words(text).join('-'),
};

const stringCaseConvert = defineTool({
  name: 'string_case_convert',
  title: 'Change letter case',
  description:
    'Returns a text in another case: upper, lower, title, sentence, or, as one identifier, camel, snake or kebab. ' +
    'Identifiers split words at spaces, punctuation and camelCase humps; a text without letters and digits gives an empty one.',
  input: z.strictObject({
    text: boundedText('The text to convert.', MAX_CHARACTERS),
    case_type: z
      .enum(['upper', 'lower', 'title', 'sentence', 'camel', 'snake', 'kebab'])
      .describe('The case to convert to.'),
  }),
  output: z.string(),
  annotations: pure,
  handler: ({ text, case_type }) => boundedResult(CASES[case_type](text)),
});

/** Transformations of plain text. */
export const text: Toolset = {
  name: 'text',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [stringCaseConvert],
};
