import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accepted } from '../../src/tools/result.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const ODD_RESULT_TOOLS = fileURLToPath(new URL('odd-result-tools.ts', import.meta.url));

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { modules: [ODD_RESULT_TOOLS] } });
});
afterAll(() => server.stop());

describe('a result that a client could not have, or not as it was meant,', () => {
  it.each([
    [
      'a_generator',
      /an AsyncGenerator is not JSON; return one value, and tell how far the call is by context\.progress$/,
    ],
    ['a_generator_where_a_value_is_due', /; a Generator is not JSON; return one value/],
    ['a_stream', /rows: a ReadableStream is not JSON; read it to its end/],
    [
      'a_response',
      /a Response is not JSON; return what await response\.json\(\) or response\.text\(\) gives$/,
    ],
    ['a_question', /it is a question; return inputRequired\(\{ key: elicit\(\.\.\.\) \}\)$/],
    ['a_question_where_a_value_is_due', /; it is a question; return inputRequired\(/],
    ['content_of_a_text', /content: it is a string; content takes a list of blocks/],
    ['content_of_nothing', /content: it is undefined; content takes a list of blocks/],
    ['an_error', /an Error is not JSON/],
    ['a_map', /ports: a Map is not JSON; use Object\.fromEntries\(map\)$/],
    ['a_map_further_down', / rows\.1\.seen: a Map is not JSON/],
    ['a_set', /0: a Set is not JSON; use \[\.\.\.set\]$/],
    ['a_promise_inside', /later: a Promise is not JSON; await it$/],
    ['a_function', /run: a function is not JSON/],
    ['a_symbol', /0: a symbol is not JSON/],
    ['not_a_number', /ratio: NaN is not JSON/],
    ['a_bigint', /count: a bigint is not JSON/],
    ['a_circle', /invalid result: Converting circular structure/],
    ['a_failure_without_words', /message of a failure must be a text, not undefined/],
    ['a_failure_with_an_error', /message of a failure must be a text, not an Error/],
    ['an_mcp_result', /return content\(\[\.\.\.\]\)/],
    ['an_mcp_error', /failure\('\.\.\.'\) in place of isError/],
    ['an_mcp_result_with_structure', /return content\(/],
    ['an_mcp_result_where_a_value_is_due', /it is a result of MCP; return content\(/],
    ['nothing_where_a_value_is_due', /; the handler returned nothing; is a return missing\?$/],
    [
      'content_without_its_value',
      /: result: Invalid input: expected object, received undefined; .*: content\(blocks, value\)$/,
    ],
    ['some_numbers', /samples: a Float32Array is not JSON/],
    ['a_block_without_its_text', /content\.0\.text: Invalid input/],
  ])('is a fault of its tool, and the log says which part: %s', async (tool, says) => {
    const { body } = await server.execute(tool);
    expect(body).toMatchObject({ reason: 'exception' });
    const line = server.logs.findLast((entry) => entry['tool'] === tool);
    const { message, stack } = line?.['err'] as { readonly message: string; readonly stack: string };
    expect(message).toMatch(says);
    // The frames would be those of the server.
    expect(stack).toBe(`Error: ${message}`);
  });

  it.each([
    ['a_date', { at: '1970-01-01T00:00:00.000Z' }],
    ['content_of_another_kind', { content: ['a page', 'another'] }],
    ['a_message_of_another_protocol', { role: 'assistant', content: [{ type: 'text', text: 'hi' }] }],
    ['an_instance_without_fields', {}],
    ['an_instance', { point: { x: 1 } }],
    ['an_empty_object', { empty: {}, bare: {} }],
    ['an_optional_field', { there: 1 }],
  ])('is none where nothing is lost: %s', async (tool, result) => {
    expect((await server.execute(tool)).body).toMatchObject({ status: 'success', result });
  });
});

it('a tool that throws undefined is logged with that', async () => {
  await server.execute('throws_nothing');
  expect(server.logs.findLast((entry) => entry['tool'] === 'throws_nothing')).toMatchObject({
    reason: 'exception',
    err: 'undefined',
  });
});

it.each([
  ['throws_failure', 'failure(...) was thrown: return it'],
  ['throws_unavailable', 'unavailable(...) was thrown: return it'],
  ['throws_content', 'content(...) was thrown: return it'],
  ['throws_input_required', 'inputRequired(...) was thrown: return it'],
])('a tool that throws a result is logged with what to do, in a thread too: %s', async (tool, message) => {
  for (const name of [tool, `${tool}_in_a_thread`]) {
    expect((await server.execute(name)).body).toMatchObject({ reason: 'exception' });
    const line = server.logs.findLast((entry) => entry['tool'] === name);
    expect(line).toMatchObject({ err: { message, stack: `Error: ${message}` } });
    expect(JSON.stringify(line)).not.toContain('secret');
  }
});

describe('what goes in and out of a worker thread', () => {
  let isolated: TestServer;
  beforeAll(async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'cloned-results-')), 'isolated.mjs');
    writeFileSync(
      path,
      `import { content, defineTool, inputRequired, z } from 'nexus-mcp/tools';
       const annotations = { readOnly: true, idempotent: true, openWorld: false };
       const tool = { title: 'T', description: 'T.', isolation: 'worker', annotations, input: z.strictObject({}) };
       const at = z.string().transform((text) => text === 'a' ? new URL('http://a.example/') : () => text);
       export default [
         defineTool({ ...tool, name: 'a_function', handler: () => ({ rows: [{ run: () => 1 }] }) }),
         defineTool({ ...tool, name: 'a_value', handler: () => content([], { run() {} }) }),
         defineTool({ ...tool, name: 'a_promise', handler: () => [Promise.resolve(1)] }),
         defineTool({ ...tool, name: 'a_state', handler: () => inputRequired({}, { run() {} }) }),
         defineTool({ ...tool, name: 'a_url', handler: (_, { log }) => {
           log('info', { url: new URL('http://b.example/') });
           return { url: new URL('http://b.example/') };
         } }),
         defineTool({ ...tool, name: 'an_argument', input: z.strictObject({ at }), handler: ({ at }) => at.host }),
       ];`,
    );
    isolated = await startTestServer({ tools: { modules: [path] } });
  });
  afterAll(() => isolated.stop());

  const errorOf = async (tool: string, args?: object): Promise<unknown> => {
    expect((await isolated.execute(tool, args)).body).toMatchObject({ reason: 'exception' });
    return isolated.logs.at(-1)?.['err'];
  };

  it.each([
    ['a_function', 'rows.0.run: a function is not JSON'],
    ['a_value', 'value.run: a function is not JSON'],
    ['a_promise', '0: a Promise is not JSON; await it'],
    ['a_state', 'state.run: a function is not JSON'],
  ])('is named once where it is no JSON, as of other tools: %s', async (tool, says) => {
    const message = `invalid result: ${says}`;
    expect(await errorOf(tool)).toMatchObject({ message, stack: `Error: ${message}` });
  });

  it('is made JSON where that is all that it lacks', async () => {
    expect((await isolated.execute('a_url')).body).toMatchObject({ result: { url: 'http://b.example/' } });
  });

  it.each([
    ['a', 'a URL'],
    ['b', 'a function'],
  ])('must be copied: an argument of which the schema makes what cannot is named: %s', async (at, what) => {
    const message = `the argument at cannot be copied into a worker thread: the input schema makes ${what} of it; make that in the handler`;
    expect(await errorOf('an_argument', { at })).toMatchObject({ message, stack: `Error: ${message}` });
  });
});

describe('an accepted answer', () => {
  it('is read by a schema of zod; another is refused with what to give', () => {
    const answer = { action: 'accept', content: { seats: 4 } };
    expect(accepted(answer, z.object({ seats: z.int() }))).toEqual({ seats: 4 });
    const form = { type: 'object', properties: {} } as unknown as z.ZodType;
    for (const schema of [form, undefined as unknown as z.ZodType])
      expect(() => accepted(answer, schema)).toThrow(/^accepted\(answer, schema\) takes a schema of zod, /);
  });
});
