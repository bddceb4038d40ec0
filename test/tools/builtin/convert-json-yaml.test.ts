import { describe, expect, it } from 'vitest';
import { json } from '../../../src/tools/builtin/json.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';

/** Each key holds nine aliases of the one before. */
function multiplied(keys: string): string {
  return Array.from(keys)
    .map(
      (key) =>
        `${key}: &${key} [${Array(9)
          .fill(`*${String.fromCharCode(key.charCodeAt(0) - 1)}`)
          .join(', ')}]`,
    )
    .join('\n');
}

describe('convert_json_yaml', () => {
  const toYaml = (data: string) =>
    valueOf(json, 'convert_json_yaml', { data, source_format: 'json', target_format: 'yaml' });
  const toJson = (data: string) =>
    valueOf(json, 'convert_json_yaml', { data, source_format: 'yaml', target_format: 'json' });
  const yamlFailure = (data: string) =>
    failureOf(json, 'convert_json_yaml', { data, source_format: 'yaml', target_format: 'json' });

  it('writes YAML with sorted keys', async () => {
    expect(await toYaml('{"b":[1,{"c":true}],"a":null}')).toBe('a: null\nb:\n  - 1\n  - c: true\n');
  });

  it('writes JSON indented by 2, in the order of the source', async () => {
    expect(await toJson('b: 1\na:\n  - x\n')).toBe('{\n  "b": 1,\n  "a": [\n    "x"\n  ]\n}');
  });

  it('takes the formats in any case', async () => {
    const args = { data: '{"a":1}', source_format: 'JSON', target_format: 'Yaml' };
    expect(await valueOf(json, 'convert_json_yaml', args)).toBe('a: 1\n');
  });

  it.each([
    ['2024-01-01', '"2024-01-01"'],
    ['yes', '"yes"'],
    ['0x1f', '31'],
    ['12345678901234567890', '12345678901234567890'],
    ['1.5', '1.5'],
    ['~', 'null'],
    ['', 'null'],
  ])('reads the YAML scalar %j by the core schema', async (yaml, expected) => {
    expect(await toJson(yaml)).toBe(expected);
  });

  it('quotes strings that older YAML would read as something else', async () => {
    expect(await toYaml('{"a":"no","b":"1:30","c":"2024-01-01","d":"12"}')).toBe(
      'a: "no"\nb: "1:30"\nc: "2024-01-01"\nd: "12"\n',
    );
  });

  it('keeps integers beyond double precision', async () => {
    expect(await toYaml('{"id":12345678901234567890}')).toBe('id: 12345678901234567890\n');
  });

  it('treats __proto__ as a key like any other', async () => {
    expect(await toJson('__proto__:\n  x: 1')).toBe('{\n  "__proto__": {\n    "x": 1\n  }\n}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('expands aliases', async () => {
    expect(JSON.parse((await toJson('a: &x [1]\nb: *x')) as string)).toEqual({ a: [1], b: [1] });
  });

  it.each([
    ['a tag outside the core schema', '!!binary aGk=', /tag/],
    ['a custom tag', '!env HOME', /tag/],
    ['a duplicate key', 'a: 1\nb: 2\na: 3', /line 3 column 1\): duplicate key/],
    ['several documents', 'a: 1\n---\nb: 2', /only one document/],
    ['a collection as a key', '? [a]\n: b', /non string key/],
    ['an alias without an anchor', 'a: *x', /alias without an anchor/],
    ['broken syntax', 'a: [1', /not valid YAML/],
    ['NaN', 'a: .nan', /NaN or Infinity/],
    ['Infinity', 'a: -.inf', /NaN or Infinity/],
    ['a cycle', '&a [*a]', /nested too deeply/],
    ['deep nesting', '['.repeat(60_000), /not valid YAML/],
    ['a document beyond 65 536 characters', 'x'.repeat(65_537), /longer than 65536/],
    ['very many aliases', `a: &a 1\nb: [${'*a, '.repeat(101)}]`, /more than 100 aliases/],
    ['aliases that multiply', `a: &a [x,x,x,x,x,x,x,x,x]\n${multiplied('bcdefg')}`, /expand too often/],
    ['aliases of a huge value', `a: &a ${'x'.repeat(60_000)}\nb: [${'*a, '.repeat(50)}]`, /would exceed/],
  ])('refuses %s', async (_case, data, message) => {
    expect(await yamlFailure(data)).toMatch(message);
  });

  it('does not repeat the input in its messages', async () => {
    expect(await yamlFailure('password: hunter2: x')).not.toContain('hunter2');
  });

  it('stays fast on a flat mapping of many keys', async () => {
    const data = Array.from({ length: 6_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(JSON.parse((await toJson(data)) as string)).toHaveProperty('k5999', 1);
  });

  it('refuses JSON numbers that no double can hold', async () => {
    const args = { data: '[1e400]', source_format: 'json', target_format: 'yaml' };
    expect(await failureOf(json, 'convert_json_yaml', args)).toMatch(/outside the range/);
  });

  it.each([{ source_format: 'toml' }, { target_format: 'xml' }, { data: 'x'.repeat(262_145) }])(
    'refuses other formats and oversized documents',
    async (args) => {
      expect(
        await callTool(json, 'convert_json_yaml', {
          data: '1',
          source_format: 'json',
          target_format: 'yaml',
          ...args,
        }),
      ).toMatchObject({ status: 'invalid_arguments' });
    },
  );
});
