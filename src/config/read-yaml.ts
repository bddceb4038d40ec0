import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';

export type YamlFile =
  | { readonly ok: true; readonly content: unknown }
  | { readonly ok: false; readonly problem: string };

/** A file as it was read, or why it could not be. */
export type TextFile =
  | { readonly ok: true; readonly path: string; readonly text: string }
  | { readonly ok: false; readonly path: string; readonly problem: string };

/** Reads a text file. */
export function readText(path: string): TextFile {
  try {
    return { ok: true, path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { ok: false, path, problem: `${path}: cannot be read: ${String(error)}` };
  }
}

/** Reads a YAML file that may hold secrets. */
export const readYaml = (path: string): YamlFile => parseYaml(readText(path));

/**
 * Parses a YAML file that may hold secrets.
 * @returns what is wrong with it, in one line, without any of its content: the parser's own messages quote it
 */
export function parseYaml(file: TextFile): YamlFile {
  if (!file.ok) return file;
  const { path, text } = file;
  try {
    // At level `warn` the parser would write to stderr the lines it warns about; at `silent` it would accept anything.
    return { ok: true, content: parse(text, { logLevel: 'error' }) as unknown };
  } catch (error) {
    return { ok: false, problem: `${path}: is not valid YAML${placeOf(error)}` };
  }
}

/** The codes of the parser that slips of the hand lead to; its own messages may quote the file. */
const IN_WORDS: Readonly<Partial<Record<string, string>>> = {
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'a character that has to be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a colon too many, or text that has to be in quotes',
  DUPLICATE_KEY: 'a key that is there twice',
  MISSING_CHAR: 'a missing character, such as a colon, a quote or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key without a colon',
  TAB_AS_INDENT: 'a tab in place of spaces',
  UNEXPECTED_TOKEN: 'a character that is not expected there',
};

function placeOf(error: unknown): string {
  if (!(error instanceof YAMLParseError) || !error.linePos) return '';
  const [{ line, col }] = error.linePos;
  const what = IN_WORDS[error.code] ?? error.code;
  return `: ${what} at line ${line}, column ${col}`;
}
