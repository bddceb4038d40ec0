import { format } from 'oxfmt';
import { Document, isMap, isScalar, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { OTHER_NAMES, OTHER_NAMES_OF_ALERTS } from './other-names.ts';
import { BESIDES, resolved, valuesJsonSchema, valuesSchema } from './values.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** One value, as a person sets it. */
interface Value {
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
}

const WIDTH = 110;

/** The chart's values.yaml: every default, with what it does. */
export function valuesFile(): string {
  const document = new Document(valuesSchema.parse({}), { aliasDuplicateObjects: false });
  describeIn(document.contents as YAMLMap, valuesJsonSchema(), 0);
  return document.toString({ lineWidth: 0 });
}

function describeIn(map: YAMLMap, schema: JsonSchema, depth: number): void {
  for (const pair of map.items as Pair<Scalar<string>>[]) {
    const property = schema.properties?.[pair.key.value] as JsonSchema | undefined;
    if (!property) continue;
    pair.key.commentBefore = wrap(property.description ?? '', WIDTH - 2 * depth);
    if (depth === 0) pair.key.spaceBefore = true;
    // Every alert has the same values; those of each take one line.
    if (isMap(pair.value) && pair.key.value.startsWith('NexusMCP')) pair.value.flow = true;
    else if (isMap(pair.value) && property.properties && pair.key.value !== 'config')
      describeIn(pair.value, property, depth + 1);
    else if (isMap(pair.value) && pair.value.items.every(({ value }) => isScalar(value)))
      pair.value.flow = true;
  }
  const unset = Object.entries(schema.properties ?? {}).filter(([name]) => !map.has(name) && depth > 0);
  if (unset.length > 0)
    map.comment = unset
      .map(([name, property]) => ` ${(property as JsonSchema).description ?? ''}\n ${name}:`)
      .join('\n');
}

const wrap = (text: string, width: number): string =>
  text.replaceAll(new RegExp(`(.{1,${width - 2}})(?: |$)`, 'g'), ' $1\n').trimEnd();

/** Every value, in order. The server's settings are a list of their own. */
export const listValues = (): readonly Value[] => {
  const schema = valuesJsonSchema();
  return valuesIn(schema, '', schema);
};

function valuesIn(section: JsonSchema, prefix: string, schema: JsonSchema): Value[] {
  return Object.entries(section.properties ?? {}).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const value = resolved(property as JsonSchema, schema);
    if (path in BESIDES) return [];
    if (value.properties && path !== 'config') return valuesIn(value, `${path}.`, schema);
    return [{ path, default: value.default, description: value.description ?? '' }];
  });
}

/** The schema of the values, as it is written: it takes names of other charts, which the templates refuse. */
export async function schemaFile(): Promise<string> {
  const schema = valuesJsonSchema();
  for (const [path, own] of Object.entries(OTHER_NAMES)) {
    const [name = '', ...above] = path.split('.').reverse();
    const section = above.reduceRight((part, step) => part.properties?.[step] as JsonSchema, schema);
    section.properties = { ...section.properties, [name]: { description: `Is refused; use ${own}` } };
  }
  for (const alert of alertsIn(schema))
    for (const [name, own] of Object.entries(OTHER_NAMES_OF_ALERTS))
      alert.properties = { ...alert.properties, [name]: { description: `Is refused; use ${own}` } };
  const { code } = await format('values.schema.json', JSON.stringify(schema), {
    printWidth: 130,
  });
  return code;
}

/** What the schema says of alerts: of each, or once of several. */
const alertsIn = ({ properties, definitions }: JsonSchema): readonly JsonSchema[] =>
  [(properties?.['alerts'] as JsonSchema | undefined)?.properties, definitions]
    .flatMap((parts) => Object.values((parts ?? {}) as Readonly<Record<string, JsonSchema>>))
    .filter((part) => part.properties?.['keepFiringFor'] !== undefined);
