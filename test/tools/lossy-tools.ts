/** Tools that return what JSON would lose without a word, for a tool module of the tests. */
import { defineTool, z } from 'nexus-mcp/tools';

class Point {
  readonly x = 1;
}

const RETURNED: Readonly<Record<string, unknown>> = {
  an_error: new Error('lost'),
  a_map: { ports: new Map([['http', 80]]) },
  a_set: [new Set([1])],
  a_promise_inside: { later: Promise.resolve(1) },
  a_function: { run: () => 1 },
  a_symbol: [Symbol('x')],
  not_a_number: { ratio: Number.NaN },
  a_bigint: { count: 1n },
  a_date: { at: new Date(0) },
  an_instance: { point: new Point() },
  an_empty_object: { empty: {}, bare: Object.create(null) as object },
  an_optional_field: { there: 1, missing: undefined },
};

export const tools = Object.entries(RETURNED).map(([name, returned]) =>
  defineTool({
    name,
    title: name,
    description: 'Returns it.',
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    input: z.strictObject({}),
    handler: () => returned,
  }),
);
