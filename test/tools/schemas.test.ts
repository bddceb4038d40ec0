import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { problemsOfTool } from '../../src/tools/definition-problems.ts';
import { examine } from '../../src/tools/offered-tool.ts';
import { defineTool, type Schema } from '../../src/tools/tool.ts';

const problemsOf = (input: unknown, output?: unknown): readonly string[] => {
  const tool = {
    name: 'tool',
    title: 'A tool',
    description: 'Does something.',
    input: input as Schema,
    ...(output !== undefined && { output: output as Schema }),
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    handler: () => 'done',
  };
  return [...problemsOfTool(tool), ...examine(tool).problems];
};

describe('a schema of a library that writes no JSON Schema', () => {
  const of = (vendor: string, more: object = {}): object => ({
    '~standard': { version: 1, vendor, validate: (value: unknown) => ({ value }) },
    ...more,
  });

  it.each([
    [
      'zod 3',
      of('zod', { _def: {} }),
      'schemas of zod 3 do not write JSON Schema: use z of nexus-mcp/tools, or install zod 4.2 or later (not zod/mini)',
    ],
    [
      'zod 3 before Standard Schema',
      { _def: {}, parse: () => 1 },
      'schemas of zod 3 do not write JSON Schema: use z of nexus-mcp/tools, or install zod 4.2 or later (not zod/mini)',
    ],
    [
      'zod 4.0',
      of('zod', { _zod: { version: { major: 4, minor: 0, patch: 17 } } }),
      'schemas of zod 4.0.17 do not write JSON Schema: use z of nexus-mcp/tools, or install zod 4.2 or later (not zod/mini)',
    ],
    [
      'valibot',
      of('valibot'),
      'schemas of valibot do not write JSON Schema: pass this one through toStandardJsonSchema of @valibot/to-json-schema',
    ],
    [
      'another',
      of('other'),
      'schemas of other do not write JSON Schema: use a version with Standard JSON Schema, or z of nexus-mcp/tools',
    ],
  ])('is refused with what to do: %s', (_name, schema, says) => {
    expect(problemsOf(schema)).toEqual([`its input schema cannot be published: ${says}`]);
    expect(problemsOf(z.strictObject({}), schema)).toEqual([
      `its output schema cannot be published: ${says}`,
    ]);
  });
});

it('schemas by name, as the SDK takes them, are to be wrapped', () => {
  const says =
    'its input schema cannot be published: its values are schemas; wrap it: z.strictObject({ n: … })';
  expect(problemsOf({ n: z.number() })).toEqual([says]);
  const rest = {
    name: 'n',
    title: 'N',
    description: 'N.',
    annotations: { readOnly: true, idempotent: true, openWorld: false },
  };
  // @ts-expect-error The type says it, too.
  defineTool({ ...rest, input: { n: z.number() }, handler: () => 1 });
  defineTool({ ...rest, input: { type: 'object', additionalProperties: false }, handler: () => 1 });
});

it('a schema of a library inside plain JSON Schema is named with its place', () => {
  const list = { type: 'array', items: z.string() };
  expect(problemsOf({ type: 'object', properties: { list }, additionalProperties: false })).toEqual([
    'its input schema cannot be published: properties.list.items is a schema of a library, inside plain JSON Schema; write all of it as one of them',
  ]);
});

it.each<[string, object, string]>([
  ['all of it', () => 1, 'all of it: a function must be object,boolean'],
  [
    'a part',
    { type: 'object', properties: { a: () => 1 } },
    'properties.a: a function must be object,boolean',
  ],
])('a function is no schema: %s', (_name, schema, says) => {
  expect(problemsOf(schema as Schema)).toContain(
    `its input schema cannot be published: it is not valid JSON Schema 2020-12: ${says}`,
  );
});

describe('plain JSON Schema', () => {
  const object = (more: object): object => ({ type: 'object', additionalProperties: false, ...more });

  it.each([
    [
      object({ propertis: {} }),
      'propertis: JSON Schema 2020-12 has no such keyword; did you mean properties? One of your own begins with x-',
    ],
    [
      object({ properties: { a: { type: 'string', maxLenght: 5 } } }),
      'properties.a.maxLenght: JSON Schema 2020-12 has no such keyword; did you mean maxLength? One of your own begins with x-',
    ],
    [
      object({ properties: { a: { anyOf: [{ items: { frobs: 1 } }] } } }),
      'properties.a.anyOf.0.items.frobs: JSON Schema 2020-12 has no such keyword. One of your own begins with x-',
    ],
    [
      object({ $defs: { a: { nullable: true, type: 'string' } } }),
      '$defs.a.nullable: JSON Schema 2020-12 has no such keyword. One of your own begins with x-',
    ],
    [
      object({ properties: { title: {} }, required: ['tilte'] }),
      'required: properties has no tilte, and additionalProperties is false; did you mean title?',
    ],
    [object({ required: ['a'] }), 'required: properties has no a, and additionalProperties is false'],
  ])('with a slip is refused, by its place: %j', (schema, says) => {
    expect(problemsOf(schema)).toEqual([`its input schema cannot be published: ${says}`]);
  });

  it('with many slips is refused in a bounded text', () => {
    const slips = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`slip${index}`, 1]));
    expect(String(problemsOf(object(slips))).length).toBeLessThan(2000);
  });

  it.each([
    object({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://example.com/a',
      $anchor: 'a',
      $comment: 'c',
      title: 'T',
      'x-own': { propertis: 1 },
      properties: {
        // Names of properties, and values, are no keywords.
        propertis: { default: { frobs: 1 }, examples: [{ frobs: 1 }], enum: [{ frobs: 1 }] },
        list: { type: 'array', prefixItems: [true], items: false, contains: {}, minContains: 1 },
        text: { type: 'string', format: 'date', contentEncoding: 'base64', deprecated: true },
      },
      dependentRequired: { propertis: ['text'] },
      dependentSchemas: { text: { if: {}, else: {}, not: { type: 'null' } } },
    }),
    object({ patternProperties: { '^a': {} }, required: ['abc'] }),
    { type: 'object', additionalProperties: true, required: ['a'] },
  ])('with what the vocabulary has, and keywords of its own, is none: %j', (schema) => {
    expect(problemsOf(schema)).toEqual([]);
  });
});
