import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { MAX_PROBLEMS, problemsIn } from './problems.ts';
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
      : { ok: false, problems: problemsIn(result.issues, WHOLE[side]) };
  return {
    json: standard.jsonSchema[side]({ target: 'draft-2020-12' }),
    validate(value) {
      const result = standard.validate(value);
      return result instanceof Promise ? result.then(toValidation) : toValidation(result);
    },
  };
}

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
    validate(value) {
      if (check(value)) return { ok: true, value };
      const errors = check.errors?.slice(0, MAX_PROBLEMS) ?? [];
      return { ok: false, problems: problemsIn(errors.map(fromAjv), WHOLE[side]) };
    },
  };
}

/** An error of ajv as an issue of Standard Schema. */
function fromAjv({ instancePath, keyword, message = 'is not valid', params }: ErrorObject) {
  const extra =
    keyword === 'additionalProperties'
      ? `: ${String((params as { additionalProperty: unknown }).additionalProperty)}`
      : '';
  return { path: instancePath.split('/').slice(1), message: message + extra };
}

const WHOLE: Readonly<Record<Side, string>> = { input: 'arguments', output: 'result' };
