import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compiled } from '../support/compile-cache.ts';
import { scrape } from '../support/metrics-text.ts';
import { runHere } from '../support/run-here.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { MAIN, runCli } from '../support/spawn-cli.ts';

// Each run of the program is a process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

/** A directory far from this project, without a package or node_modules of its own. */
const directory = mkdtempSync(join(tmpdir(), 'tool-modules-'));
function moduleFile(name: string, source: string): string {
  writeFileSync(join(directory, name), source);
  return name;
}

const modules = (...names: readonly string[]): string[] => ['--tools.modules', names.join(',')];

/** A module in TypeScript with two tools, one of them isolated. */
const typescript = (tool: string): string => `
import { defineTool, failure, z, type ToolContext } from 'nexus-mcp/tools';

interface Greeting { readonly text: string }
const annotations = { readOnly: true, idempotent: true, openWorld: false } as const;
const input = z.strictObject({ name: z.string().min(1) });
const greet = (name: string): Greeting => ({ text: \`Hello \${name}\` });

export const hello = defineTool({
  name: '${tool}', title: 'Hello', description: 'Greets.', annotations, input,
  output: z.strictObject({ text: z.string() }),
  handler: ({ name }, _context: ToolContext) => name === 'nobody' ? failure('There is nobody.') : greet(name),
});
export const isolatedHello = defineTool({
  ...hello, name: 'isolated_${tool}', isolation: 'worker',
  handler: async ({ name }) => { console.log('isolated handler'); return greet(name); },
});
`;

const JAVASCRIPT = `
import { defineTool, content, z } from 'nexus-mcp/tools';
console.log('imported');
const tool = {
  title: 'Shout', description: 'Shouts.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  input: z.strictObject({ text: z.string() }),
};
export default [
  defineTool({ ...tool, name: 'shout', handler: ({ text }) => { console.log('handler'); console.table([1]); return content([{ type: 'text', text: text.toUpperCase() }]); } }),
  defineTool({ ...tool, name: 'isolated_shout', isolation: 'worker', handler: ({ text }) => text.toUpperCase() }),
];
`;

describe('good modules outside the project that import nexus-mcp/tools', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    moduleFile('greetings.ts', typescript('hello'));
    moduleFile('salutes.mts', typescript('salute'));
    moduleFile('mein 100% #1 wörk.mjs', JAVASCRIPT);
    const paths = "['./greetings.ts', './salutes.mts', './mein 100% #1 wörk.mjs']";
    const config = join(directory, moduleFile('nexus.yaml', `tools: {modules: ${paths}}\n`));
    // They are found from the directory of the configuration file, which is not the working directory.
    // What they print may not get between the lines of the log, which are all JSON.
    server = await startServer({ args: ['--config', config] });
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  async function call(tool: string, args: unknown): Promise<unknown> {
    const response = await fetch(`${server.url}/tools/${tool}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ arguments: args }),
    });
    return response.json();
  }

  it.each([
    ['greetings', 'hello'],
    ['greetings', 'isolated_hello'],
    ['salutes', 'salute'],
    ['salutes', 'isolated_salute'],
    ['mein 100% #1 wörk', 'shout'],
    ['mein 100% #1 wörk', 'isolated_shout'],
  ])(
    'offer their tools under their own names, where calls of them are counted: %s, %s',
    async (toolset, tool) => {
      const [args, result] = tool.includes('shout')
        ? [{ text: 'hi' }, 'HI']
        : [{ name: 'Ada' }, { text: 'Hello Ada' }];
      expect(await call(tool, args)).toMatchObject({ result, status: 'success' });
      const samples = await scrape(server.url);
      const isolation = tool.startsWith('isolated') ? 'worker' : 'none';
      expect(samples.value('mcp_tool_info', { tool_name: tool, toolset, source: 'module', isolation })).toBe(
        1,
      );
      expect(samples.value('mcp_tool_calls_total', { tool_name: tool, status: 'success' })).toBe(1);
    },
  );

  it.each(['salute', 'isolated_salute'])('have the arguments of %s checked', async (tool) => {
    expect(await call(tool, { name: '', age: 36 })).toMatchObject({
      reason: 'invalid_arguments',
      detail: expect.stringMatching(/name.*age/) as string,
    });
  });

  it('fail in the words of their tools', async () => {
    expect(await call('hello', { name: 'nobody' })).toMatchObject({
      reason: 'tool_error',
      detail: 'There is nobody.',
    });
  });
});

describe('what a tool module prints', () => {
  const file = moduleFile('prints.mjs', JAVASCRIPT);
  const isolated = moduleFile('prints-isolated.ts', typescript('hello'));

  it('goes to stderr, so that stdout carries the answer alone', async () => {
    const { stdout, stderr } = await runCli(['call', 'shout', '{"text":"hi"}', '--json', ...modules(file)], {
      directory,
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'success' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    // The worker thread of its isolated tool imports it again.
    expect(stderr.match(/^imported$/gm)).toHaveLength(2);
    expect(stderr).toMatch(/^handler\n/m);
  });

  it('does not break the protocol on stdio, from a worker neither', async () => {
    const messages = [
      {
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        },
      },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/call', params: { name: 'shout', arguments: { text: 'hi' } } },
      { id: 3, method: 'tools/call', params: { name: 'isolated_hello', arguments: { name: 'Ada' } } },
    ];
    const child = spawn(process.execPath, [MAIN, 'stdio', ...modules(file, isolated)], {
      cwd: directory,
      env: compiled(),
    });
    const errors = text(child.stderr);
    for (const message of messages) child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const answers: { readonly id: number; readonly result: unknown }[] = [];
    for await (const line of createInterface(child.stdout)) {
      answers.push(JSON.parse(line) as (typeof answers)[number]);
      if (answers.length === 3) child.stdin.end();
    }
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect(await errors).toMatch(/isolated handler/);
    expect(answers.find(({ id }) => id === 2)?.result).toMatchObject({ content: [{ text: 'HI' }] });
  });
});

it.each([
  ['slug', '{"title":"A good day!"}', 'a-good-day'],
  ['count_primes', '{"limit":100}', '25'],
])('the example %s of the page on tools gives what it promises', async (tool, args, result) => {
  const examples = ['slug.ts', 'primes.ts'].map((name) =>
    join(import.meta.dirname, '../../examples/tools', name),
  );
  expect(await runHere(['call', tool, args, ...modules(...examples)])).toMatchObject({
    code: 0,
    stdout: `${result}\n`,
  });
});

it('check names each module with its tools, in comments above the settings', async () => {
  const names = [moduleFile('greets.ts', typescript('greet')), moduleFile('shouts.mjs', JAVASCRIPT)];
  const commentsOf = async (...flags: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await runHere(['check', ...modules(...names), ...flags], { directory });
    return stdout.split('\n').filter((line) => line.startsWith('# module '));
  };
  expect(await commentsOf()).toEqual([
    '# module greets: greet, isolated_greet',
    '# module shouts: shout, isolated_shout',
  ]);
  const without = ['--tools.disabled', 'greet,shouts', '--metrics.enabled', 'false'];
  expect(await commentsOf(...without)).toEqual([
    '# module greets: isolated_greet',
    '# module shouts: no tool is enabled',
  ]);
});

describe('broken tool modules', () => {
  const tool = (fields: string): string => `{
    name: 'broken', title: 'Broken', description: 'Broken.',
    input: { type: 'object', additionalProperties: false },
    annotations: { readOnly: true, idempotent: true, openWorld: false }, handler: () => 'x', ${fields} }`;

  it('stop the server with every file and reason, and exit code 2', async () => {
    const files = [
      moduleFile('syntax.mjs', 'export const x = ;\n'),
      moduleFile('imports-syntax.mjs', "import './syntax.mjs';\n"),
      moduleFile('json.mjs', "JSON.parse('{');\n"),
      moduleFile('itself.mjs', "import { defineTool } from 'nexus-mcp';\n"),
      moduleFile('syntax.ts', 'export enum Colour { Red }\n'),
      moduleFile('no-tools.mjs', 'export const x = 1;\n'),
      moduleFile('missing-fields.mjs', `export const t = ${tool('title: undefined, handler: undefined')};\n`),
      'gone.mjs',
    ];
    const { code, stdout, stderr } = await runCli(['serve', '--server.port', '0', ...modules(...files)], {
      directory,
    });
    expect([code, stdout]).toEqual([2, '']);
    const at = (file: string): string => `nexus-mcp: ${directory}/${file}: `;
    expect(stderr.trimEnd().split('\n')).toEqual([
      `${at('syntax.mjs')}cannot be imported: SyntaxError: Unexpected token ';'; node --check ${directory}/syntax.mjs prints the line, if it is not in a file that this one imports`,
      `${at('imports-syntax.mjs')}cannot be imported: SyntaxError: Unexpected token ';'; node --check ${directory}/imports-syntax.mjs prints the line, if it is not in a file that this one imports`,
      expect.stringMatching(/json\.mjs: cannot be imported: SyntaxError: (?!.*--check)/),
      expect.stringMatching(
        /itself\.mjs: cannot be imported: .*'nexus-mcp'.*; a tool module imports nexus-mcp\/tools$/,
      ),
      expect.stringMatching(/syntax\.ts: cannot be imported: SyntaxError.*enum.* \(at .*syntax\.ts:1\)$/),
      expect.stringMatching(/no-tools\.mjs: exports no tool/),
      expect.stringMatching(/missing-fields\.mjs: tool broken: title: /),
      expect.stringMatching(/missing-fields\.mjs: tool broken: handler: /),
      expect.stringMatching(/gone\.mjs: there is no such file$/),
    ]);
  });

  it('in a project that is CommonJS, as npm init makes it, are told what to do', async () => {
    mkdirSync(join(directory, 'commonjs'));
    moduleFile('commonjs/package.json', '{"type": "commonjs"}');
    const files = [
      moduleFile('commonjs/imports.ts', typescript('hello')),
      moduleFile('commonjs/exports.js', `export const t = ${tool('')};\n`),
      moduleFile('named.cjs', `export const t = ${tool('')};\n`),
    ];
    const { code, stderr } = await runCli(['check', ...modules(...files)], { directory });
    expect(code).toBe(2);
    const own = stderr.split('\n').filter((line) => line.startsWith('nexus-mcp: '));
    const says = expect.stringMatching(
      /package\.json needs "type": "module", or name the file \.mts or \.mjs$/,
    ) as string;
    expect(own).toEqual([says, says, says]);
  });

  it('that import what has another ending are told its name', async () => {
    moduleFile('helper.ts', 'export {};');
    moduleFile('odd helper.mts', 'export {};');
    const imported = ['./helper.js', './helper', './odd%20helper.mjs', './typo.js', 'no-such-package'];
    const files = imported.map((name, index) => moduleFile(`importer-${index}.ts`, `import '${name}';`));
    const { stderr } = await runCli(['check', ...modules(...files)], { directory });
    const helperIsThere = expect.stringMatching(
      /Cannot find module.*; helper\.ts is there: import it by that name$/,
    ) as string;
    expect(stderr.trimEnd().split('\n')).toEqual([
      helperIsThere,
      helperIsThere,
      expect.stringMatching(/Cannot find module.*; odd helper\.mts is there: import it by that name$/),
      expect.stringMatching(/Cannot find module.* imported from \S+importer-3\.ts$/),
      expect.stringMatching(
        /Cannot find package.* imported from \S+importer-4\.ts; run npm install no-such-package where the module is$/,
      ),
    ]);
  });

  it('that import a name which is not exported are told what is meant', async () => {
    const import_ = (names: string) => `import { ${names} } from 'nexus-mcp/tools';\n`;
    const files = [
      moduleFile('misspelt.mjs', import_('definetool')),
      moduleFile('type-only.ts', import_('ToolContext')),
      moduleFile('unknown-name.mjs', import_('makeTool')),
    ];
    const { stderr } = await runCli(['check', ...modules(...files)], { directory });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/export named 'definetool' .*; did you mean defineTool\?$/),
      expect.stringMatching(
        /export named 'ToolContext' .*; if ToolContext is a type, import \{ type ToolContext \}$/,
      ),
      expect.stringMatching(/export named 'makeTool' \(at [^;]*$/),
    ]);
  });

  it('include those whose tools the registry refuses', async () => {
    const files = [
      moduleFile('duplicate.mjs', `export const t = ${tool("name: 'add'")};\n`),
      moduleFile(
        'twice.mjs',
        `export const a = ${tool("name: 'same'")}; export const b = ${tool("name: 'same'")};\n`,
      ),
      moduleFile(
        'open.mjs',
        `export const t = ${tool("name: 'open', input: { type: 'object', properties: {} }")};\n`,
      ),
      moduleFile('reserved.mjs', `export const t = ${tool("name: 'unknown'")};\n`),
      moduleFile('named.mjs', `export const t = ${tool("name: 'a b'")};\n`),
    ];
    const { code, stdout, stderr } = await runHere(['check', ...modules(...files)], { directory });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      `nexus-mcp: ${directory}/duplicate.mjs: tool add: the built-in toolset calculator has a tool of the same name; rename yours`,
      expect.stringMatching(
        /twice\.mjs: tool same: it is exported twice by this file; give each tool a name of its own$/,
      ),
      expect.stringMatching(
        /open\.mjs: tool open: its input schema does not say what happens to unknown fields/,
      ),
      expect.stringMatching(/reserved\.mjs: tool unknown: .*reserved/),
      expect.stringMatching(/named\.mjs: tool a b: its name must be/),
    ]);
  });

  it('are told of together, whether they do not load, or their tools are refused', async () => {
    const files = [
      moduleFile('broken.mjs', 'throw new Error("broken");\n'),
      moduleFile('untitled.mjs', `export const t = ${tool("title: ''")};\n`),
      moduleFile('misnamed.mjs', `export const t = ${tool("name: 'c d'")};\n`),
      moduleFile('calculator.mjs', `export const t = ${tool("name: 'cube'")};\n`),
    ];
    const { stderr } = await runHere(['check', ...modules(...files), '--tools.disabled', 'cuboid'], {
      directory,
    });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/broken\.mjs: cannot be imported/),
      expect.stringMatching(/untitled\.mjs: tool broken: title: is empty$/),
      expect.stringMatching(
        /calculator\.mjs: calculator is the name of a built-in toolset; rename the file$/,
      ),
      'nexus-mcp: not found, perhaps because a module above did not load: cuboid (tools.disabled)',
      expect.stringMatching(/misnamed\.mjs: tool c d: its name must be/),
    ]);
  });

  it('include two files of one name, which would be one toolset', async () => {
    mkdirSync(join(directory, 'other'), { recursive: true });
    const named = (name: string) => `export const t = ${tool(`name: '${name}'`)};\n`;
    const files = [
      moduleFile('twin.mjs', named('one')),
      moduleFile('other/twin.mjs', named('two')),
      moduleFile('twin.js', named('three')),
    ];
    const { code, stderr } = await runHere(['check', ...modules(...files)], { directory });
    const refused = (file: string) =>
      `nexus-mcp: ${directory}/${file}: would be the toolset twin, as ${directory}/twin.mjs is; rename one of the files`;
    expect([code, ...stderr.trimEnd().split('\n')]).toEqual([
      2,
      refused('other/twin.mjs'),
      refused('twin.js'),
    ]);
  });

  it('include those that do not load in a worker thread, where it has no variables', async () => {
    const isolated = tool("isolation: 'worker'");
    const files = [
      moduleFile(
        'secret.mjs',
        `if (!process.env.PATH) throw new Error('Set WEATHER_KEY.'); export const t = ${isolated};\n`,
      ),
      moduleFile(
        'sometimes.mjs',
        `const t = ${isolated.replace('broken', 'at_times')}; export default process.env.PATH ? [t] : [];\n`,
      ),
      moduleFile(
        'leaves.mjs',
        `import { isMainThread } from 'node:worker_threads';
         if (!isMainThread) process.exit(3); export const t = ${isolated.replace('broken', 'leaving')};\n`,
      ),
    ];
    const { code, stderr } = await runHere(['check', ...modules(...files)], { directory });
    const advice =
      "; it has no environment variables there: put tools with isolation: 'worker' in a file that needs none";
    const at = (file: string): string => `nexus-mcp: ${directory}/${file}: `;
    expect([code, ...stderr.trimEnd().split('\n')]).toEqual([
      2,
      `${at('secret.mjs')}cannot be imported in a worker thread: Error: Set WEATHER_KEY.${advice}`,
      `${at('sometimes.mjs')}exports no tool at_times in a worker thread${advice}`,
      expect.stringMatching(
        /leaves\.mjs: cannot be imported in a worker thread: Error: worker exited with code: 3/,
      ),
    ]);
  });

  it('do not matter when their twin is switched off', async () => {
    const file = moduleFile('replacement.mjs', `export const t = ${tool("name: 'add'")};\n`);
    const flags = ['--tools.disabled', 'calculator', ...modules(file)];
    expect(await runHere(['call', 'add', ...flags], { directory })).toEqual({
      code: 0,
      stdout: 'x\n',
      stderr: '',
    });
  });
});
