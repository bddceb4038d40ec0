import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';

export type YamlFile =
  | { readonly ok: true; readonly content: unknown }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads a YAML file that may hold secrets.
 * @returns what is wrong with it, in one line, without any of its content: the parser's own messages quote it
 */
export function readYaml(path: string): YamlFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { ok: false, problem: `${path}: cannot be read: ${String(error)}` };
  }
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
