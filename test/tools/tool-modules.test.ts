import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { resolvePublicEntry } from '../../src/tools/public-entry.ts';
import { loadToolModules } from '../../src/tools/tool-modules.ts';

const directory = mkdtempSync(join(tmpdir(), 'modules-'));
beforeAll(resolvePublicEntry);

/** Writes a module of its own and returns its path. */
function moduleFile(name: string, source: string): string {
  const path = join(directory, name);
  writeFileSync(path, source);
  return path;
}

/** The source of a good tool, with fields replaced or, by an empty text, left out. */
function toolSource(fields: Readonly<Record<string, string>> = {}): string {
  const good = {
    name: "'good'",
    title: "'Good'",
    description: "'Does good.'",
    input: "{ type: 'object', additionalProperties: false }",
    annotations: '{ readOnly: true, idempotent: true, openWorld: false }',
    handler: "() => 'done'",
  };
  const entries = Object.entries({ ...good, ...fields }).filter(([, value]) => value !== '');
  return `{ ${entries.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

async function problemsOf(...paths: readonly string[]): Promise<readonly string[]> {
  const result = await loadToolModules(paths, directory);
  return result.ok ? [] : result.problems;
}

async function toolNames(...paths: readonly string[]): Promise<readonly string[]> {
  const result = await loadToolModules(paths, directory);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.toolsets.flatMap(({ name, tools }) => tools.map((tool) => `${name}/${tool.name}`));
}

describe('a tool module', () => {
  it('is a toolset named after its file, found from the directory given', async () => {
    const path = moduleFile('weather.tools.mjs', `export const tool = ${toolSource()};`);
    const result = await loadToolModules(['./weather.tools.mjs'], directory);
    expect(result).toMatchObject({
      ok: true,
      toolsets: [{ name: 'weather.tools', source: 'module', moduleUrl: pathToFileURL(path).href }],
    });
    expect(await toolNames(path, './weather.tools.mjs')).toEqual(['weather.tools/good']);
  });

  it('may export tools, lists of tools and a default, and other things beside them', async () => {
    const path = moduleFile(
      'many.mjs',
      `export const one = ${toolSource({ name: "'one'" })};
       export default [${toolSource({ name: "'two'" })}, [${toolSource({ name: "'three'" })}]];
       export const again = one;
       export const version = '1';
       export const helper = () => 'no tool';
       export class Thing { handler = 1 }
       export const nothing = null;
       export const settings = { name: 'settings', tools: [] };`,
    );
    expect([...(await toolNames(path))].sort()).toEqual(['many/one', 'many/three', 'many/two']);
  });

  it('is none of none', async () => {
    expect(await toolNames()).toEqual([]);
  });
});

describe('a broken tool module', () => {
  it.each(['orders.json', 'README.md', 'orders.XLSX', 'orders', 'page.tsx'])(
    'that is no module is told what one is: %s',
    async (name) => {
      const path = moduleFile(name, '{}');
      expect(await problemsOf(path)).toEqual([
        `${path}: is no tool module, which is a .ts, .mts, .js or .mjs file; a data file is read by the module that needs it`,
      ]);
    },
  );

  it.each(['library.ts', '/home/me/my-library.mjs\n', 'process.js'])(
    'that holds only the name of a file is told so: %j',
    async (text) => {
      const path = moduleFile('named.mjs', text);
      expect(await problemsOf(path)).toEqual([
        `${path}: holds only the name of a file, and not its text; with Helm, use --set-file in place of --set`,
      ]);
    },
  );

  it('that is a directory is told to be one', async () => {
    expect(await problemsOf(directory)).toEqual([
      `${directory}: is a directory; name the files of the tool modules`,
    ]);
  });

  it('that is not there is told what is there', async () => {
    moduleFile('shipping.mts', 'export {};');
    const missing = (name: string) => `${join(directory, name)}: there is no such file`;
    for (const name of ['shipping.ts', 'shipping', 'shiping.mts'])
      expect(await problemsOf(join(directory, name))).toEqual([
        `${missing(name)}; did you mean shipping.mts?`,
      ]);
    expect(await problemsOf(join(directory, 'none/a.ts'))).toEqual([missing('none/a.ts')]);
  });

  it('that waits forever is refused with its file', async () => {
    const path = moduleFile('waits.mjs', 'await new Promise(() => {});');
    const good = moduleFile('beside.mjs', `export const tool = ${toolSource()};`);
    expect(await loadToolModules([good, path], directory, 0.5)).toMatchObject({
      ok: false,
      problems: [`${path}: has not loaded within 0.5 s; does it await something that never comes?`],
    });
  });

  it.each([
    ['that does not exist', 'nowhere.mjs', undefined, /nowhere\.mjs: there is no such file$/],
    [
      'that throws',
      'throws.mjs',
      "throw new TypeError('not today');",
      /cannot be imported: TypeError: not today \(at .*throws\.mjs:1:7\)$/,
    ],
    ['that throws what is no error', 'odd.mjs', "throw 'a text';", /cannot be imported: a text$/],
    [
      'that imports what is not there',
      'imports.mjs',
      "import 'no-such-package';",
      /cannot be imported: .*no-such-package/,
    ],
    [
      'that exports nothing',
      'nothing.mjs',
      '',
      /exports no tool; export what defineTool\(\{\.\.\.\}\) returns\. A file that modules import does not belong in tools\.modules$/,
    ],
    [
      'that exports a promise',
      'later.mjs',
      'export default Promise.resolve();',
      /exports no tool, but default, which is a Promise; export what/,
    ],
    [
      'that exports a function',
      'makes.mjs',
      'export const make = () => 1;',
      /exports no tool, but make, which is a function; export what/,
    ],
    ['that exports no tool', 'else.mjs', 'export const x = 1;', /exports no tool, but x, which is 1; /],
    ['that exports an empty list', 'empty.mjs', 'export const tools = [];', /exports no tool/],
  ])('%s is refused with its file and the reason', async (_name, file, source, says) => {
    const path = source === undefined ? join(directory, file) : moduleFile(file, source);
    const problems = await problemsOf(path);
    expect(problems).toEqual([expect.stringMatching(says)]);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['name', { name: '' }, /^tool undefined: name: .*expected string/],
    ['name', { name: '5' }, /^tool 5: name: .*expected string/],
    ['title', { title: '' }, /^tool good: title: .*expected string/],
    ['title', { title: "''" }, /^tool good: title: is empty$/],
    ['description', { description: "' '" }, /^tool good: description: is empty$/],
    ['description', { description: '[]' }, /^tool good: description: .*expected string/],
    ['input', { input: '' }, /^tool good: input: expected a schema/],
    ['input', { input: 'null' }, /^tool good: input: expected a schema/],
    ['input', { input: "'object'" }, /^tool good: input: expected a schema/],
    ['output', { output: 'null' }, /^tool good: output: expected a schema/],
    [
      'annotations, which says which there are',
      { annotations: '' },
      /^tool good: annotations: missing; needed are readOnly, idempotent and openWorld, each true or false$/,
    ],
    [
      'annotations',
      { annotations: '{ readOnly: true, openWorld: false }' },
      /^tool good: annotations\.idempotent: missing; needed are readOnly, idempotent and openWorld, each true or false$/,
    ],
    [
      'annotation, with the name that MCP has for it',
      { annotations: '{ readOnly: true, idempotent: true, openWorld: false, destructiveHint: false }' },
      /^tool good: annotations: there is no destructiveHint; did you mean destructive\? The fields are readOnly, idempotent, destructive, openWorld$/,
    ],
    ['annotations', { annotations: 'null' }, /^tool good: annotations: .*expected object, received null/],
    [
      'annotations, which would spoil tools/list for every client',
      { annotations: "{ readOnly: 'yes', idempotent: true, openWorld: false }" },
      /^tool good: annotations\.readOnly: .*expected boolean/,
    ],
    [
      'a field that there is not, by the beginning of its name',
      { timeout: '5' },
      /^tool good: there is no timeout; did you mean timeoutSeconds\? The fields are name, title, .*, timeoutSeconds, maxConcurrency, handler$/,
    ],
    [
      'fields that there are not, of which one has a longer name',
      { outputSchema: '{}', run: '5' },
      /^tool good: there is no outputSchema, run; did you mean output\? The fields are name, /,
    ],
    [
      'field, by a slip and by its case',
      { timoutSeconds: '5', maxconcurrency: '1' },
      /^tool good: there is no timoutSeconds, maxconcurrency; did you mean timeoutSeconds, maxConcurrency\? The fields are /,
    ],
    ['a field that is like none', { run: '5' }, /^tool good: there is no run; the fields are name, /],
    [
      'isolation, which would run on the event loop',
      { isolation: "'wroker'" },
      /^tool good: isolation: .*"worker"/,
    ],
    ['timeoutSeconds', { timeoutSeconds: '0' }, /^tool good: timeoutSeconds: /],
    ['timeoutSeconds', { timeoutSeconds: "'5'" }, /^tool good: timeoutSeconds: /],
    ['timeoutSeconds', { timeoutSeconds: 'NaN' }, /^tool good: timeoutSeconds: /],
    [
      'timeoutSeconds, which a timer would take for a millisecond',
      { timeoutSeconds: '1e7' },
      /^tool good: timeoutSeconds: /,
    ],
    ['maxConcurrency, which would never let it run', { maxConcurrency: '0' }, /^tool good: maxConcurrency: /],
    ['maxConcurrency', { maxConcurrency: '1.5' }, /^tool good: maxConcurrency: /],
    ['handler', { handler: '' }, /^tool good: handler: expected a function/],
    ['handler', { handler: "'done'" }, /^tool good: handler: expected a function/],
  ])('whose tool has a wrong %s is refused: %o', async (_field, fields, says) => {
    const path = moduleFile(`wrong-${Math.random()}.mjs`, `export const tool = ${toolSource(fields)};`);
    const problems = await problemsOf(path);
    expect(problems.map((problem) => problem.replace(`${path}: `, ''))).toEqual([
      expect.stringMatching(says),
    ]);
  });

  it('does not hide behind a good tool of the same module', async () => {
    const path = moduleFile(
      'half.mjs',
      `export const good = ${toolSource()};
       export const bad = ${toolSource({ name: "'no_handler'", handler: '' })};
       export const worse = ${toolSource({ name: '' })};`,
    );
    expect(await problemsOf(path)).toEqual([
      expect.stringMatching(/tool no_handler: handler/),
      expect.stringMatching(/tool undefined: name/),
    ]);
  });

  it('is told what is wrong with the schemas of a tool along with its other fields', async () => {
    const fields = { title: "''", name: "'a b'", input: '{ type: 5 }' };
    const path = moduleFile('both.mjs', `export const tool = ${toolSource(fields)};`);
    expect(await problemsOf(path)).toEqual([
      expect.stringMatching(/tool a b: title: is empty$/),
      expect.stringMatching(/tool a b: its name must be/),
      expect.stringMatching(/tool a b: its input schema cannot be published/),
    ]);
  });

  it('is reported together with all others, each problem of each', async () => {
    const paths = [
      moduleFile('first.mjs', "throw new Error('first');"),
      moduleFile('second.mjs', `export const a = ${toolSource({ title: '', handler: '' })};`),
      moduleFile('fine.mjs', `export const tool = ${toolSource()};`),
      moduleFile('third.mjs', 'export {};'),
    ];
    expect(await problemsOf(...paths)).toEqual([
      expect.stringMatching(/first\.mjs: cannot be imported/),
      expect.stringMatching(/second\.mjs: tool good: title/),
      expect.stringMatching(/second\.mjs: tool good: handler/),
      expect.stringMatching(/third\.mjs: exports no tool/),
    ]);
  });
});
