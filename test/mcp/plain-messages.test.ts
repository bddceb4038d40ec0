import { parseJSONRPCMessage, specTypeSchemas } from '@modelcontextprotocol/server';
import { expect, it } from 'vitest';
import { messagesIn } from '../../src/mcp/messages.ts';
import { isPlainResult } from '../../src/tools/plain-result.ts';

const PARTS = [undefined, null, 0, 1.5, 'text', true, [], {}, { progressToken: 7 }, { progressToken: {} }];
const FIELDS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'more'];

/** A message, and all that differ from it in one field, or in one of its parameters. */
function* messages(): Generator<object> {
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'add', arguments: { a: 1 } },
  };
  yield message;
  for (const part of PARTS) {
    for (const field of FIELDS) yield without({ ...message, [field]: part });
    for (const field of ['_meta', 'arguments', 'task'])
      yield { ...message, params: without({ ...message.params, [field]: part }) };
  }
}

/** As JSON has it. */
const without = (given: object): object => JSON.parse(JSON.stringify(given)) as object;

it('a message is taken for one exactly where the SDK takes it for one, and as it takes it', () => {
  for (const message of messages()) {
    const attempt = (read: () => unknown): unknown => {
      try {
        return read();
      } catch {
        return 'none';
      }
    };
    expect(
      attempt(() => messagesIn(message)[0]),
      JSON.stringify(message),
    ).toEqual(attempt(() => parseJSONRPCMessage(message)));
  }
});

it('a result is plain only where the SDK finds nothing wrong with it and leaves it as it is', () => {
  const text = { type: 'text', text: 'hello' };
  const result = { content: [text], structuredContent: { a: 1 }, isError: false };
  const blocks = PARTS.flatMap((part) => [
    part,
    ...['type', 'text', 'annotations', '_meta', 'data'].map((field) => ({ ...text, [field]: part })),
  ]);
  const results = [
    result,
    { content: [] },
    ...blocks.map((block) => ({ ...result, content: [text, block] })),
    ...PARTS.flatMap((part) =>
      ['content', 'structuredContent', 'isError', '_meta', 'resultType'].map((field) => ({
        ...result,
        [field]: part,
      })),
    ),
  ].map(without);
  const plain = results.filter(isPlainResult);
  for (const each of plain)
    expect(specTypeSchemas.CallToolResult['~standard'].validate(each)).toEqual({ value: each });
  expect(plain).toContainEqual(result);
  expect(plain).not.toContainEqual(expect.objectContaining({ _meta: { progressToken: 7 } }));
});
