/** Tools that call the functions of their context wrongly, or ask for input that nobody can be asked for. */
import { defineTool, elicit, inputRequired, z, type ToolContext } from 'nexus-mcp/tools';

/** What the types forbid and JavaScript lets through. */
type Loose = Record<'progress' | 'log', (...args: unknown[]) => void>;

const circle: unknown[] = [];
circle.push(circle);

/** A function of the context, and what it is called with. */
const MISUSES: Readonly<Record<string, readonly [keyof Loose, ...unknown[]]>> = {
  progress_not_a_number: ['progress', Number.NaN],
  progress_infinite: ['progress', Number.POSITIVE_INFINITY],
  progress_of_text: ['progress', '50%'],
  progress_without_any: ['progress'],
  progress_total_of_text: ['progress', 1, '2'],
  progress_total_null: ['progress', 1, null],
  progress_total_not_a_number: ['progress', 1, Number.NaN],
  progress_message_object: ['progress', 1, 2, { step: 1 }],
  log_level_unknown: ['log', 'loud', 'hi'],
  log_level_in_capitals: ['log', 'INFO', 'hi'],
  log_level_missing: ['log', undefined, 'hi'],
  log_without_data: ['log', 'info'],
  log_error: ['log', 'info', new Error('lost')],
  log_bigint: ['log', 'info', { count: 1n }],
  log_function: ['log', 'info', { run: () => 1 }],
  log_circle: ['log', 'info', circle],
};

const base = {
  input: z.strictObject({}),
  title: 'Misuse',
  description: 'A tool for tests.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
} as const;

const misusing = (isolation: 'none' | 'worker') =>
  Object.entries(MISUSES).map(([name, [called, ...args]]) =>
    defineTool({
      ...base,
      name: isolation === 'worker' ? `${name}_in_thread` : name,
      isolation,
      handler: async (_args, context) => {
        // Outside of the handler's own steps, where nobody could catch what is thrown.
        await new Promise<void>((resolve) => {
          setImmediate(() => {
            (context as unknown as Loose)[called](...args);
            resolve();
          });
        });
        return 'done';
      },
    }),
  );

/** Uses all of it rightly, and more than once. */
const uses = async (context: ToolContext): Promise<string> => {
  context.progress(0);
  context.progress(0.5, 1, 'half way');
  context.log('emergency', null);
  context.log('debug', { deep: [1, 'two', null], left: undefined });
  await Promise.resolve();
  return 'done';
};

const ASKED: Readonly<Record<string, unknown>> = {
  asks_nothing: {},
  asks_null: null,
  asks_text: 'name?',
  asks_null_request: { who: null },
  asks_unknown_method: { who: { method: 'user/ask', params: {} } },
  asks_without_message: { who: { method: 'elicitation/create', params: { mode: 'form' } } },
  asks_for_an_object: { who: elicit('Who?', { type: 'object', properties: { a: { type: 'object' } } }) },
  asks_for_a_list: {
    who: elicit('Who?', { type: 'object', properties: { a: { type: 'array', items: { type: 'number' } } } }),
  },
  asks_for_a_text_only: { who: elicit('Who?', { type: 'string' }) },
  asks_without_a_schema: { who: elicit('Who?', undefined as unknown as Record<string, unknown>) },
};

const asking = Object.entries(ASKED).map(([name, requests]) =>
  defineTool({
    ...base,
    name,
    handler: () => inputRequired(requests as Parameters<typeof inputRequired>[0]),
  }),
);

const form = { type: 'object', properties: { name: { type: 'string' } } };

export const tools = [
  ...misusing('none'),
  ...misusing('worker'),
  defineTool({ ...base, name: 'uses', handler: (_args, context) => uses(context) }),
  defineTool({
    ...base,
    name: 'uses_in_thread',
    isolation: 'worker',
    handler: (_args, context) => uses(context),
  }),
  ...asking,
  defineTool({
    ...base,
    name: 'asks_with_a_map',
    handler: () => inputRequired({ who: elicit('Who?', form) }, new Map()),
  }),
  defineTool({
    ...base,
    name: 'asks_everything',
    handler: (_args, { answers }) =>
      'all' in answers
        ? 'answered'
        : inputRequired({
            all: elicit('All?', {
              type: 'object',
              properties: {
                text: { type: 'string', minLength: 1, format: 'email', title: 'Text' },
                number: { type: 'integer', minimum: 1, default: 2 },
                yes: { type: 'boolean' },
                one: { type: 'string', enum: ['a', 'b'] },
                titled: { type: 'string', oneOf: [{ const: 'a', title: 'A' }] },
                many: { type: 'array', items: { type: 'string', enum: ['a', 'b'] } },
              },
              required: ['text'],
            }),
          }),
  }),
];

export const misuses = Object.keys(MISUSES);
export const asked = [...Object.keys(ASKED), 'asks_with_a_map'];
