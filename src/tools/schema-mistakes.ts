import { didYouMean } from './near-names.ts';
import { isObject } from './plain-result.ts';

// The keywords of the meta-schemas of JSON Schema 2020-12: https://json-schema.org/draft/2020-12/schema

/** Those whose values are schemas, or lists of them. */
const SCHEMAS = words(
  'items contains additionalProperties propertyNames not if then else contentSchema allOf anyOf oneOf prefixItems ' +
    'unevaluatedItems unevaluatedProperties',
);

/** Those whose values are schemas by name. */
const SCHEMAS_BY_NAME = words('properties patternProperties dependentSchemas $defs definitions dependencies');

const KEYWORDS: ReadonlySet<string> = new Set([
  ...SCHEMAS,
  ...SCHEMAS_BY_NAME,
  ...words(
    '$id $schema $ref $anchor $dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor $vocabulary $comment',
  ),
  ...words(
    'type const enum required dependentRequired format pattern contentEncoding contentMediaType multipleOf',
  ),
  ...words(
    'maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength maxItems minItems uniqueItems',
  ),
  ...words('maxContains minContains maxProperties minProperties'),
  ...words('title description default deprecated readOnly writeOnly examples'),
]);

function words(text: string): readonly string[] {
  return text.split(' ');
}

/**
 * Slips that JSON Schema 2020-12 permits, and that no author means: keywords that it does not have, which validators ignore, and
 * required fields that a closed object cannot have.
 * @param schema a valid one; keywords of its own begin with `x-`
 */
export function* mistakesIn(schema: unknown, path: readonly string[] = []): Generator<string> {
  if (!isObject(schema)) return;
  const at = (keyword: string): string => [...path, keyword].join('.');
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.has(keyword) && !keyword.startsWith('x-'))
      yield `${at(keyword)}: JSON Schema 2020-12 has no such keyword${didYouMean(keyword, KEYWORDS) || '.'} One of your own begins with x-`;
  for (const name of missingFrom(schema))
    yield `${at('required')}: properties has no ${name}, and additionalProperties is false${didYouMean(name, namesIn(schema))}`;
  for (const keyword of SCHEMAS) {
    const value = schema[keyword];
    if (!Array.isArray(value)) yield* mistakesIn(value, [...path, keyword]);
    else for (const [index, part] of value.entries()) yield* mistakesIn(part, [...path, keyword, `${index}`]);
  }
  for (const keyword of SCHEMAS_BY_NAME)
    for (const [name, part] of Object.entries(schema[keyword] ?? {}))
      yield* mistakesIn(part, [...path, keyword, name]);
}

const namesIn = ({ properties = {} }: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(properties as object);

/** Required fields that an object of this schema cannot have. */
function missingFrom(schema: Readonly<Record<string, unknown>>): readonly string[] {
  const { required, additionalProperties, patternProperties } = schema;
  if (!Array.isArray(required) || additionalProperties !== false || patternProperties !== undefined)
    return [];
  const names = namesIn(schema);
  return (required as readonly string[]).filter((name) => !names.includes(name));
}
