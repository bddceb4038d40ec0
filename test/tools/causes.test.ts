import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callTool } from 'nexus-mcp/testing';
import { defineTool, failure, unavailable, z } from 'nexus-mcp/tools';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const path = join(mkdtempSync(join(tmpdir(), 'causes-')), 'causes.mjs');
writeFileSync(
  path,
  `import { failure, unavailable } from 'nexus-mcp/tools';
   const refused = () => new TypeError('fetch failed', {
     cause: Object.assign(new Error('connect ECONNREFUSED postgres://u:hunter2@db'), { headers: { authorization: 'k3y' }, again: () => 1 }),
   });
   const tool = {
     title: 'T', description: 'T.', input: { type: 'object', additionalProperties: false },
     annotations: { readOnly: true, idempotent: true, openWorld: true },
   };
   const both = (name, handler) => [
     { ...tool, name, handler }, { ...tool, name: name + '_in_a_thread', isolation: 'worker', handler },
   ];
   export default [
     both('down', () => unavailable('The service does not answer.', refused())),
     both('refuses', () => failure('There is no such row.', refused())),
     both('says', () => unavailable('The service does not answer.', 'it is in maintenance')),
   ];`,
);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { modules: [path] } });
});
afterAll(() => server.stop());

describe.each(['', '_in_a_thread'])('the cause of a failure that a tool returns%s', (where) => {
  it.each([
    ['down', 'unavailable', 'The service does not answer.'],
    ['refuses', 'tool_error', 'There is no such row.'],
  ])('is in the log without secrets, and no client is told: %s', async (name, reason, detail) => {
    const { body } = await server.execute(`${name}${where}`);
    expect(body).toMatchObject(reason === 'tool_error' ? { reason } : { reason, detail });
    expect(JSON.stringify(body)).not.toContain('fetch failed');
    const line = server.logs.findLast(({ tool }) => tool === `${name}${where}`);
    expect(line).toMatchObject({
      reason,
      err: {
        type: 'TypeError',
        message: expect.stringMatching(/^fetch failed: connect ECONNREFUSED/) as string,
        stack: expect.stringMatching(/causes\.mjs:\d+/) as string,
      },
    });
    expect(JSON.stringify(line)).not.toMatch(/hunter2|k3y/);
  });

  it('may be a text', async () => {
    await server.execute(`says${where}`);
    expect(JSON.stringify(server.logs.findLast(({ tool }) => tool === `says${where}`))).toContain(
      'it is in maintenance',
    );
  });

  it('is printed to whoever calls the tool from the command line', async () => {
    const { stderr } = await runHere(['call', `down${where}`, '--tools.modules', path]);
    expect(stderr).toMatch(
      /^nexus-mcp: unavailable: The service does not answer\.\nTypeError: fetch failed\n +at [^]*ECONNREFUSED/,
    );
  });
});

it('a unit test sees the cause of a failure', async () => {
  const cause = new Error('fetch failed');
  const tool = (handler: () => ReturnType<typeof failure>) =>
    defineTool({
      name: 'down',
      title: 'Down',
      description: 'Is down.',
      input: z.strictObject({}),
      annotations: { readOnly: true, idempotent: true, openWorld: true },
      handler,
    });
  expect(await callTool(tool(() => unavailable('It is down.', cause)))).toMatchObject({
    reason: 'unavailable',
    cause,
  });
  expect(await callTool(tool(() => failure('It is not there.', cause)))).toMatchObject({
    reason: 'tool_error',
    cause,
  });
});
