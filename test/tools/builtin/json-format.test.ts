import { describe, expect, it } from 'vitest';
import { json } from '../../../src/tools/builtin/json.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('json_format', () => {
  const format = (json_string: string, indent?: number) =>
    valueOf(json, 'json_format', { json_string, ...(indent !== undefined && { indent }) });

  it('sorts keys at every level and indents by 2', async () => {
    expect(await format('{"b":1,"a":{"d":[],"c":null}}')).toBe(
      '{\n  "a": {\n    "c": null,\n    "d": []\n  },\n  "b": 1\n}',
    );
  });

  it('puts everything on one line with indent 0', async () => {
    expect(await format('{ "b": [1, 2], "a": "x" }', 0)).toBe('{"a":"x","b":[1,2]}');
  });

  it('keeps numbers as written, where a double would round or overflow', async () => {
    const numbers = '[12345678901234567890,1.0,1e400,-0,0.1000000000000000055]';
    expect(await format(numbers, 0)).toBe(numbers);
  });

  it('treats __proto__ as a key like any other', async () => {
    expect(await format('{"__proto__":{"x":1}}', 0)).toBe('{"__proto__":{"x":1}}');
  });

  it.each(['', '{a:1}', '[1,]', 'NaN', '[Infinity]', "{'a':1}", '1 2', '// x\n1'])(
    'refuses %j',
    async (text) => {
      expect(await failureOf(json, 'json_format', { json_string: text })).toMatch(
        /^json_string is not valid JSON/,
      );
    },
  );

  it('says where the JSON breaks, and does not repeat it', async () => {
    const message = await failureOf(json, 'json_format', { json_string: '{"token":"hunter2",}' });
    expect(message).toContain('(line 1 column 20)');
    expect(message).not.toContain('hunter2');
  });

  it('refuses nesting beyond 100 levels, however deep', async () => {
    expect(await format(nested(100), 0)).toBe(nested(100));
    for (const depth of [102, 131_072]) {
      expect(await failureOf(json, 'json_format', { json_string: nested(depth) })).toMatch(
        /nested too deeply/,
      );
    }
  });

  it('refuses a result that indentation blows up', async () => {
    const json_string = '['.repeat(90) + '1,'.repeat(100_000) + '1' + ']'.repeat(90);
    expect(await failureOf(json, 'json_format', { json_string, indent: 8 })).toMatch(/would exceed/);
  });

  it.each([{ indent: 9 }, { indent: -1 }, { indent: 1.5 }])('refuses %j', async (args) => {
    expect(await callTool(json, 'json_format', { json_string: '1', ...args })).toMatchObject({
      status: 'invalid_arguments',
    });
  });
});
