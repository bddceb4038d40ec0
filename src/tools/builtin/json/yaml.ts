import { isScalar, LineCounter, parseDocument, stringify, visit, type Document } from 'yaml';
import { DocumentError, tooDeep } from './document.ts';

/** The longest document: hostile YAML makes the parser use over a kilobyte of memory per character. */
export const MAX_YAML_CHARACTERS = 65_536;
/** How often a document may refer to its anchors: the library takes quadratic time over many aliases. */
export const MAX_ALIASES = 100;

interface Problem {
  readonly code: string;
  /** Where in the text it starts. */
  readonly pos: readonly [number, ...number[]];
}

/** The problems whose code does not explain itself. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED:
    'the tag, or its value, is not of the core schema (null, bool, int, float, str, seq, map)',
  MULTIPLE_DOCS: 'only one document is allowed',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  TOO_MANY_ALIASES: `more than ${MAX_ALIASES} aliases`,
};

/**
 * Parses one YAML 1.2 document of the core schema (no timestamps, no binary, no custom tags), integers as
 * bigints so that none is rounded; throws a `DocumentError` for anything else.
 */
export function parseYaml(argument: string, text: string): unknown {
  if (text.length > MAX_YAML_CHARACTERS) {
    throw new DocumentError(
      `${argument} is longer than ${MAX_YAML_CHARACTERS} characters, the most for YAML.`,
    );
  }
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, {
      schema: 'core',
      resolveKnownTags: false,
      stringKeys: true,
      // The library would compare every key with every other; findProblem does it in linear time.
      uniqueKeys: false,
      intAsBigInt: true,
      prettyErrors: false,
      lineCounter,
    });
    const problem = document.errors[0] ?? document.warnings[0] ?? findProblem(document);
    if (problem) {
      // The library's messages can quote the input; its codes cannot.
      const { line, col } = lineCounter.linePos(problem.pos[0]);
      const explanation = EXPLANATIONS[problem.code] ?? problem.code.toLowerCase().replaceAll('_', ' ');
      throw new DocumentError(`${argument} is not valid YAML (line ${line} column ${col}): ${explanation}.`);
    }
    // The library counts an anchor's own use too.
    return document.toJS({ maxAliasCount: MAX_ALIASES + 1 });
  } catch (error) {
    if (error instanceof ReferenceError) {
      throw new DocumentError(
        `${argument} has an alias without an anchor before it, or nested aliases that expand too often.`,
      );
    }
    throw error instanceof RangeError ? tooDeep() : error;
  }
}

function findProblem(document: Document.Parsed): Problem | undefined {
  let problem: Problem | undefined;
  let aliases = 0;
  const stop = (code: string, position: number | undefined) => {
    problem = { code, pos: [position ?? 0] };
    return visit.BREAK;
  };
  visit(document, {
    Alias(_key, { range }) {
      aliases++;
      return aliases > MAX_ALIASES ? stop('TOO_MANY_ALIASES', range?.[0]) : undefined;
    },
    Map(_key, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) return stop('DUPLICATE_KEY', key.range?.[0]);
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return problem;
}

/** Writes plain data as YAML that readers of YAML 1.1 understand alike: `no` and `1:30` stay quoted strings. */
export function writeYaml(value: unknown): string {
  return stringify(value, { schema: 'core', compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false });
}
