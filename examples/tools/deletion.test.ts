/** Tests of a tool that has the user confirm: `node --test deletion.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { deleteDraft } from './deletion.ts';

const args = { draft: 'spring' };
const answers = { confirm: { action: 'accept', content: { sure: true } } };

await test('asks also when the first call brings an answer', async () => {
  const asked = await callTool(deleteDraft, args, { answers });
  assert.ok(asked.status === 'success' && asked.inputRequired);
});

await test('deletes when it asked and the user confirmed', async () => {
  const asked = await callTool(deleteDraft, args);
  assert.ok(asked.status === 'success' && asked.inputRequired);
  const { state } = asked.inputRequired;
  const declined = await callTool(deleteDraft, args, { state, answers: { confirm: { action: 'decline' } } });
  assert.partialDeepStrictEqual(declined, { reason: 'tool_error' });
  const confirmed = await callTool(deleteDraft, args, { state, answers });
  assert.partialDeepStrictEqual(confirmed, { result: { value: 'The draft spring is deleted.' } });
});
