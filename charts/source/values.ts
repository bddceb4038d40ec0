import { z } from 'zod';
import { settingsSchema } from '../../src/config/settings.ts';
import { alertValues } from './alerts.ts';
import { checks } from './checks.ts';
import { exposure } from './exposure.ts';
import { numbersRefusedByTemplates, removables } from './fragments.ts';
import { monitoring } from './monitoring.ts';
import { scaling } from './scaling.ts';
import { tracing } from './tracing.ts';
import { workload } from './workload.ts';

const {
  image,
  nameOverride,
  fullnameOverride,
  clusterDomain,
  commonLabels,
  commonAnnotations,
  replicas,
  ...pod
} = workload;

/**
 * Every value of the chart, in the order of values.yaml, with its default, its bounds and what it does. values.yaml,
 * values.schema.json and the table of the chart's README are generated from it.
 */
export const valuesSchema = z.strictObject({
  image,
  replicas,
  config: z
    .custom<object>()
    .default({ ops: { port: 9998 } })
    .describe(
      "The server's settings (docs/settings.md). The chart adds server.allowedHosts, sessions.peers, and paths of what it mounts",
    ),
  ...pod,
  ...exposure,
  ...scaling,
  ...monitoring,
  ...alertValues,
  ...tracing,
  ...checks,
  nameOverride,
  fullnameOverride,
  clusterDomain,
  commonLabels,
  commonAnnotations,
});

/** What is taken besides the chart's values: what a chart that has this one as a part passes on. */
export const BESIDES = {
  global: z
    .looseObject({
      imageRegistry: z.string().optional().describe('Registry of all images; overrides image.registry'),
      imagePullSecrets: z
        .array(z.union([z.string(), z.looseObject({ name: z.string() })]))
        .optional()
        .describe('Secrets for pulling, besides image.pullSecrets'),
    })
    .optional()
    .describe('Values of a parent chart; others than these are not used'),
  enabled: z.boolean().optional().describe('For the condition of a parent chart; not used'),
};

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Options {
  /** Whether texts have patterns, with what is expected in words; see textPatterns. */
  readonly patterns?: boolean;
}

/** The JSON Schema of the values; that of `config` is the server's own, of which all settings may be left out. */
export function valuesJsonSchema({ patterns = false }: Options = {}): JsonSchema {
  const options = {
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: Overridden) => {
      simplify(jsonSchema);
      const { def } = zodSchema._zod;
      if (def.type === 'object' && jsonSchema.required)
        jsonSchema.required = jsonSchema.required.filter((name) => !isRemovable(def.shape[name]));
      if (takesFractions(jsonSchema)) {
        if (patterns) Object.assign(jsonSchema, NO_TEXT);
        else Object.assign(jsonSchema, { type: ['string', 'number'] });
      } else if (!patterns) {
        delete jsonSchema.pattern;
        delete jsonSchema.propertyNames;
        if (numbersRefusedByTemplates.has(zodSchema))
          Object.assign(jsonSchema, { type: ['string', 'number'] });
      } else if (jsonSchema.pattern !== undefined) {
        Object.assign(jsonSchema, { expected: expectedBy(zodSchema) });
      }
    },
  } as const;
  const schema = z.toJSONSchema(valuesSchema.extend(BESIDES), options);
  const { properties = {} } = z.toJSONSchema(settingsSchema, { ...options, io: 'input' });
  const config = schema.properties?.['config'] as JsonSchema;
  return {
    ...schema,
    title: 'Values of the chart nexus-mcp',
    properties: {
      ...schema.properties,
      config: { ...config, type: 'object', properties, additionalProperties: false },
    },
  };
}

/** A part of a schema with what it refers to in its place. */
export const resolved = (part: JsonSchema, whole: JsonSchema): JsonSchema => {
  const name = part.$ref?.replace('#/definitions/', '');
  return name === undefined
    ? part
    : { ...(whole['definitions'] as Readonly<Record<string, JsonSchema>>)[name], ...part };
};

interface Overridden {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

const takesFractions = ({ type }: JsonSchema): boolean => type === 'number';

/**
 * What the templates say of texts in place of numbers that may have fractions: Helm makes texts of fractions in `--set`, and would only
 * say that it got one.
 */
const NO_TEXT = {
  pattern: '^\\b$',
  expected: 'must be a number. --set makes a text of a fraction: give it in a values file, or by --set-json',
};

/** What null takes away is not required. */
const isRemovable = (schema: z.core.$ZodType | undefined): boolean =>
  schema !== undefined && removables.has(schema);

/** What a text that matches no pattern is told. */
const expectedBy = (schema: z.core.$ZodTypes): string | undefined =>
  z
    .safeParse(schema, '\0')
    .error?.issues.flatMap((issue) => (issue.code === 'invalid_union' ? issue.errors.flat() : issue))
    .find(({ code }) => code === 'invalid_format')?.message;

/**
 * Says in the ways that Helm reports in one line each what the generator says in others: alternatives become one
 * schema, `true`, `false` and `auto` a list.
 */
function simplify(schema: JsonSchema): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // A section has the defaults of what is in it.
  if (schema.properties) delete schema.default;
  const { anyOf, allOf } = schema;
  if (allOf) {
    delete schema.allOf;
    Object.assign(schema, ...allOf);
  }
  if (!anyOf) return;
  delete schema.anyOf;
  const constants = anyOf.flatMap(({ type, const: value }) =>
    value !== undefined ? [value] : type === 'boolean' ? [true, false] : [],
  );
  if (constants.length > 0) Object.assign(schema, { enum: constants });
  else Object.assign(schema, ...anyOf, { type: anyOf.map(({ type }) => type) });
}
