import { isObject } from './plain-result.ts';
import type { TypedSchema } from './tool.ts';

/** Why something is no schema that can be published, and what to do, if it is one of a library or has some by name. */
export function misusedLibrary(schema: object): string | undefined {
  if (isOfZod3(schema)) return withoutJsonSchema('zod 3', OTHER_ZOD);
  const [name] = Object.entries(schema).find(([, value]) => isOfLibrary(value)) ?? [];
  if (name !== undefined) return `its values are schemas; wrap it: z.strictObject({ ${name}: … })`;
  const place = libraryIn(schema, []);
  return (
    place && `${place} is a schema of a library, inside plain JSON Schema; write all of it as one of them`
  );
}

/** Where a schema of a library is in plain JSON Schema, if one is. */
function libraryIn(value: unknown, path: readonly string[], seen = new Set<unknown>()): string | undefined {
  if (isOfLibrary(value)) return path.join('.');
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined;
  seen.add(value);
  for (const [key, part] of Object.entries(value)) {
    const place = libraryIn(part, [...path, key], seen);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** What to do with a schema of Standard Schema whose library writes no JSON Schema. */
export function otherLibraryFor(schema: TypedSchema): string {
  const { vendor } = schema['~standard'];
  if (vendor === 'zod') return withoutJsonSchema(`zod ${versionOf(schema)}`, OTHER_ZOD);
  return withoutJsonSchema(vendor, vendor === 'valibot' ? CONVERTER : OTHER);
}

const OTHER_ZOD = 'use z of nexus-mcp/tools, or install zod 4.2 or later (not zod/mini)';
const CONVERTER = 'pass this one through toStandardJsonSchema of @valibot/to-json-schema';
const OTHER = 'use a version with Standard JSON Schema, or z of nexus-mcp/tools';

const withoutJsonSchema = (library: string, advice: string): string =>
  `schemas of ${library} do not write JSON Schema: ${advice}`;

/** Zod 3 does not say its version. */
function versionOf(schema: object): string {
  const { version } = (schema as { readonly _zod?: { readonly version?: object } })._zod ?? {};
  return version ? Object.values(version).join('.') : '3';
}

/** Before 3.24, zod has no Standard Schema. */
const isOfZod3 = (value: object): boolean => '_def' in value && 'parse' in value;

const isOfLibrary = (value: unknown): boolean =>
  (typeof value === 'function' || isObject(value)) && ('~standard' in value || isOfZod3(value));
