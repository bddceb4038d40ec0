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

function placeOf(error: unknown): string {
  if (!(error instanceof YAMLParseError) || !error.linePos) return '';
  const [{ line, col }] = error.linePos;
  return `: ${error.code} at line ${line}, column ${col}`;
}
