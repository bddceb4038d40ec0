/** Tests of a tool that asks twice, each with the answers of one round, as a server has them: `node --test journey.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { bookJourney } from './journey.ts';

const args = { to: 'Ghent' };
const second = { class: { action: 'accept', content: { class: 'second' } } };

await test('keeps the first answer for the run after the second question', async () => {
  const first = await callTool(bookJourney, args);
  assert.ok(first.status === 'success' && first.inputRequired);
  const asked = await callTool(bookJourney, args, { answers: second });
  assert.ok(asked.status === 'success' && asked.inputRequired);
  const { state } = asked.inputRequired;
  const answers = { confirm: { action: 'accept', content: { sure: true } } };
  const booked = await callTool(bookJourney, args, { state, answers });
  assert.partialDeepStrictEqual(booked, { result: { value: 'A second class journey to Ghent is booked.' } });
});

await test('books nothing when the user does not choose', async () => {
  const declined = await callTool(bookJourney, args, { answers: { class: { action: 'decline' } } });
  assert.partialDeepStrictEqual(declined, { reason: 'tool_error' });
});
