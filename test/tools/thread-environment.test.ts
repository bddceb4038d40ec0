import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { compiled } from '../support/compile-cache.ts';
import { MAIN } from '../support/spawn-cli.ts';

vi.setConfig({ testTimeout: 120_000 });

const directory = mkdtempSync(join(tmpdir(), 'thread-environment-'));
function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

const variables = file('prod.env', 'LIBRARY_KEY=secret\n');
const tools = file(
  'library.mjs',
  `import { defineTool, z } from 'nexus-mcp/tools';
   const atImport = Object.keys(process.env);
   const tool = {
     title: 'T', description: 'T.', annotations: { readOnly: true, idempotent: true, openWorld: false },
     input: z.strictObject({}), handler: () => [...atImport, ...Object.keys(process.env)],
   };
   export const outside = defineTool({ ...tool, name: 'outside' });
   export const inside = defineTool({ ...tool, name: 'inside', isolation: 'worker' });`,
);
const needy = file(
  'needy.mjs',
  `if (!process.env.LIBRARY_KEY) throw new Error('LIBRARY_KEY is missing');
   export * from './library.mjs';`,
);
const source = (name: string) => JSON.stringify(new URL(`../../src/tools/${name}.ts`, import.meta.url).href);
const test = file(
  'test.mjs',
  `import { callTool } from ${source('testing')};
   import { resolvePublicEntry } from ${source('public-entry')};
   resolvePublicEntry();
   const moduleUrl = ${JSON.stringify(pathToFileURL(tools).href)};
   const { inside } = await import(moduleUrl);
   console.log(JSON.stringify(await callTool(inside, {}, { moduleUrl })));`,
);

async function node(...args: readonly string[]): Promise<string> {
  const env = compiled();
  const run = promisify(execFile)(process.execPath, args, { env, cwd: directory });
  const { stdout, stderr } = await run.catch((error: unknown) => error as { stdout: string; stderr: string });
  return stdout + stderr;
}

describe.each([
  `--env-file=${variables}`,
  `--env-file-if-exists=${variables}`,
  `--import=data:text/javascript,process.env.LIBRARY_KEY='secret'`,
])('with %s', (flag) => {
  it('a worker thread has no environment variables', async () => {
    const call = (tool: string) => node(flag, MAIN, 'call', tool, '--tools.modules', tools, '--json');
    expect(await call('outside')).toContain('LIBRARY_KEY');
    expect(JSON.parse(await call('inside'))).toEqual({ status: 'success', result: [] });
  });

  it('a module that needs a variable does not load in a thread', async () => {
    expect(await node(flag, MAIN, 'check', '--tools.modules', needy)).toContain(
      'needy.mjs: cannot be imported in a worker thread: Error: LIBRARY_KEY is missing',
    );
  });

  it('a tool in a unit test has none either', async () => {
    expect(JSON.parse(await node(flag, test))).toMatchObject({ status: 'success', result: { value: [] } });
  });
});
