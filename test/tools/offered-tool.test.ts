import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { createLane } from '../../src/tools/admission.ts';
import { offerToolsets, type OfferedTool, type ToolLimits } from '../../src/tools/offered-tool.ts';
import { callOf } from '../support/call-records.ts';
import type { Schema, ToolDefinition, Toolset } from '../../src/tools/tool.ts';

const base: ToolDefinition = {
  name: 'tool',
  title: 'A tool',
  description: 'Does something.',
  input: z.strictObject({}),
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  handler: () => 'done',
};
const tool = (more: Partial<ToolDefinition>): ToolDefinition => ({ ...base, ...more });

const toolset = (name: string, ...tools: ToolDefinition[]): Toolset => ({
  name,
  source: 'module',
  moduleUrl: `file:///${name}.ts`,
  tools,
});

const DEFAULTS = { timeoutSeconds: 10, maxConcurrency: 64 };

const noWorkers = { run: () => Promise.reject(new Error('no tool here is isolated')), lane: createLane(1) };

function offered(
  tools: readonly ToolDefinition[],
  overrides: Record<string, ToolLimits> = {},
): readonly OfferedTool[] {
  const limits = { defaults: DEFAULTS, overrides };
  const result = offerToolsets([toolset('mine', ...tools)], noWorkers, limits);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.tools;
}

function problemsOf(...toolsets: readonly Toolset[]): readonly string[] {
  const result = offerToolsets(toolsets, noWorkers, { defaults: DEFAULTS });
  return result.ok ? [] : result.problems;
}

describe('toolsets that are offered', () => {
  it('keep the order of toolsets and tools, and are found by exact name only', () => {
    const result = offerToolsets(
      [toolset('b', tool({ name: 'z' }), tool({ name: 'a' })), toolset('a', tool({ name: 'm' }))],
      noWorkers,
      { defaults: DEFAULTS },
    );
    if (!result.ok) throw new Error(result.problems.join());
    const catalogue = new Catalogue(result.tools);
    expect(catalogue.tools.map(({ name, toolset: set }) => `${set}/${name}`)).toEqual(['b/z', 'b/a', 'a/m']);
    expect(catalogue.get('z')?.toolset).toBe('b');
    for (const name of ['Z', ' z', 'y', '', 'constructor', '__proto__', 'toString'])
      expect(catalogue.get(name), name).toBeUndefined();
  });

  it('publish the schemas they enforce', async () => {
    const input = z.strictObject({ text: z.string(), count: z.number().default(1) });
    const [registered] = offered([tool({ input, output: z.string() })]);
    expect(registered?.listing).toMatchObject({
      name: 'tool',
      title: 'A tool',
      inputSchema: { type: 'object', required: ['text'], additionalProperties: false },
      outputSchema: { type: 'string' },
    });
    expect(await registered?.validate({ text: 'x' })).toEqual({
      ok: true,
      value: { text: 'x', count: 1 },
    });
    expect(await registered?.validate({ text: 'x', more: 1 })).toMatchObject({ ok: false });
    expect(await registered?.settle(5, callOf('tool'), 1000)).toMatchObject({
      outcome: { reason: 'exception' },
    });
  });

  it('publish annotations as MCP hints; what changes something may destroy unless it says otherwise', () => {
    const hints = (annotations: ToolDefinition['annotations']) =>
      offered([tool({ annotations })])[0]?.listing.annotations;
    expect(hints({ readOnly: true, idempotent: true, openWorld: false })).toEqual({
      title: 'A tool',
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    });
    expect(hints({ readOnly: false, idempotent: false, openWorld: true })).toMatchObject({
      destructiveHint: true,
    });
    expect(hints({ readOnly: false, destructive: false, idempotent: false, openWorld: true })).toMatchObject({
      destructiveHint: false,
    });
  });

  it("take limits from the operator, else from the tool's author, else from the defaults", () => {
    const [plain, stated, set, half] = offered(
      [
        tool({ name: 'plain' }),
        tool({ name: 'stated', timeoutSeconds: 2, maxConcurrency: 3 }),
        tool({ name: 'set', timeoutSeconds: 2, maxConcurrency: 3 }),
        tool({ name: 'half', timeoutSeconds: 2 }),
      ],
      {
        set: { timeoutSeconds: 4, maxConcurrency: 5 },
        half: { maxConcurrency: 6, timeoutSeconds: undefined },
      },
    );
    const lane = (limit: number) => [{ limit, busy: 0, waiting: 0 }];
    expect(plain).toMatchObject({ timeoutSeconds: 10, lanes: lane(64), isolation: 'none' });
    expect(stated).toMatchObject({ timeoutSeconds: 2, lanes: lane(3) });
    expect(set).toMatchObject({ timeoutSeconds: 4, lanes: lane(5) });
    expect(half).toMatchObject({ timeoutSeconds: 2, lanes: lane(6) });
  });

  it('have their handlers called as methods of their tools', async () => {
    class Greeter implements ToolDefinition {
      readonly name = 'greeter';
      readonly title = 'Greeter';
      readonly description = 'Greets.';
      readonly input = z.strictObject({});
      readonly annotations = base.annotations;
      readonly #greeting = 'hello';
      handler(): string {
        return this.#greeting;
      }
    }
    const [greeter] = offered([new Greeter()]);
    expect(await greeter?.run({}, undefined as never, undefined as never)).toBe('hello');
  });

  it('may have the schemas of any library that implements Standard Schema, functions too', async () => {
    const standard = z.strictObject({ text: z.string() })['~standard'];
    const callable = Object.assign(() => undefined, { '~standard': standard }) as unknown as Schema;
    const [registered] = offered([tool({ input: callable })]);
    expect(registered?.listing.inputSchema).toMatchObject({ type: 'object' });
    expect(await registered?.validate({ text: 5 })).toMatchObject({ ok: false });
  });
});

describe('a tool with a plain JSON Schema', () => {
  const input = {
    type: 'object',
    properties: {
      text: { type: 'string', minLength: 2 },
      list: { type: 'array', items: { $ref: '#/$defs/item' } },
    },
    required: ['text'],
    additionalProperties: false,
    $defs: { item: { type: 'integer' } },
    'x-unknown': true,
  };
  const validate = (value: unknown) => offered([tool({ input })])[0]?.validate(value);

  it('accepts what it allows, unchanged', () => {
    const value = { text: 'ok', list: [1] };
    expect(validate(value)).toEqual({ ok: true, value });
  });

  it.each([
    [{}, /^arguments: .*required property 'text'/],
    [{ text: 'x' }, /^text: .*fewer than 2/],
    [{ text: 'ok', more: 1 }, /^arguments: .*: more$/],
    [{ text: 'ok', list: [1, 'x'] }, /^list\.1: must be integer/],
    [{ text: 'ok', list: [NaN] }, /^list\.0: must be integer/],
    [null, /must be object/],
    [[], /must be object/],
    [JSON.parse('{"text":"ok","__proto__":{"x":1}}'), /: __proto__$/],
  ])('refuses %j and says where', (value: unknown, says) => {
    expect(validate(value)).toMatchObject({ ok: false, problems: [expect.stringMatching(says)] });
  });

  it("does not take what every object inherits for the caller's", () => {
    const inherited = {
      type: 'object',
      properties: { toString: { type: 'string' }, constructor: { type: 'string' } },
      required: ['constructor'],
      additionalProperties: false,
    };
    const check = offered([tool({ input: inherited })])[0];
    expect(check?.validate({})).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/required property 'constructor'/)],
    });
    expect(check?.validate({ constructor: 'x' })).toMatchObject({ ok: true });
  });

  it('says few and short problems about many and long mistakes', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${index}`.repeat(100), 1]));
    const result = validate({ text: 'ok', ...many });
    if (!result || result instanceof Promise || result.ok) throw new Error('accepted');
    expect(result.problems).toHaveLength(10);
    for (const problem of result.problems) expect(problem.length).toBeLessThanOrEqual(200);
  });
});

describe('what is refused in toolsets', () => {
  it.each(['', 'with space', 'ünicode', 'a/b', 'a:b', 'a\n', 'x'.repeat(129)])('the name %j', (name) => {
    expect(problemsOf(toolset('mine', tool({ name })))).toEqual([
      `/mine.ts: tool ${name}: its name must be 1 to 128 of A-Z a-z 0-9 _ . -`,
    ]);
  });

  it.each(['a', 'x'.repeat(128), 'A-z_0.9', '__proto__', 'constructor'])('but not the name %j', (name) => {
    expect(new Catalogue(offered([tool({ name })])).get(name)?.name).toBe(name);
  });

  it('the name that stands for tools that do not exist', () => {
    expect(problemsOf(toolset('mine', tool({ name: 'unknown' })))).toEqual([
      expect.stringMatching(/reserved/),
    ]);
  });

  it('a name that is taken, in the same module or another, and says by whom', () => {
    expect(
      problemsOf(
        toolset('mine', tool({ name: 'a' }), tool({ name: 'a' })),
        toolset('yours', tool({ name: 'a' })),
      ),
    ).toEqual([
      '/mine.ts: tool a: it is exported twice by this file; give each tool a name of its own',
      '/yours.ts: tool a: /mine.ts has a tool of the same name; rename one of them',
    ]);
  });

  it('names that are taken, all those of one owner at once', () => {
    const builtin: Toolset = { ...toolset('theirs', tool({ name: 'c' })), source: 'builtin' };
    expect(
      problemsOf(
        builtin,
        toolset('mine', tool({ name: 'a' }), tool({ name: 'b' })),
        toolset('yours', ...['a', 'c', 'd', 'b'].map((name) => tool({ name }))),
      ),
    ).toEqual([
      '/yours.ts: tools a, b: /mine.ts has tools of the same names; rename them in one of the files',
      '/yours.ts: tool c: the built-in toolset theirs has a tool of the same name; rename yours',
    ]);
  });

  it.each<[string, Schema, RegExp]>([
    ['is not an object', z.string(), /must have type "object", as z\.strictObject\(\{\.\.\.\}\) gives$/],
    [
      'is not an object, in JSON Schema',
      { additionalProperties: false },
      /must have type "object", as \{ type: "object", additionalProperties: false \} does$/,
    ],
    [
      'is a union',
      z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]),
      /type "object"/,
    ],
    [
      'drops unknown fields',
      z.object({ a: z.string() }),
      /unknown fields: use z\.strictObject to refuse them, or z\.looseObject to accept them$/,
    ],
    [
      'says nothing of unknown fields',
      { type: 'object', properties: {} },
      /unknown fields: set additionalProperties to false to refuse them, or to true to accept them$/,
    ],
    [
      'says nothing of unknown fields, and comes from another library',
      {
        '~standard': {
          version: 1,
          vendor: 'other',
          validate: (value) => ({ value }),
          jsonSchema: { input: () => ({ type: 'object' }), output: () => ({}) },
        },
      } satisfies Schema,
      /unknown fields: its JSON Schema needs additionalProperties, false to refuse them or true to accept them$/,
    ],
    [
      'has values that JSON Schema does not know, by their places',
      z.strictObject({
        stay: z.object({ from: z.date() }),
        days: z.array(z.bigint().optional()),
        any: z.any(),
      }),
      /cannot be published: JSON Schema cannot express stay\.from \(z\.date\(\); use z\.iso\.datetime\(\)\), days\.items \(z\.bigint\(\); use z\.int\(\)\)$/,
    ],
    [
      'is no JSON Schema, by place and value',
      {
        type: 'object',
        additionalProperties: false,
        properties: { 'a/b': { type: 'strin' }, n: { minLength: 'x'.repeat(500) } },
      },
      /cannot be published: it is not valid JSON Schema 2020-12: properties\.a\/b\.type: "strin" must be equal to one of the allowed values \(array, .*string\); properties\.n\.minLength: "x{49}… must be integer$/,
    ],
    [
      'refers to nothing',
      { type: 'object', additionalProperties: false, $ref: '#/$defs/x' },
      /cannot be published/,
    ],
    [
      'is of another draft',
      { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' },
      /cannot be published/,
    ],
  ])('an input schema that %s', (_name, input, says) => {
    const problems = problemsOf(toolset('mine', tool({ input })));
    expect(problems).toEqual([expect.stringMatching(says)]);
  });

  it.each<[string, Schema]>([
    ['strict', z.strictObject({})],
    ['loose on purpose', z.looseObject({})],
    ['with a schema for the rest', z.object({}).catchall(z.string())],
    ['transformed after it was checked', z.strictObject({ a: z.string() }).transform(({ a }) => a)],
    ['closed as a whole', { type: 'object', allOf: [{}], unevaluatedProperties: false }],
  ])('but not an input schema that is %s', (_name, input) => {
    expect(problemsOf(toolset('mine', tool({ input })))).toEqual([]);
  });

  it('an output schema that cannot be published', () => {
    const output = z.custom<string>(() => true);
    expect(problemsOf(toolset('mine', tool({ output: z.strictObject({ at: z.date() }) })))).toEqual([
      expect.stringMatching(/output schema cannot be published/),
    ]);
    expect(problemsOf(toolset('mine', tool({ output })))).toHaveLength(1);
  });

  it('with every problem of every tool at once', () => {
    const bad = tool({ name: 'a b', input: z.string(), output: z.date() });
    expect(problemsOf(toolset('mine', bad, tool({ name: 'unknown' })), toolset('yours', bad))).toEqual([
      expect.stringMatching(/^\/mine\.ts: tool a b: its name/),
      expect.stringMatching(/^\/mine\.ts: tool a b: its input/),
      expect.stringMatching(/^\/mine\.ts: tool a b: its output/),
      expect.stringMatching(/^\/mine\.ts: tool unknown: the name/),
      expect.stringMatching(/^\/yours\.ts: tool a b: its name/),
      expect.stringMatching(/^\/yours\.ts: tool a b: its input/),
      expect.stringMatching(/^\/yours\.ts: tool a b: its output/),
    ]);
  });
});
