import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { fieldsIn, MAX_PROBLEMS, problemsIn, type Issue } from './problems.ts';
import { misusedLibrary, otherLibraryFor } from './schema-libraries.ts';
import { mistakesIn } from './schema-mistakes.ts';
import { nameOf } from './strict-json.ts';
import type { JsonSchema, Schema, TypedSchema } from './tool.ts';

export type Validation = { readonly ok: true; readonly value: unknown } | Invalid;
export interface Invalid {
  readonly ok: false;
  /** One line a problem, each naming the place; no values, so that no secret is echoed. */
  readonly problems: readonly string[];
  /** The fields of the schema that these are in, for the log: nothing that a caller wrote. */
  readonly fields?: readonly string[];
}

/** A schema ready to publish and to validate with: what is published is what is enforced. */
export interface CompiledSchema {
  readonly json: JsonSchema;
  validate(value: unknown): Validation | Promise<Validation>;
}

type Side = 'input' | 'output';

/**
 * Compiles a tool author's schema.
 * @param side whether it describes arguments or results: a schema with defaults publishes differently
 * @throws when the schema cannot be expressed as JSON Schema 2020-12 or is not valid
 */
export function compileSchema(schema: Schema, side: Side): CompiledSchema {
  if (isTyped(schema)) return compileTyped(schema, side);
  const misused = misusedLibrary(schema);
  if (misused !== undefined) throw new Error(misused);
  return compileJson(schema, side);
}

/** Whether a schema is one of a library, such as zod, and not plain JSON Schema. */
export function isTyped(schema: Schema): schema is TypedSchema {
  return '~standard' in schema;
}

function compileTyped(schema: TypedSchema, side: Side): CompiledSchema {
  const standard = schema['~standard'];
  const json = publish(schema, side);
  const toValidation = (result: Awaited<ReturnType<typeof standard.validate>>): Validation =>
    result.issues === undefined
      ? { ok: true, value: result.value }
      : invalid(result.issues, result.issues, json, side);
  return {
    json,
    validate(value) {
      const result = standard.validate(value);
      return result instanceof Promise ? result.then(toValidation) : toValidation(result);
    },
  };
}

function publish(schema: TypedSchema, side: Side): JsonSchema {
  const { jsonSchema } = schema['~standard'] as Partial<TypedSchema['~standard']>;
  if (!jsonSchema) throw new Error(otherLibraryFor(schema));
  const target = 'draft-2020-12';
  try {
    return jsonSchema[side]({ target });
  } catch (error) {
    const unknown = new Map<string, string>();
    // Zod's error does not say where. Asked to leave out what it cannot express, it shows what that is.
    const override = ({ zodSchema, jsonSchema: json, path }: ZodNode): void => {
      const { type } = zodSchema._zod.def;
      if (type === 'any' || type === 'unknown' || Object.keys(json).length > 0) return;
      const place = path.filter((part) => part !== 'properties').join('.') || WHOLE[side];
      if (!unknown.has(place)) unknown.set(place, type);
    };
    jsonSchema[side]({ target, libraryOptions: { unrepresentable: 'any', override } });
    if (unknown.size === 0) throw error;
    const found = [...unknown].toReversed().slice(0, MAX_PROBLEMS);
    const places = found.map(([place, type]) => `${place} (z.${type}()${INSTEAD.get(type) ?? ''})`);
    throw new Error(`JSON Schema cannot express ${places.join(', ')}`, { cause: error });
  }
}

/** What to use for kinds of zod's schemas that JSON Schema does not have. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['date', '; use z.iso.datetime()'],
  ['map', '; use z.record()'],
  ['set', '; use z.array()'],
  ['bigint', '; use z.int()'],
]);

/** What zod tells of each part of a schema that it converts. */
interface ZodNode {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } };
  readonly jsonSchema: object;
  readonly path: readonly (string | number)[];
}

function compileJson(json: JsonSchema, side: Side): CompiledSchema {
  // Ajv's own strict mode names no place, and refuses more than mistakes: see mistakesIn.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    strictNumbers: true,
    validateFormats: false,
    // What every object inherits, such as `constructor`, is not an argument.
    ownProperties: true,
    // An error has the value that it is about.
    verbose: true,
  });
  if (ajv.validateSchema(json) !== true)
    throw new Error(`it is not valid JSON Schema 2020-12: ${faultsOf(ajv.errors ?? []).join('; ')}`);
  const mistakes = [...mistakesIn(json)].slice(0, MAX_PROBLEMS);
  if (mistakes.length > 0) throw new Error(mistakes.join('; '));
  const check = ajv.compile(json);
  return {
    json,
    validate(value) {
      if (check(value)) return { ok: true, value };
      const errors = check.errors?.slice(0, MAX_PROBLEMS) ?? [];
      return invalid(errors.map(fromAjv), errors.map(atMissing), json, side);
    },
  };
}

/** What is wrong with a JSON Schema, one text a place, with the value that is wrong. */
function faultsOf(errors: readonly ErrorObject[]): readonly string[] {
  const first = new Map<string, ErrorObject>();
  for (const error of errors) if (!first.has(error.instancePath)) first.set(error.instancePath, error);
  return [...first].slice(0, MAX_PROBLEMS).map(([pointer, { message = 'is not valid', data, params }]) => {
    const { allowedValues } = params as { readonly allowedValues?: readonly unknown[] };
    // Of a function there is no JSON.
    const value = (JSON.stringify(data) as string | undefined) ?? nameOf(data);
    const shown = value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value;
    const allowed = allowedValues === undefined ? '' : ` (${allowedValues.join(', ')})`;
    return `${placeOf(pointer) || 'all of it'}: ${shown} ${message}${allowed}`;
  });
}

const MAX_VALUE = 50;

/** A JSON Pointer (RFC 6901) with dots. */
const placeOf = (pointer: string): string =>
  pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');

/** An error of ajv as an issue of Standard Schema. */
function fromAjv({ instancePath, keyword, message = 'is not valid', params }: ErrorObject) {
  const extra =
    keyword === 'additionalProperties'
      ? `: ${String((params as { additionalProperty: unknown }).additionalProperty)}`
      : '';
  return { path: instancePath.split('/').slice(1), message: message + extra };
}

/** The same, at the field that is missing, where one is. */
function atMissing(error: ErrorObject): Issue {
  const { path, message } = fromAjv(error);
  const { missingProperty } = error.params as { readonly missingProperty?: string };
  return { message, path: missingProperty === undefined ? path : [...path, missingProperty] };
}

const invalid = (
  issues: readonly Issue[],
  placed: readonly Issue[],
  { properties }: JsonSchema,
  side: Side,
): Invalid => ({
  ok: false,
  problems: problemsIn(issues, WHOLE[side]),
  fields: fieldsIn(placed, Object(properties) as object, WHOLE[side]),
});

const WHOLE: Readonly<Record<Side, string>> = { input: 'arguments', output: 'result' };
