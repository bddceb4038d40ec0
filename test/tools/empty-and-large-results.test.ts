import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'results-'));
const module = join(directory, 'results.mjs');
writeFileSync(
  module,
  `import { content, defineTool, z } from 'nexus-mcp/tools';
const base = {
  title: 'Result',
  description: 'A tool for tests.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
};
const RETURNED = {
  gives_undefined: undefined,
  gives_null: null,
  gives_false: false,
  gives_zero: 0,
  gives_empty_text: '',
  gives_empty_list: [],
  gives_no_blocks: content([]),
  gives_blocks_and_null: content([{ type: 'text', text: 'none' }], null),
};
export const tools = [
  ...Object.entries(RETURNED).map(([name, returned]) =>
    defineTool({ ...base, name, input: z.strictObject({}), handler: () => returned }),
  ),
  defineTool({
    ...base,
    name: 'gives_text',
    input: z.strictObject({ length: z.number() }),
    handler: ({ length }) => 'x'.repeat(length),
  }),
];
`,
);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { modules: [module] }, limits: { resultBytes: 2000 } });
});
afterAll(() => server.stop());

/** What `nexus-mcp call` prints. */
async function call(args: readonly string[]): Promise<string> {
  let written = '';
  await run({
    argv: ['call', ...args, '--tools.modules', module],
    env: {},
    directory,
    version: '0.0.0',
    now: () => performance.now() / 1000,
    unixTime: () => Date.now() / 1000,
    stdout: { write: (text: string) => (written += text) },
    stderr: { write: (text: string) => (written += text) },
    stopRequested: new Promise(() => undefined),
  });
  return written;
}

const RESULTS: readonly (readonly [tool: string, result: unknown])[] = [
  ['gives_undefined', null],
  ['gives_null', null],
  ['gives_false', false],
  ['gives_zero', 0],
  ['gives_empty_text', ''],
  ['gives_empty_list', []],
  ['gives_no_blocks', null],
  ['gives_blocks_and_null', null],
];

describe.each(RESULTS)('what %s', (tool, result) => {
  it('is the same over REST and on the command line', async () => {
    expect((await server.execute(tool)).body).toMatchObject({ status: 'success', result });
    expect(JSON.parse(await call([tool, '--json']))).toEqual({ status: 'success', result });
    const printed = await call([tool]);
    expect(printed).toBe(`${result === '' ? '' : JSON.stringify(result)}\n`);
  });
});

it.each(ERAS)('over MCP what returns nothing has no content (%s)', async (era) => {
  const { client } = await connectClient(server.url, era);
  expect(await client.callTool({ name: 'gives_undefined' })).toMatchObject({ content: [] });
  await client.close();
});

describe('a result that is too large', () => {
  it('is logged with why, and with the setting', async () => {
    const { body } = await server.execute('gives_text', { length: 5000 });
    expect(body).toMatchObject({ reason: 'exception', detail: expect.stringMatching(/too large/) as string });
    const line = server.logs.findLast((entry) => entry['tool'] === 'gives_text');
    expect(line).toMatchObject({
      level: 'error',
      result_bytes: expect.any(Number) as number,
      err: { message: 'invalid result: it is larger than 2000 bytes (limits.resultBytes)' },
    });
  });

  it('is folded with others of other sizes', async () => {
    for (let length = 5001; length < 5020; length += 1) await server.execute('gives_text', { length });
    const lines = server.logs.filter((line) => line['tool'] === 'gives_text');
    expect(lines.length).toBeLessThanOrEqual(5);
  });
});
