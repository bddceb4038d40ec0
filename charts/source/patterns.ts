import type { z } from 'zod';
import { resolved, valuesJsonSchema } from './values.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** What texts must be like: where they stand (`*` is any name or number, `@` each name itself), and what is expected, in words. */
export interface TextPattern {
  readonly paths: readonly string[];
  readonly pattern: string;
  readonly expected: string;
  /** Whether numbers are taken, too. */
  readonly numbers?: true;
}

/**
 * The patterns of all values. The templates hold texts against them, and not the schema: of a pattern Helm says no more
 * than that it does not match.
 */
export function textPatterns(): readonly TextPattern[] {
  const found = new Map<string, { paths: string[]; expected: string; numbers?: true }>();
  const schema = valuesJsonSchema({ patterns: true });
  for (const { path, pattern, expected, numbers } of patternsIn(schema, '', schema)) {
    const known = found.get(pattern) ?? { paths: [], expected, ...(numbers && { numbers }) };
    // Every alert has the same values.
    const place = path.replace(/^alerts\.NexusMCP\w+/, 'alerts.*');
    if (!known.paths.includes(place)) known.paths.push(place);
    found.set(pattern, known);
  }
  return [...found].map(([pattern, rest]) => ({ pattern, ...rest }));
}

interface FoundPattern extends Omit<TextPattern, 'paths'> {
  readonly path: string;
}

function patternsIn(part: JsonSchema, path: string, whole: JsonSchema): readonly FoundPattern[] {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const schema = resolved(part, whole);
  const parts: [string, unknown][] = Object.entries(schema.properties ?? {});
  parts.push(['*', schema.items], ['*', schema.additionalProperties], ['@', schema.propertyNames]);
  const { pattern, expected } = schema as { pattern?: string; expected?: string };
  const numbers = schema.type === 'string' ? {} : ({ numbers: true } as const);
  // A token must stand in no message; there is a check that it is not among the values at all.
  if (path === 'config.auth.token') return [];
  return [
    ...(pattern !== undefined && expected !== undefined ? [{ path, pattern, expected, ...numbers }] : []),
    ...parts.flatMap(([name, inside]) =>
      typeof inside === 'object' && inside !== null
        ? patternsIn(inside as JsonSchema, below(name), whole)
        : [],
    ),
  ];
}
