import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { startServer } from '../support/server-process.ts';
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

const TYPESCRIPT = `
import { defineTool, failure, z, type ToolContext } from 'nexus-mcp/tools';

interface Greeting { readonly text: string }
const annotations = { readOnly: true, idempotent: true, openWorld: false } as const;
const input = z.strictObject({ name: z.string().min(1) });
const greet = (name: string): Greeting => ({ text: \`Hello \${name}\` });

export const hello = defineTool({
  name: 'hello', title: 'Hello', description: 'Greets.', annotations, input,
  output: z.strictObject({ text: z.string() }),
  handler: ({ name }, _context: ToolContext) => name === 'nobody' ? failure('There is nobody.') : greet(name),
});
export const isolatedHello = defineTool({
  ...hello, name: 'isolated_hello', isolation: 'worker',
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

describe('a good TypeScript module outside the project that imports nexus-mcp/tools', () => {
  const file = moduleFile('greetings.ts', TYPESCRIPT);
  const call = (...operands: string[]) => runCli(['call', ...operands, ...modules(file)], { directory });

  it.each(['greetings.ts', 'greetings.mts'])('offers its tools under its own name: %s', async (name) => {
    const flags = ['--tools.enabled', 'greetings', ...modules(moduleFile(name, TYPESCRIPT))];
    const { code, stdout, stderr } = await runCli(['tools', ...flags], { directory });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe('hello           Greets.\nisolated_hello  Greets.\n');
  });

  it.each(['hello', 'isolated_hello'])('runs %s, and checks its arguments', async (tool) => {
    const ran = await call(tool, '{"name":"Ada"}');
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, { text: 'Hello Ada' }]);
    const refused = await call(tool, '{"name":"","age":36}');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/invalid_arguments.*name.*age/);
  });

  it('fails in the words of its tool', async () => {
    const { code, stderr } = await call('hello', '{"name":"nobody"}');
    expect([code, stderr]).toEqual([1, 'nexus-mcp: tool_error: There is nobody.\n']);
  });
});

describe('a good .mjs module', () => {
  it('works from a path with spaces, percent signs and other letters, in a worker too', async () => {
    const file = moduleFile('mein 100% #1 wörk.mjs', JAVASCRIPT);
    for (const [tool, stdout] of [
      ['shout', /"text": "HI"/],
      ['isolated_shout', /"HI"|^HI$/m],
    ] as const) {
      const result = await runCli(['call', tool, '{"text":"hi"}', ...modules(file)], { directory });
      expect([result.code, result.stdout]).toEqual([0, expect.stringMatching(stdout)]);
    }
  });

  it('is found from the directory of the configuration file, not from the working directory', async () => {
    moduleFile('shout.mjs', JAVASCRIPT);
    const config = join(directory, moduleFile('nexus.yaml', 'tools: {modules: [./shout.mjs]}\n'));
    mkdirSync(join(directory, 'elsewhere'), { recursive: true });
    const { code } = await runCli(['tools', '-c', config], { directory: join(directory, 'elsewhere') });
    expect(code).toBe(0);
  });

  it('is counted, labelled with its toolset and source, when served', async () => {
    const file = join(directory, moduleFile('served.mjs', JAVASCRIPT));
    // Its prints may not get between the lines of the log, which are all JSON.
    const server = await startServer({ args: modules(file) });
    try {
      for (const tool of ['shout', 'isolated_shout']) {
        const response = await fetch(`${server.url}/tools/${tool}/execute`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"arguments":{"text":"hi"}}',
        });
        expect(await response.json()).toMatchObject({ result: 'HI', status: 'success' });
      }
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain(
        'mcp_tool_info{tool_name="shout",toolset="served",source="module",isolation="none"} 1',
      );
      expect(metrics).toContain('mcp_tool_calls_total{tool_name="isolated_shout",status="success"} 1');
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });
});

describe('what a tool module prints', () => {
  const file = moduleFile('prints.mjs', JAVASCRIPT);
  const isolated = moduleFile('prints-isolated.ts', TYPESCRIPT);

  it('goes to stderr, so that stdout carries the answer alone', async () => {
    const { stdout, stderr } = await runCli(['call', 'shout', '{"text":"hi"}', '--json', ...modules(file)], {
      directory,
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'success' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^imported\nhandler\n/);
    const listed = await runCli(['tools', '--json', ...modules(file)], { directory });
    expect(() => JSON.parse(listed.stdout) as unknown).not.toThrow();
  });

  it('goes to stderr from a worker too', async () => {
    const { stdout } = await runCli(['call', 'isolated_hello', '{"name":"Ada"}', ...modules(isolated)], {
      directory,
    });
    expect(JSON.parse(stdout)).toEqual({ text: 'Hello Ada' });
  });

  it('does not break the protocol on stdio', async () => {
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
      env: {},
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

describe('broken tool modules', () => {
  const tool = (fields: string): string => `{
    name: 'broken', title: 'Broken', description: 'Broken.',
    input: { type: 'object', additionalProperties: false },
    annotations: { readOnly: true, idempotent: true, openWorld: false }, handler: () => 'x', ${fields} }`;

  it.each(['serve', 'check'])('stop %s with every file and reason, and exit code 2', async (command) => {
    const files = [
      moduleFile('syntax.mjs', 'export const x = ;\n'),
      moduleFile('syntax.ts', 'export enum Colour { Red }\n'),
      moduleFile('no-tools.mjs', 'export const x = 1;\n'),
      moduleFile('missing-fields.mjs', `export const t = ${tool('title: undefined, handler: undefined')};\n`),
      'gone.mjs',
    ];
    const { code, stdout, stderr } = await runCli([command, '--server.port', '0', ...modules(...files)], {
      directory,
    });
    expect([code, stdout]).toEqual([2, '']);
    const at = (file: string): string => `nexus-mcp: ${directory}/${file}: `;
    expect(stderr.trimEnd().split('\n')).toEqual([
      `${at('syntax.mjs')}cannot be imported: SyntaxError: Unexpected token ';'`,
      expect.stringMatching(/syntax\.ts: cannot be imported: SyntaxError.*enum.* \(at .*syntax\.ts:1\)$/),
      expect.stringMatching(/no-tools\.mjs: exports no tool/),
      expect.stringMatching(/missing-fields\.mjs: tool broken: title: /),
      expect.stringMatching(/missing-fields\.mjs: tool broken: handler: /),
      expect.stringMatching(/gone\.mjs: cannot be imported: .*ERR_MODULE_NOT_FOUND/),
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
    const { code, stdout, stderr } = await runCli(['check', ...modules(...files)], { directory });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/duplicate\.mjs: tool add: its name is taken by toolset calculator$/),
      expect.stringMatching(/twice\.mjs: tool same: its name is taken by toolset twice$/),
      expect.stringMatching(
        /open\.mjs: tool open: its input schema does not say what happens to unknown fields/,
      ),
      expect.stringMatching(/reserved\.mjs: tool unknown: .*reserved/),
      expect.stringMatching(/named\.mjs: tool a b: its name must be/),
    ]);
  });

  it('do not matter when their twin is switched off', async () => {
    const file = moduleFile('replacement.mjs', `export const t = ${tool("name: 'add'")};\n`);
    const flags = ['--tools.disabled', 'calculator', ...modules(file)];
    expect(await runCli(['call', 'add', ...flags], { directory })).toEqual({
      code: 0,
      stdout: 'x\n',
      stderr: '',
    });
  });
});
