/** Tests of a tool that asks its user: `node --test booking.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { bookTable } from './booking.ts';

await test('asks for the seats, and books the table', async () => {
  const asked = await callTool(bookTable, { restaurant: 'Nord' });
  assert.ok(asked.status === 'success' && asked.inputRequired);
  const answers = { seats: { action: 'accept', content: { seats: 4 } } };
  const outcome = await callTool(bookTable, { restaurant: 'Nord' }, { answers });
  assert.partialDeepStrictEqual(outcome, {
    status: 'success',
    result: { value: '4 seats at Nord are booked.' },
  });
});

await test('books nothing when the user declines', async () => {
  const answers = { seats: { action: 'decline' } };
  const outcome = await callTool(bookTable, { restaurant: 'Nord' }, { answers });
  assert.partialDeepStrictEqual(outcome, { reason: 'tool_error' });
});
