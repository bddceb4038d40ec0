import { z } from 'zod';
import { secrets } from './setting-kinds.ts';
import { settingsSchema } from './settings.ts';

/** One setting, as a person sets it. */
export interface Setting {
  /** Keys from the top of the file: `server.port`, or `upstreams`. Also the flag, as `--server.port`. */
  readonly path: string;
  /** Environment variables, the documented one first. */
  readonly env: readonly string[];
  /** A `list` of texts; a `map` is any other structure, which a person writes in YAML. */
  readonly kind: 'string' | 'number' | 'boolean' | 'list' | 'numbers' | 'map';
  readonly default: unknown;
  readonly description: string;
  readonly secret: boolean;
}

/** Variables with names of their own: two that the first specification of this server named, and one of OpenTelemetry. */
const ALIASES: Readonly<Record<string, string>> = {
  'metrics.enabled': 'PROMETHEUS_REGISTRY_ENABLED',
  'metrics.endpoint': 'METRICS_ENDPOINT_ENABLED',
  'tracing.endpoint': 'OTEL_EXPORTER_OTLP_ENDPOINT',
};

/** All settings, in the order of the schema. */
export const listSettings = (): readonly Setting[] => SETTINGS;

/** `server.allowedHosts` becomes `NEXUS_SERVER_ALLOWED_HOSTS`. */
const envName = (path: string): string =>
  `NEXUS_${path
    .replaceAll('.', '_')
    .replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;

/** The keys that a mapping may have in a place of the settings, as `['upstreams', 0]`; none where there is no mapping. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: z.core.JSONSchema.JSONSchema = z.toJSONSchema(settingsSchema, { io: 'input' });
  for (const part of path) {
    const inner = schema.properties?.[String(part)] ?? schema.items ?? schema.additionalProperties;
    schema = typeof inner === 'object' && !Array.isArray(inner) ? inner : {};
  }
  return Object.keys(schema.properties ?? {});
}

function kindOf({ type, items }: z.core.JSONSchema.JSONSchema): Setting['kind'] {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'array') return isNumeric(items) ? 'numbers' : isStructured(items) ? 'map' : 'list';
  if (type === 'object') return 'map';
  return type === 'boolean' ? 'boolean' : 'string';
}

const isNumeric = (items: z.core.JSONSchema.JSONSchema['items']): boolean =>
  typeof items === 'object' && 'type' in items && items.type === 'number';

const isStructured = (items: z.core.JSONSchema.JSONSchema['items']): boolean =>
  typeof items === 'object' && 'properties' in items;

function isSecret(schema: z.ZodType): boolean {
  if (secrets.get(schema)) return true;
  return schema instanceof z.ZodOptional && isSecret(schema.unwrap() as z.ZodType);
}

/** Each setting of each group; what is no group is a setting itself. */
const leaves = (): [string, z.ZodType][] =>
  Object.entries(settingsSchema.shape).flatMap(([group, schema]): [string, z.ZodType][] => {
    const inner = schema.unwrap();
    return inner instanceof z.ZodObject
      ? Object.entries(inner.shape).map(([key, leaf]) => [`${group}.${key}`, leaf as z.ZodType])
      : [[group, schema]];
  });

// Reading the schema takes a moment: once for all.
const SETTINGS: readonly Setting[] = leaves().map(([path, leaf]) => {
  const json = z.toJSONSchema(leaf, { io: 'input' });
  const alias = ALIASES[path];
  return {
    path,
    env: [envName(path), ...(alias === undefined ? [] : [alias])],
    kind: kindOf(json),
    default: json.default,
    description: json.description ?? '',
    secret: isSecret(leaf),
  };
});
