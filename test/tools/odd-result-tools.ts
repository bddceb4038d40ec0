/** Tools that return what cannot be a result, or could be taken for none, for a tool module of the tests. */
import {
  content,
  defineTool,
  elicit,
  failure,
  inputRequired,
  unavailable,
  z,
  type ContentBlock,
} from 'nexus-mcp/tools';

class Point {
  readonly x = 1;
}

class Query {
  readonly #text = 'private';
  get text(): string {
    return this.#text;
  }
}

const circle: unknown[] = [];
circle.push(circle);

const RETURNED: Readonly<Record<string, unknown>> = {
  a_generator: (async function* () {
    yield await Promise.resolve(1);
  })(),
  a_stream: { rows: new ReadableStream() },
  a_response: Response.json({}),
  a_question: elicit('Who?', { type: 'object', properties: {} }),
  content_of_a_text: content('hello' as unknown as []),
  content_of_nothing: content(undefined as unknown as []),
  an_error: new Error('lost'),
  a_map: { ports: new Map([['http', 80]]) },
  a_set: [new Set([1])],
  a_map_further_down: { rows: [{ seen: 1 }, { seen: new Map() }], and: new Set() },
  a_promise_inside: { later: Promise.resolve(1) },
  a_function: { run: () => 1 },
  a_symbol: [Symbol('x')],
  not_a_number: { ratio: Number.NaN },
  a_bigint: { count: 1n },
  a_circle: circle,
  a_failure_without_words: failure(undefined as unknown as string),
  a_failure_with_an_error: failure(new Error('lost') as unknown as string),
  an_mcp_result: { content: [{ type: 'text', text: 'hi' }] },
  an_mcp_error: { content: [], isError: true },
  a_block_without_its_text: content([{ type: 'text' } as ContentBlock]),
  content_of_another_kind: { content: ['a page', 'another'] },
  an_mcp_result_with_structure: { content: [], structuredContent: { a: 1 } },
  some_numbers: { samples: new Float32Array([0.5]) },
  a_message_of_another_protocol: { role: 'assistant', content: [{ type: 'text', text: 'hi' }] },
  an_instance_without_fields: new Query(),
  a_date: { at: new Date(0) },
  an_instance: { point: new Point() },
  an_empty_object: { empty: {}, bare: Object.create(null) as object },
  an_optional_field: { there: 1, missing: undefined },
};

/** Of tools whose output is an object with a number. */
const RETURNED_INSTEAD: Readonly<Record<string, unknown>> = {
  a_generator_where_a_value_is_due: (function* () {
    yield 1;
  })(),
  a_question_where_a_value_is_due: elicit('Who?', { type: 'object', properties: {} }),
  nothing_where_a_value_is_due: undefined,
  an_mcp_result_where_a_value_is_due: { content: [{ type: 'text', text: 'hi' }], isError: true },
  content_without_its_value: content([{ type: 'text', text: 'hi' }]),
};

const returning = (name: string) => ({
  name,
  title: name,
  description: 'Returns it.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  input: z.strictObject({}),
});

export const toolsWithOutput = Object.entries(RETURNED_INSTEAD).map(([name, returned]) =>
  defineTool({
    ...returning(name),
    output: z.strictObject({ count: z.number() }),
    handler: () => returned as { count: number },
  }),
);

export const tools = Object.entries(RETURNED).map(([name, returned]) =>
  defineTool({ ...returning(name), handler: () => returned }),
);

export const throwsNothing = defineTool({
  name: 'throws_nothing',
  title: 'Throws nothing',
  description: 'Throws undefined.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  input: z.strictObject({}),
  handler: () => {
    throw undefined as unknown as Error;
  },
});

const THROWN = {
  throws_failure: failure('secret'),
  throws_unavailable: unavailable('secret'),
  throws_content: content([]),
  throws_input_required: inputRequired({}),
};

export const throwing = Object.entries(THROWN).flatMap(([name, thrown]) =>
  (['none', 'worker'] as const).map((isolation) =>
    defineTool({
      name: isolation === 'none' ? name : `${name}_in_a_thread`,
      title: name,
      description: 'Throws what it should return.',
      annotations: { readOnly: true, idempotent: true, openWorld: false },
      isolation,
      input: z.strictObject({}),
      handler: () => {
        throw thrown as unknown as Error;
      },
    }),
  ),
);
