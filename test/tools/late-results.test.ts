import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestServer, type TestServer } from '../support/test-server.ts';

/** Tools that hold the event loop past their deadline of 0.1 s, and then end in each way there is. */
const LATE_TOOLS = `
import { content, defineTool, failure, unavailable, z } from 'nexus-mcp/tools';
const base = {
  input: z.strictObject({}),
  title: 'Late',
  description: 'A tool for tests.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
  timeoutSeconds: 0.1,
};
const block = (milliseconds = 200) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};
const throwIt = () => {
  throw new Error('late');
};
const ENDS = {
  value: () => 'done',
  nothing: () => undefined,
  blocks: () => content([{ type: 'text', text: 'done' }]),
  failure: () => failure('It cannot be done.'),
  unavailable: () => unavailable('It is down.'),
  thrown: throwIt,
  invalid: () => new Map(),
};
export const tools = Object.entries(ENDS).flatMap(([name, end]) => [
  defineTool({ ...base, name: 'sync_' + name, handler: () => (block(), end()) }),
  defineTool({ ...base, name: 'async_' + name, handler: async () => (await null, block(), end()) }),
]);
export const longSync = defineTool({ ...base, name: 'long_sync', handler: () => (block(1200), 'done') });
export const longAsync = defineTool({ ...base, name: 'long_async', handler: async () => (await null, block(1200), 'done') });
export const inTime = defineTool({ ...base, name: 'in_time', timeoutSeconds: 600, handler: () => (block(), 'done') });
`;
const NAMES = ['value', 'nothing', 'blocks', 'failure', 'unavailable', 'thrown', 'invalid'].flatMap((end) => [
  `sync_${end}`,
  `async_${end}`,
]);

let server: TestServer;
beforeAll(async () => {
  const module = join(mkdtempSync(join(tmpdir(), 'late-')), 'late.mjs');
  writeFileSync(module, LATE_TOOLS);
  server = await startTestServer({ tools: { modules: [module] } });
});
afterAll(() => server.stop());

describe('a handler that holds the event loop past its deadline', () => {
  it.each(NAMES)('has timed out, whatever it then does: %s', async (tool_name) => {
    const { status, body } = await server.execute(tool_name);
    expect([status, body.reason, body.detail]).toEqual([
      504,
      'timeout',
      'The tool did not finish within 0.1 s.',
    ]);
    const samples = await server.scrape();
    expect(samples.value('mcp_tool_errors_total', { tool_name, reason: 'timeout' })).toBe(1);
    expect(samples.value('mcp_tool_calls_total', { tool_name })).toBe(1);
    expect(samples.value('mcp_tool_duration_seconds_count', { tool_name })).toBe(1);
    const {
      level,
      reason,
      run_seconds: seconds,
    } = server.logs.findLast((line) => line['tool'] === tool_name) as {
      readonly level: string;
      readonly reason: string;
      readonly run_seconds: number;
    };
    expect([level, reason]).toEqual(['warn', 'timeout']);
    expect(seconds).toBeGreaterThanOrEqual(0.2);
  });

  it.each(['long_sync', 'long_async'])('is told from one that waits, by the log: %s', async (tool_name) => {
    expect((await server.execute(tool_name)).body.detail).toBe('The tool did not finish within 0.1 s.');
    expect(server.logs.findLast((line) => line['tool'] === tool_name)?.['why']).toBe(
      'The tool did not finish within 0.1 s. The deadline itself was late: something blocked the event loop, such as a tool that computes for long and is not isolated (isolation: worker).',
    );
  });

  it('has not where its deadline is later', async () => {
    expect((await server.execute('in_time')).body).toMatchObject({ status: 'success', result: 'done' });
  });
});
