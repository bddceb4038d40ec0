import { describe, expect, it } from 'vitest';
import { text } from '../../../src/tools/builtin/text.ts';
import { callTool, valueOf } from '../../support/call-tool.ts';

const convert = (input: string, case_type: string) =>
  valueOf(text, 'string_case_convert', { text: input, case_type });

describe('string_case_convert', () => {
  it.each([
    ['upper', 'Hello, wörld!', 'HELLO, WÖRLD!'],
    ['lower', 'Hello, WÖRLD!', 'hello, wörld!'],
    ['title', "the DOG's bone", "The Dog's Bone"],
    ['sentence', 'FIRST one. second ONE! 3rd. "fourth"', 'First one. Second one! 3rd. "Fourth"'],
    ['camel', 'parse HTTP-response now', 'parseHttpResponseNow'],
    ['snake', 'parse HTTP-response now', 'parse_http_response_now'],
    ['kebab', 'parse HTTP-response now', 'parse-http-response-now'],
  ])('%s converts %j', async (case_type, input, result) => {
    expect(await convert(input, case_type)).toBe(result);
  });

  it.each([
    ['camelCaseName', 'camel_case_name'],
    ['HTTPServer', 'http_server'],
    ['sha256Sum', 'sha256_sum'],
    ['kebab-case', 'kebab_case'],
    ["don't stop", 'dont_stop'],
    ['  spaced   out  ', 'spaced_out'],
    ['Cafe\u0301 Münster', 'café_münster'],
  ])('splits %j into words', async (input, snake) => {
    expect(await convert(input, 'snake')).toBe(snake);
  });

  it.each(['camel', 'snake', 'kebab'])('%s of a text without words is empty', async (case_type) => {
    expect(await convert('!!!', case_type)).toBe('');
  });

  it.each(['. ', "a'", 'A1', 'A', '! '])('stays linear on %j repeated', async (part) => {
    const input = part.repeat(100_000 / part.length);
    for (const case_type of ['title', 'sentence', 'camel', 'snake', 'kebab']) {
      expect(await callTool(text, 'string_case_convert', { text: input, case_type })).toMatchObject({
        status: 'success',
      });
    }
  });

  it('refuses unknown cases and texts beyond 100 000 characters', async () => {
    for (const args of [
      { text: 'a', case_type: 'train' },
      { text: 'a'.repeat(100_001), case_type: 'upper' },
    ]) {
      expect(await callTool(text, 'string_case_convert', args)).toMatchObject({
        status: 'invalid_arguments',
      });
    }
  });
});
