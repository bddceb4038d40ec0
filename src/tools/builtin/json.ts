import { z } from 'zod';
import { failure, type ToolFailure } from '../result.ts';
import { defineTool, type Toolset } from '../tool.ts';
import { pure } from './annotations.ts';
import { boundedResult, boundedText, MAX_CONVERTED_CHARACTERS } from './bounded-text.ts';
import { copy, DocumentError, MAX_DEPTH, parseJson, toNumber, toRawJson } from './json/document.ts';
import { select } from './json/path.ts';
import { MAX_ALIASES, MAX_YAML_CHARACTERS, parseYaml, writeYaml } from './json/yaml.ts';

/** The result of work on a document, or what is wrong with the document as the tool's failure. */
function attempt<Result>(work: () => Result): Result | ToolFailure {
  try {
    return boundedResult(work());
  } catch (error) {
    if (error instanceof DocumentError) return failure(error.message);
    throw error;
  }
}

const jsonFormat = defineTool({
  name: 'json_format',
  title: 'Format JSON',
  description:
    'Returns JSON indented, with the keys of every object sorted and numbers exactly as written. ' +
    `Strict JSON only; at most ${MAX_DEPTH} levels deep.`,
  input: z.strictObject({
    json_string: boundedText('The JSON to format.', MAX_CONVERTED_CHARACTERS),
    indent: z.int().min(0).max(8).default(2).describe('Spaces per level, 0 (one line) to 8. Default: 2.'),
  }),
  output: z.string(),
  annotations: pure,
  isolation: 'worker',
  handler: ({ json_string, indent }) =>
    attempt(() => {
      const document = parseJson('json_string', json_string);
      return JSON.stringify(copy(document, { number: toRawJson, sortKeys: true, indent }), null, indent);
    }),
});

/** Spelt out so that the published JSON Schema, whose patterns have no flags, allows any case too. */
const format = z.string().regex(/^(?:[Jj][Ss][Oo][Nn]|[Yy][Aa][Mm][Ll])$/, 'must be "json" or "yaml"');
const INDENT = 2;
/** Parsed JSON takes up to a hundred bytes of memory per character; this much fits a worker thread. */
const MAX_JSON_CHARACTERS = 524_288;

const convertJsonYaml = defineTool({
  name: 'convert_json_yaml',
  title: 'Convert JSON and YAML',
  description:
    'Converts between JSON and YAML 1.2 (core schema: no timestamps or custom tags, one document) and returns the ' +
    `text, indented by ${INDENT}; keys of YAML output are sorted, comments are lost. At most ${MAX_DEPTH} levels deep and ${MAX_ALIASES} aliases.`,
  input: z.strictObject({
    data: boundedText(
      `The document to convert. YAML may have ${MAX_YAML_CHARACTERS} characters.`,
      MAX_CONVERTED_CHARACTERS,
    ),
    source_format: format.describe('What data is: "json" or "yaml", in any case.'),
    target_format: format.describe('What to return: "json" or "yaml", in any case.'),
  }),
  output: z.string(),
  annotations: pure,
  isolation: 'worker',
  handler: ({ data, source_format, target_format }) =>
    attempt(() => {
      const parse = source_format.toLowerCase() === 'json' ? parseJson : parseYaml;
      const document = parse('data', data);
      if (target_format.toLowerCase() === 'json') {
        const result = copy(document, { number: toRawJson, sortKeys: false, indent: INDENT });
        return JSON.stringify(result, null, INDENT);
      }
      return writeYaml(
        copy(document, { number: (value) => toNumber(value, true), sortKeys: true, indent: INDENT }),
      );
    }),
});

const jsonPathExtractor = defineTool({
  name: 'json_path_extractor',
  title: 'Extract from JSON',
  description:
    'Returns the JSON value at a path such as a.b[0].c: keys joined by dots, array indexes in brackets, other keys ' +
    'as ["my.key"], "$" for the whole document. No wildcards or filters; a wrong path fails with up to 10 of the keys there.',
  input: z.strictObject({
    json_string: boundedText('The JSON to read.', MAX_JSON_CHARACTERS),
    json_path: boundedText('The path, such as a.b[0].c or $["my.key"].', 1024).min(1),
  }),
  output: z.unknown(),
  annotations: pure,
  isolation: 'worker',
  handler: ({ json_string, json_path }) =>
    attempt(() => {
      const selected = select(parseJson('json_string', json_string), json_path);
      return copy(selected, {
        number: (digits) => toNumber(digits, false),
        sortKeys: false,
        indent: 0,
      });
    }),
});

/** Formatting, converting and reading JSON. */
export const json: Toolset = {
  name: 'json',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [jsonFormat, convertJsonYaml, jsonPathExtractor],
};
