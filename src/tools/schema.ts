import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { JsonSchema, Schema, TypedSchema } from './tool.ts';

export type Validation = { readonly ok: true; readonly value: unknown } | Invalid;
export interface Invalid {
  readonly ok: false;
  /** One line a problem, each naming the place; no values, so that no secret is echoed. */
  readonly problems: readonly string[];
}

/** A schema ready to publish and to validate with: what is published is what is enforced. */
export interface CompiledSchema {
  readonly json: JsonSchema;
  validate(value: unknown): Validation | Promise<Validation>;
}

type Side = 'input' | 'output';

const MAX_PROBLEMS = 10;
const MAX_PROBLEM_LENGTH = 200;

/**
 * Compiles a tool author's schema.
 * @param side whether it describes arguments or results: a schema with defaults publishes differently
 * @throws when the schema cannot be expressed as JSON Schema 2020-12 or is not valid
 */
export function compileSchema(schema: Schema, side: Side): CompiledSchema {
  return isTyped(schema) ? compileTyped(schema, side) : compileJson(schema, side);
}

function isTyped(schema: Schema): schema is TypedSchema {
  return '~standard' in schema;
}

function compileTyped(schema: TypedSchema, side: Side): CompiledSchema {
  const standard = schema['~standard'];
  const toValidation = (result: Awaited<ReturnType<typeof standard.validate>>): Validation =>
    result.issues === undefined
      ? { ok: true, value: result.value }
      : invalid(result.issues.map(({ path = [], message }) => describe(side, path.map(keyOf), message)));
  return {
    json: standard.jsonSchema[side]({ target: 'draft-2020-12' }),
    validate(value) {
      const result = standard.validate(value);
      return result instanceof Promise ? result.then(toValidation) : toValidation(result);
    },
  };
}

const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): PropertyKey =>
  typeof segment === 'object' ? segment.key : segment;

function compileJson(json: JsonSchema, side: Side): CompiledSchema {
  // Unknown keywords are annotations in JSON Schema 2020-12, so ajv's own strict mode is off.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    strictNumbers: true,
    validateFormats: false,
    // What every object inherits, such as `constructor`, is not an argument.
    ownProperties: true,
  });
  const check = ajv.compile(json);
  return {
    json,
    validate: (value) =>
      check(value) ? { ok: true, value } : invalid((check.errors ?? []).map((error) => fromAjv(side, error))),
  };
}

function fromAjv(
  side: Side,
  { instancePath, keyword, message = 'is not valid', params }: ErrorObject,
): string {
  const extra =
    keyword === 'additionalProperties'
      ? `: ${String((params as { additionalProperty: unknown }).additionalProperty)}`
      : '';
  return describe(side, instancePath.split('/').slice(1), message + extra);
}

const WHOLE: Readonly<Record<Side, string>> = { input: 'arguments', output: 'result' };

const describe = (side: Side, path: readonly PropertyKey[], message: string): string =>
  `${path.length === 0 ? WHOLE[side] : path.map(String).join('.')}: ${message}`;

function invalid(problems: readonly string[]): Invalid {
  return {
    ok: false,
    problems: problems.slice(0, MAX_PROBLEMS).map((problem) => problem.slice(0, MAX_PROBLEM_LENGTH)),
  };
}
