import { isScalar, LineCounter, parseDocument, stringify, visit, type Document } from 'yaml';
import { DocumentError, tooDeep } from './document.ts';

const MAX_ALIASES = 100;

interface Problem {
  readonly code: string;
  readonly pos: readonly [number, ...number[]];
}

/**
 * Parses one YAML 1.2 document of the core schema (no timestamps, no binary, no custom tags), integers as
 * bigints so that none is rounded; throws a `DocumentError` for anything else.
 */
export function parseYaml(argument: string, text: string): unknown {
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, {
      schema: 'core',
      resolveKnownTags: false,
      stringKeys: true,
      // The library compares every key with every other; see findDuplicateKey.
      uniqueKeys: false,
      intAsBigInt: true,
      prettyErrors: false,
      lineCounter,
    });
    const problem = document.errors[0] ?? document.warnings[0] ?? findDuplicateKey(document);
    if (problem) {
      // The library's messages can quote the input; its codes cannot.
      const { line, col } = lineCounter.linePos(problem.pos[0]);
      throw new DocumentError(
        `${argument} is not valid YAML (line ${line} column ${col}): ${explain(problem.code)}.`,
      );
    }
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) {
      throw new DocumentError(
        `${argument} has an alias without an anchor, or aliases expand more than ${MAX_ALIASES} times.`,
      );
    }
    throw error instanceof RangeError ? tooDeep() : error;
  }
}

/** The second of two equal keys of a mapping, found in linear time: a flat mapping of 100 000 keys is 1 MB. */
function findDuplicateKey(document: Document.Parsed): Problem | undefined {
  let duplicate: Problem | undefined;
  visit(document, {
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          duplicate = { code: 'DUPLICATE_KEY', pos: [key.range?.[0] ?? 0] };
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return duplicate;
}

function explain(code: string): string {
  if (code === 'TAG_RESOLVE_FAILED')
    return 'the tag, or its value, is not of the core schema (null, bool, int, float, str, seq, map)';
  if (code === 'MULTIPLE_DOCS') return 'only one document is allowed';
  return code.toLowerCase().replaceAll('_', ' ');
}

/** Writes plain data as YAML that readers of YAML 1.1 understand alike: `no` and `1:30` stay quoted strings. */
export function writeYaml(value: unknown): string {
  return stringify(value, { schema: 'core', compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false });
}
