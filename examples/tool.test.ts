/** A tool, and a test of it that needs no server: node --test tool.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { accepted, defineTool, elicit, inputRequired, z } from 'nexus-mcp/tools';

const bookTable = defineTool({
  name: 'book_table',
  title: 'Book a table',
  description: 'Books a table for some guests. Asks for the time.',
  input: z.strictObject({ guests: z.int().min(1).max(12) }),
  output: z.strictObject({ booked: z.string() }),
  annotations: { readOnly: false, idempotent: false, destructive: false, openWorld: false },
  handler: ({ guests }, { answers }) => {
    const answer = accepted(answers['time'], z.object({ time: z.string() }));
    if (!answer) {
      const form = { type: 'object', properties: { time: { type: 'string' } }, required: ['time'] };
      return inputRequired({ time: elicit('At what time?', form) });
    }
    return { booked: `${guests} guests at ${answer.time}` };
  },
});

await test('refuses what its schema refuses', async () => {
  const outcome = await callTool(bookTable, { guests: 0 });
  assert.equal(outcome.status === 'error' && outcome.reason, 'invalid_arguments');
});

await test('asks for the time, and books the table', async () => {
  const asked = await callTool(bookTable, { guests: 2 });
  assert.ok(asked.status === 'success' && asked.inputRequired);
  const answers = { time: { action: 'accept', content: { time: '19:00' } } };
  const outcome = await callTool(bookTable, { guests: 2 }, { answers });
  assert.ok(outcome.status === 'success' && !outcome.inputRequired);
  assert.deepEqual(outcome.result.value, { booked: '2 guests at 19:00' });
});
